"""Draw 15-sum.svg: the running sum of 1,000 ones in bfloat16 and in float32.

bfloat16's rounding is done here: 8 significant bits, ties to even. PyTorch's sum stops at the same number
(answer to exercise 1 of step 15).
"""

import math

from figure import Figure


def bfloat16(value):
    """The nearest bfloat16 number, ties to even (for positive values in the normal range)."""
    gap = 2.0 ** (math.floor(math.log2(value)) - 7)
    return round(value / gap) * gap


def draw():
    """The picture: two curves over the number of ones added."""
    sums = [0.0]
    for _ in range(1000):
        sums.append(bfloat16(sums[-1] + 1.0))
    picture = Figure(640, 330, f"Adding ones one by one in bfloat16, the sum stops at {sums[-1]:.0f}")
    place = picture.axes(
        64,
        44,
        540,
        220,
        (0, 1000),
        (0, 1000),
        "ones added",
        "sum",
        xticks=(0, 256, 500, 1000),
        yticks=(0, 256, 500, 1000),
    )
    picture.line([place(0, 0), place(1000, 1000)], "blue", 2.5)
    picture.line([place(number, value) for number, value in enumerate(sums)], "orange", 3)
    picture.text(*place(560, 690), "float32", "blue", 15, "right", bold=True)
    picture.text(*place(660, 170), "bfloat16: 256 + 1 = 256", "orange", 15, "center", bold=True)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
