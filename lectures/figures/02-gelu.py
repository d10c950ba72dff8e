"""Draws 02-gelu.svg: GELU in the form that GPT-2 uses, and ReLU for comparison."""

import math

from figure import Figure


def gelu(x):
    """The tanh form of GELU (Hendrycks & Gimpel 2016)."""
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def draw():
    picture = Figure(
        640, 280, "GELU is about 0 for very negative x, about x for large x, and smooth in between"
    )
    place = picture.axes(
        50, 24, 560, 200, (-4, 4), (-0.5, 4), xlabel="x", xticks=range(-4, 5, 2), yticks=range(0, 5, 2)
    )
    picture.line([place(-4, 0), place(0, 0), place(4, 4)], "muted", 1.5, dash="5 4")
    picture.line([place(x / 20, gelu(x / 20)) for x in range(-80, 81)], "orange", 3)
    x, y = place(2.2, 2.75)
    picture.text(x - 10, y, "GELU", "orange", 16, "right", bold=True)
    x, y = place(-3.9, 0.35)
    picture.text(x, y, "ReLU (dashed): a sharp corner at 0", "muted", 15)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
