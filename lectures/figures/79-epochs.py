"""Draw 79-epochs.svg: validation losses while a small model is fine-tuned on texts of three sizes."""

from figure import Figure

STEPS = (0, 25, 50, 75, 100)
RUNS = (  # size, epochs, validation losses after STEPS
    ("60 KB", (2.9389, 2.5243, 2.4204, 2.3764, 2.3644), "orange"),
    ("200 KB", (2.9962, 2.6003, 2.5214, 2.4832, 2.4689), "blue"),
    ("1 MB", (2.8960, 2.5842, 2.5157, 2.4801, 2.4705), "green"),
)


def draw():
    """The picture: a line per text, from step 0 on."""
    picture = Figure(600, 330, "With a validation at step 0, you see what fine-tuning has changed")
    ticks = (2.4, 2.6, 2.8, 3.0)
    place = picture.axes(60, 40, 500, 230, (0, 100), (2.3, 3.05), "step", "validation loss", STEPS, ticks)
    for number, (words, losses, color) in enumerate(RUNS):
        picture.line([place(step, loss) for step, loss in zip(STEPS, losses, strict=True)], color, 2.5)
        for step, loss in zip(STEPS, losses, strict=True):
            picture.circle(*place(step, loss), 3.5, color)
        picture.text(420, 66 + 22 * number, words, color, 14, bold=True)
    x, y = place(0, 2.95)
    picture.text(x + 22, y - 18, "step 0", "muted", 13)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
