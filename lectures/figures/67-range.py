"""Draw 67-range.svg: gradients of the logits beside the range of float16, before and after scaling the loss.

The model guesses uniformly among 50,257 tokens, and the loss is the mean over 16 x 1,024 tokens.
"""

import math

from figure import Figure

WIDTH, HEIGHT = 720, 290
LEFT, RIGHT = 24, 696  # x of the lowest and of the highest exponent
LOWEST, HIGHEST = -32, 20  # powers of two
TOKENS, VOCABULARY, SCALE = 16 * 1024, 50257, 2**16


def place(value):
    """The x of a positive number on the logarithmic axis."""
    return LEFT + (math.log2(value) - LOWEST) / (HIGHEST - LOWEST) * (RIGHT - LEFT)


def draw():
    """The picture: one axis, the range of float16 on it, and two gradients above and below."""
    picture = Figure(
        WIDTH,
        HEIGHT,
        "Without a scale the gradient of a wrong token is too small for float16; times 65,536 it fits",
    )
    wrong, right = 1 / VOCABULARY / TOKENS, (1 - 1 / VOCABULARY) / TOKENS
    low, high = place(2.0**-24), place(65504)
    picture.rect(low, 122, high - low, 44, "blue", 0.16, border="blue")
    picture.text((low + high) / 2, 150, "float16: 6.0e-8 to 65,504", "blue", 15, "center", bold=True)
    picture.text(low - 10, 150, "becomes 0", "orange", 14, "right")
    picture.text(high + 8, 150, "inf", "orange", 14)
    picture.line([(LEFT, 166), (RIGHT, 166)], "muted")
    for exponent in range(-30, 21, 10):
        picture.line([(place(2.0**exponent), 166), (place(2.0**exponent), 172)], "muted")
        picture.text(place(2.0**exponent), 190, f"2^{exponent}", "muted", 12, "center")
    picture.text(12, 30, "gradient of the logits", size=15, bold=True)
    for value, words, color in (
        (wrong, "wrong token: 1.2e-9", "orange"),
        (right, "right token: -6.1e-5", "ink"),
    ):
        picture.text(place(value), 74, words, color, 14, "center" if color == "ink" else "left")
        picture.arrow(place(value), 82, place(value), 118, color)
    picture.text(12, 280, "the same, with the loss times 65,536", size=15, bold=True)
    for value, words in ((wrong, "wrong: 8.0e-5"), (right, "right: -4.0")):
        picture.text(place(SCALE * value), 248, words, "green", 14, "center")
        picture.arrow(place(SCALE * value), 234, place(SCALE * value), 196, "green")
    return picture


if __name__ == "__main__":
    draw().save(__file__)
