"""Draw 50-rates.svg: two losses of the small model after 100 steps on Shakespeare (page 50)."""

from figure import Figure

RATES = (3e-5, 1e-3, 5e-3, 3e-2)
SHAKESPEARE, PYTHON = (2.64, 2.24, 2.21, 2.51), (1.99, 3.55, 4.25, 4.60)
BEFORE = (2.84, 1.95)


def main():
    picture = Figure(
        720, 380, "A higher learning rate learns more Shakespeare and forgets more Python, up to a point"
    )
    xs = (4e-6, 3e-2)
    ticks = [(3e-5, "3e-5"), (1e-3, "1e-3"), (5e-3, "5e-3"), (3e-2, "3e-2")]
    at = picture.axes(
        56,
        40,
        470,
        270,
        xs,
        (1.5, 5),
        "peak learning rate",
        "validation loss",
        [(4e-6, "before"), *ticks],
        (2, 3, 4, 5),
        xlog=True,
    )
    lines = [(PYTHON, BEFORE[1], "orange", "Python,"), (SHAKESPEARE, BEFORE[0], "blue", "Shakespeare,")]
    for losses, before, color, words in lines:
        points = [at(4e-6, before)] + [at(rate, loss) for rate, loss in zip(RATES, losses, strict=True)]
        picture.line(points, color, 2.5)
        for x, y in points:
            picture.circle(x, y, 4, color)
        x, y = points[2]
        above = color == "orange"
        picture.text(x - 28 if above else x + 26, y - 10, f"{losses[1]}", color, 14, "center")
        x, y = points[-1]
        picture.text(x + 14, y - 2, words, color, 15, bold=True)
        picture.text(x + 14, y + 17, "where it came from" if color == "orange" else "the new text", color, 15)
    picture.save(__file__)


if __name__ == "__main__":
    main()
