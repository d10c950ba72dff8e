"""Draw 69-best.svg: validation loss of the run of page 69, and which checkpoints are left at its end."""

from figure import Figure

WIDTH, HEIGHT = 720, 330
LOSSES = (2.6230, 2.4964, 2.4014, 2.3148, 2.3196, 2.4610, 2.6767, 3.0336, 3.4151, 3.8312)  # every 50 steps
LEFT, RIGHT, TOP, BOTTOM = 70, 690, 40, 250
LOW, HIGH = 2.0, 4.0


def place(number, loss):
    """The point of the loss after 50 * (number + 1) steps."""
    x = LEFT + (number + 0.5) / len(LOSSES) * (RIGHT - LEFT)
    return x, BOTTOM - (loss - LOW) / (HIGH - LOW) * (BOTTOM - TOP)


def draw():
    """The picture: the curve, and a box per checkpoint below it."""
    title = "The validation loss is lowest at step 200, and its checkpoint is kept beside the two newest"
    picture = Figure(WIDTH, HEIGHT, title)
    picture.text(12, 22, "validation loss", "muted", 14)
    for loss in (2.0, 3.0, 4.0):
        y = place(0, loss)[1]
        picture.line([(LEFT, y), (RIGHT, y)], "line", 1)
        picture.text(LEFT - 10, y + 5, f"{loss:.1f}", "muted", 13, "right")
    picture.line([place(*pair) for pair in enumerate(LOSSES)], "blue", 2.5)
    best = LOSSES.index(min(LOSSES))
    for number, loss in enumerate(LOSSES):
        x, y = place(number, loss)
        kept = number in (best, len(LOSSES) - 2, len(LOSSES) - 1)
        picture.circle(x, y, 5 if kept else 3, "orange" if number == best else "blue")
        picture.rect(
            x - 26,
            264,
            52,
            26,
            "orange" if number == best else "blue" if kept else "panel",
            0.25 if kept else 1,
        )
        picture.text(x, 282, str(50 * (number + 1)), "ink" if kept else "muted", 13, "center", bold=kept)
    x, y = place(best, LOSSES[best])
    picture.text(x, y - 16, f"{LOSSES[best]:.2f}", "orange", 15, "center", bold=True)
    picture.text(x, 314, "best", "orange", 14, "center", bold=True)
    picture.text(
        (place(8, 2)[0] + place(9, 2)[0]) / 2, 314, "the two newest", "blue", 14, "center", bold=True
    )
    picture.text((place(4, 2)[0] + place(7, 2)[0]) / 2, 314, "deleted", "muted", 14, "center")
    picture.text(LEFT - 10, 282, "step", "muted", 13, "right")
    return picture


if __name__ == "__main__":
    draw().save(__file__)
