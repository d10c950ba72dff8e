"""Draw 79-best.svg: the validation losses while the laptop model is fine-tuned on 60 KB."""

from figure import Figure

LOSSES = (1.6717, 1.6416, 1.6223, 1.5986, 1.5736, 1.5826, 1.5582, 1.5543, 1.5545, 1.5561)  # from step 75 on
FIRST, EVERY = 75, 25


def draw():
    """The picture: the last validations, with the best and the last one marked."""
    picture = Figure(620, 320, "The last checkpoint is not the best one, and both are kept")
    ticks = (1.55, 1.6, 1.65)
    place = picture.axes(
        70, 40, 500, 220, (50, 310), (1.54, 1.69), "step", "validation loss", (100, 200, 300), ticks
    )
    points = [place(FIRST + EVERY * number, loss) for number, loss in enumerate(LOSSES)]
    picture.line(points, "blue", 2.5)
    for x, y in points:
        picture.circle(x, y, 3.5, "blue")
    best, last = points[LOSSES.index(min(LOSSES))], points[-1]
    picture.circle(*best, 6, "orange")
    picture.text(best[0], best[1] - 34, "best, 1.5543", "orange", 14, "center", bold=True)
    picture.text(last[0] + 6, last[1] - 14, "last, 1.5561", "ink", 14, "right")
    return picture


if __name__ == "__main__":
    draw().save(__file__)
