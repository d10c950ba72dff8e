"""Draws 02-gradients.svg: the gradient at each of 24 blocks, with and without the residual stream.

The numbers are the norms of the gradients of `c_fc.weight` before training, as the page's try.py prints them
for the first and the last block; here they are for all 24.
"""

from figure import Figure

NEITHER = (
    "5.7e-18 5.7e-18 7.2e-18 2.3e-17 1.3e-16 8.3e-16 4.9e-15 3.3e-14 1.7e-13 1.3e-12 8.4e-12 4.5e-11 3.3e-10 "
    "1.6e-09 8.3e-09 5.4e-08 3.3e-07 1.8e-06 1.2e-05 6.4e-05 3.2e-04 1.9e-03 1.2e-02 8.1e-02"
)
STREAM = (
    "1.7e-01 1.6e-01 1.6e-01 1.5e-01 1.5e-01 1.5e-01 1.5e-01 1.5e-01 1.4e-01 1.4e-01 1.4e-01 1.4e-01 1.3e-01 "
    "1.3e-01 1.3e-01 1.3e-01 1.2e-01 1.3e-01 1.2e-01 1.2e-01 1.2e-01 1.2e-01 1.2e-01 1.2e-01"
)


def draw():
    picture = Figure(
        680, 350, "Without the stream the gradient shrinks to 1e-17 on its way to the first block"
    )
    ticks = [(10.0**power, f"1e{power}") for power in (0, -5, -10, -15)]
    place = picture.axes(
        64,
        44,
        590,
        240,
        (0, 23),
        (1e-18, 10),
        xlabel="block",
        ylabel="norm of the gradient of c_fc.weight",
        xticks=[(0, "0 (first)"), 5, 10, 15, 20, (23, "23")],
        yticks=ticks,
        ylog=True,
    )
    for numbers, color in ((STREAM, "blue"), (NEITHER, "orange")):
        points = [place(block, float(word)) for block, word in enumerate(numbers.split())]
        picture.line(points, color, 2.5)
        for x, y in points:
            picture.circle(x, y, 3, color)
    picture.text(150, 100, "with stream and norm", "blue", 16, bold=True)
    picture.text(330, 226, "plain layers, neither stream nor norm", "orange", 16, bold=True)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
