"""Draws 08-surprise.svg: the loss of one prediction, -ln p, against the probability p of the true token."""

import math

from figure import Figure


def main():
    picture = Figure(
        720, 400, "The loss of a prediction is -ln p: zero if the model was certain, unbounded as p goes to 0"
    )
    place = picture.axes(
        76,
        40,
        600,
        292,
        (0, 1),
        (0, 6),
        "p, the probability that the model gave to the true token",
        "loss in nats: -ln p",
        (0, 0.25, 0.5, 0.75, 1),
        (0, 2, 4, 6),
    )
    lowest = math.exp(-6)
    curve = [lowest ** (1 - step / 160) for step in range(161)]  # even steps of the loss
    picture.line([place(p, -math.log(p)) for p in curve], "blue", 3)
    for p, words, dx, dy in (
        (1, "certain: 0", 4, -16),
        (1 / 2, "a guess between 2 tokens: ln 2 = 0.69", 6, -26),
        (1 / 27, "a uniform guess over 27 tokens: ln 27 = 3.30", 16, 2),
    ):
        x, y = place(p, -math.log(p))
        picture.circle(x, y, 5.5, "orange")
        picture.text(x + dx, y + dy, words, "ink", 16, "right" if p == 1 else "left")
    x, y = place(0.03, 5.55)
    picture.text(x, y, "a uniform guess over all V tokens: ln V,", "orange", 16, bold=True)
    picture.text(x, y + 21, "at p = 1/50,257, above the top of this picture", "orange", 16)
    picture.save(__file__)


if __name__ == "__main__":
    main()
