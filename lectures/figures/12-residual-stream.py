"""Draws 12-residual-stream.svg: how wide the residual stream is after each addition, for three first weights.

Run it in a folder that has train_gpt2.py of step 12 and input.txt; the argument is the picture's path.
"""

import math
import sys
from pathlib import Path

import matplotlib
import torch

sys.path.insert(0, ".")
from train_gpt2 import GPT, Config, get_batch, get_tokenizer, load_text

matplotlib.use("svg")
import matplotlib.pyplot as plt


@torch.no_grad()
def widths(model, idx):
    """The standard deviation of the stream: of the embeddings, then after each attention and each MLP."""
    x = model.wte(idx) + model.wpe(torch.arange(idx.shape[1]))
    found = [x.std().item()]
    for block in model.h:
        x = x + block.attn(block.ln_1(x))
        found.append(x.std().item())
        x = x + block.mlp(block.ln_2(x))
        found.append(x.std().item())
    return found


class Defaults(GPT):
    def init_weights(self, generator=None):
        """Keep what PyTorch has drawn, as step 11 does."""


def main():
    tokens = torch.tensor(get_tokenizer().encode_ordinary(load_text(Path("input.txt"))))
    config = Config(context=64)
    idx, _ = get_batch(tokens, config, step=0)
    model = GPT(config, torch.Generator().manual_seed(1))
    curves = {"GPT-2: c_proj 0.02 / sqrt(24)": widths(model, idx)}
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("c_proj.weight"):
                weight.mul_(math.sqrt(2 * config.n_layer))
    curves["0.02 for every matrix"] = widths(model, idx)
    torch.manual_seed(1)
    curves["PyTorch's defaults (step 11)"] = widths(Defaults(config), idx)
    for name, curve in curves.items():
        print(f"{name:30}", *(f"{value:.3f}" for value in curve[::6]))

    plt.rcParams.update({"svg.hashsalt": "12", "svg.fonttype": "none"})
    figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    looks = (("tab:blue", (9, 0.31)), ("tab:orange", (10.5, 0.82)), ("dimgray", (2, 1.2)))
    for (name, curve), (colour, place) in zip(curves.items(), looks, strict=True):
        axes.plot(curve, ".-", color=colour)
        axes.annotate(name, place, color=colour)
        axes.annotate(f"{curve[-1]:.2f}", (24, curve[-1]), xytext=(4, -3), textcoords="offset points")
    axes.axhline(0.0208, color="black", linewidth=0.6, linestyle=":")
    axes.annotate("the token's own part, 0.02", (16, 0.03), fontsize=8)
    axes.set_xlabel("additions to the stream: attention 1, MLP 1, attention 2, ..., MLP 12")
    axes.set_ylabel("standard deviation")
    axes.set_ylim(0, 1.7)
    axes.set_xlim(0, 26)
    figure.savefig(sys.argv[1], metadata={"Date": None})


if __name__ == "__main__":
    main()
