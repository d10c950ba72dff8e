"""Draws 12-residual-stream.svg: the residual stream's size after each addition, for three initial weights.

The numbers are what `measure` prints. To measure again, run this script with the argument "measure" in a
folder that has train_gpt2.py of step 12 and input.txt.
"""

import math
import sys
from pathlib import Path

from figure import Figure

SCALED = [0.023, 0.030, 0.079, 0.088, 0.113, 0.123, 0.142, 0.151, 0.167, 0.174, 0.188, 0.194, 0.207]
SCALED += [0.212, 0.224, 0.231, 0.242, 0.247, 0.256, 0.261, 0.272, 0.279, 0.288, 0.294, 0.303]
EQUAL = [0.023, 0.102, 0.373, 0.449, 0.565, 0.628, 0.715, 0.769, 0.840, 0.878, 0.942, 0.979, 1.040]
EQUAL += [1.068, 1.128, 1.171, 1.222, 1.251, 1.294, 1.320, 1.370, 1.412, 1.455, 1.491, 1.527]
DEFAULTS = [1.006, 1.011, 1.029, 1.034, 1.053, 1.059, 1.078, 1.085, 1.104, 1.110, 1.127, 1.134, 1.150]
DEFAULTS += [1.156, 1.173, 1.180, 1.196, 1.206, 1.224, 1.231, 1.245, 1.253, 1.265, 1.272, 1.288]


def measure():
    """Print the stream's standard deviation: of the embeddings, then after each attention and each MLP."""
    import torch

    sys.path.insert(0, ".")
    from train_gpt2 import GPT, Config, get_batch, get_tokenizer, load_text

    class Defaults(GPT):
        def init_weights(self, generator=None):
            """Keep the weights that PyTorch has drawn, as step 11 does."""

    @torch.no_grad()
    def show(model, name):
        x = model.wte(idx) + model.wpe(torch.arange(idx.shape[1]))
        widths = [x.std().item()]
        for block in model.h:
            x = x + block.attn(block.ln_1(x))
            widths.append(x.std().item())
            x = x + block.mlp(block.ln_2(x))
            widths.append(x.std().item())
        print(name, *(f"{width:.3f}" for width in widths))

    tokens = torch.tensor(get_tokenizer().encode_ordinary(load_text(Path("input.txt"))))
    config = Config(context=64)
    idx, _ = get_batch(tokens, config, step=0)
    model = GPT(config, torch.Generator().manual_seed(1))
    show(model, "SCALED")
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("c_proj.weight"):
                weight.mul_(math.sqrt(2 * config.n_layer))
    show(model, "EQUAL")
    torch.manual_seed(1)
    show(Defaults(config), "DEFAULTS")


def main():
    picture = Figure(
        720,
        400,
        "The stream's standard deviation ends at 1.53 with 0.02 everywhere, and at 0.30 with GPT-2's scaling",
    )
    place = picture.axes(
        60,
        44,
        590,
        292,
        (0, 24),
        (0, 1.6),
        "additions to the stream: attention 1, MLP 1, ..., MLP 12",
        "standard deviation of the residual stream",
        (0, 4, 8, 12, 16, 20, 24),
        (0, 0.4, 0.8, 1.2, 1.6),
    )
    for widths, color, words, label in (
        (EQUAL, "orange", "0.02 for every matrix", (8.6, 0.68)),
        (DEFAULTS, "muted", "PyTorch's defaults (step 11)", (0.4, 1.24)),
        (SCALED, "blue", "GPT-2: c_proj divided by √24", (11, 0.06)),
    ):
        points = [place(number, width) for number, width in enumerate(widths)]
        picture.line(points, color, 3)
        picture.text(*place(*label), words, color, 16, bold=True)
        x, y = points[-1]
        picture.circle(x, y, 4.5, color)
        picture.text(x + 12, y + 6, f"{widths[-1]:.2f}", color, 17, bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    measure() if sys.argv[1:] == ["measure"] else main()
