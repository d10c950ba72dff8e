"""GPT-2 (124M), grown one commit at a time.

The model: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners" (GPT-2).
"""

from dataclasses import dataclass

import torch
from torch import nn

# ---- The model ---------------------------------------------------------------------------------------------


@dataclass
class GPTConfig:
    """The shape of a GPT; the defaults are GPT-2 (124M)."""

    vocab_size: int = 50257  # tokens in the vocabulary: 256 bytes, 50,000 merges and <|endoftext|>
    context: int = 1024  # longest sequence, in tokens
    n_embd: int = 768  # width of the residual stream


class GPT(nn.Module):
    """GPT-2. Its modules bear the names of OpenAI's checkpoint: wte, wpe, ..., ln_f."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        self.wpe = nn.Embedding(config.context, config.n_embd)
        self.ln_f = nn.LayerNorm(config.n_embd)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)

    def forward(self, idx):
        """Predict the token after each token.

        idx is int64 (B, T), T <= context. Returns the logits (B, T, vocab_size).
        """
        T = idx.shape[1]
        assert T <= self.config.context, f"{T} tokens, but a context of {self.config.context}"
        x = self.wte(idx) + self.wpe(torch.arange(T, device=idx.device))  # (B, T, C)
        return self.lm_head(self.ln_f(x))  # (B, T, vocab_size)


# ---- The program -------------------------------------------------------------------------------------------


def main():
    torch.manual_seed(1337)
    model = GPT(GPTConfig())
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters")
    idx = torch.tensor([[15496, 11, 314, 1101, 257, 3303, 2746, 11]])  # "Hello, I'm a language model,"
    logits = model(idx)
    print(f"ids {tuple(idx.shape)} in, logits {tuple(logits.shape)} out")


if __name__ == "__main__":
    main()
