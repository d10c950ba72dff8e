"""Draw 12-longer.svg: where 1,500 steps end from three kinds of initial weights, with three seeds each.

The losses on unseen text are those that longer.py of the page printed (one thread of an AMD EPYC).
"""

from figure import Figure

LOSSES = {  # weights: losses of the seeds 1, 2 and 3, color
    "PyTorch's defaults": ((2.561, 2.560, 2.650), "muted"),
    "0.02 everywhere": ((2.574, 2.275, 2.333), "orange"),
    "GPT-2's": ((2.228, 2.480, 2.264), "blue"),
}
LEFT, RIGHT, LOW, HIGH = 200, 640, 2.2, 2.7


def place(loss):
    """Return where a loss is on the axis."""
    return LEFT + (loss - LOW) / (HIGH - LOW) * (RIGHT - LEFT)


def main():
    title = "With every seed GPT-2's initial weights end below PyTorch's defaults"
    picture = Figure(680, 240, title)
    for row, (name, (losses, color)) in enumerate(LOSSES.items()):
        y = 40 + 56 * row
        picture.text(LEFT - 24, y + 5, name, color, 15, align="right", bold=True)
        picture.line([(place(min(losses)), y), (place(max(losses)), y)], color, 2)
        for loss in losses:
            picture.circle(place(loss), y, 6, color)
        mean = sum(losses) / len(losses)
        picture.line([(place(mean), y - 12), (place(mean), y + 12)], color, 2.5)
        picture.text(place(mean), y - 18, f"mean {mean:.2f}", color, 13, align="center")
    picture.line([(LEFT, 200), (RIGHT, 200)], "muted", 1)
    for tick in (2.2, 2.3, 2.4, 2.5, 2.6, 2.7):
        picture.text(place(tick), 218, f"{tick:.1f}", "muted", 13, align="center")
    picture.text(
        (LEFT + RIGHT) / 2, 236, "loss on unseen text after 1,500 steps", "muted", 13, align="center"
    )
    picture.save(__file__)


if __name__ == "__main__":
    main()
