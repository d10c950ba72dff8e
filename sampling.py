"""Draw tokens, and print continuations of a text as they come."""

import codecs
import sys

import torch
import torch.nn.functional as F

from data import find_tokenizer
from errors import UserError, warn


def draw_tokens(logits, temperature=1.0, top_k=None, top_p=1.0, generator=None):
    """Draw a token for each row of logits, float32 (B, V); returns int64 (B, 1).

    A temperature of 0 takes the likeliest token, top_k draws among the k likeliest (Fan et al. 2018), top_p
    among the fewest that together have the probability p (Holtzman et al. 2020). Raises FloatingPointError
    if a logit is not a number.
    """
    V = logits.shape[-1]
    likeliest, ids = logits.topk(1 if temperature == 0 else min(top_k or V, V))  # (B, k), the likeliest first
    probabilities = F.softmax((likeliest - likeliest[:, :1]) / max(temperature, 1e-6), dim=-1)
    if not probabilities.isfinite().all():  # multinomial would fail, on CUDA without a message
        raise FloatingPointError("the model's predictions are not numbers")
    if top_p < 1:  # drop each token, except the first, before which the sum has reached p
        probabilities[:, 1:].masked_fill_(probabilities.cumsum(dim=-1)[:, :-1] >= top_p, 0.0)
    choice = torch.multinomial(probabilities, num_samples=1, generator=generator)  # it need not sum to 1
    return ids.gather(1, choice)


def read_prompts(text):
    """Yield the text; for "-" yield the lines of the standard input instead, until it ends."""
    if text != "-":
        yield text
        return
    if not sys.stdin:
        raise UserError("--sample - reads the standard input, which is closed (use --sample TEXT)")
    sys.stdin.reconfigure(errors="replace")
    typed = sys.stdin.isatty()
    if typed:
        print("A base model continues your text. It remembers nothing of the lines before. Ctrl-D ends.")
    while True:
        try:
            line = input("text: " if typed else "")
        except EOFError:
            return
        yield line


def opening(tokens, config):
    """Return the text of the first 32 tokens of a split, for samples to continue."""
    tokenizer = find_tokenizer(config.tokenizer, config.vocab_size)
    return tokenizer.decode(tokens.read(0, min(len(tokens), 32)).tolist(), errors="ignore")  # half a letter


@torch.no_grad()
def store_by_columns(model):
    """Store the matrices of a model by columns: a CPU multiplies up to three rows by them faster, in float32.

    Sums may round in another order: a model that is trained on must keep its rows.
    """
    for weight in model.parameters():
        if weight.dim() == 2:
            weight.data = weight.t().contiguous().t()


def print_samples(model, prompt, config, machine, seed):
    """Print continuations of a prompt: the first one token by token, and then the others, ready by then."""
    if not config.samples:
        return
    tokenizer = find_tokenizer(model.config.tokenizer, model.config.vocab_size)
    start = tokenizer.encode(prompt, allowed_special="all") or [tokenizer.eot_token]
    idx = torch.tensor(start, device=machine.device).repeat(config.samples, 1)  # (samples, T)
    generator = torch.Generator(machine.device).manual_seed(seed)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")  # holds half a letter back

    def show(tokens):
        print(decoder.decode(tokenizer.decode_single_token_bytes(tokens[0].item())), end="", flush=True)

    print(f"> {tokenizer.decode(start)}", end="", flush=True)
    options = config.temperature, config.top_k, generator, config.top_p, show
    try:
        with machine.autocast():
            rows = model.generate(idx, config.sample_tokens, *options)
    except FloatingPointError as error:  # in a run the next step says so, and ends it
        print()
        warn(f"no samples: {error} (use weights from before, or a lower --lr)")
        return
    print(decoder.decode(b"", final=True))
    for row in rows[1:].tolist():
        print(f"> {tokenizer.decode(row)}")
