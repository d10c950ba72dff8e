"""Draw 14-bits.svg: how float32, TF32, bfloat16 and float16 spend their bits."""

from figure import Figure

FORMATS = [  # name, bits of the exponent, bits of the mantissa, largest number
    ("float32", 8, 23, "up to 3.4e38"),
    ("TF32", 8, 10, "up to 3.4e38"),
    ("bfloat16", 8, 7, "up to 3.4e38"),
    ("float16", 5, 10, "up to 65,504"),
]
LEFT, TOP, CELL, HEIGHT, ROW = 96, 44, 18, 30, 66


def draw():
    """The picture: one row of cells per format, one cell per bit."""
    picture = Figure(
        LEFT + 32 * CELL + 16,
        TOP + len(FORMATS) * ROW - 8,
        "TF32 and bfloat16 keep float32's 8 exponent bits and shorten the mantissa from 23 bits to 10 and 7; "
        "float16 has 5 and 10",
    )
    for x, words, color in (
        (LEFT - 4, "sign", "orange"),
        (LEFT + 3 * CELL, "exponent: range", "blue"),
        (LEFT + 14 * CELL, "mantissa: precision", "green"),
    ):
        picture.text(x, 28, words, color, 15, bold=True)
    for row, (name, exponent, mantissa, largest) in enumerate(FORMATS):
        y = TOP + row * ROW
        picture.text(LEFT - 12, y + 21, name, size=16, align="right", bold=True)
        colors = ["orange"] + ["blue"] * exponent + ["green"] * mantissa
        for bit, color in enumerate(colors):
            picture.rect(LEFT + bit * CELL, y, CELL - 2, HEIGHT, color, radius=2)
        words = f"1 + {exponent} + {mantissa} = {len(colors)} bits, {largest}"
        picture.text(LEFT, y + HEIGHT + 17, words, "muted", 13)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
