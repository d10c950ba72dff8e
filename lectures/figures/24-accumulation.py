"""Draws 24-accumulation.svg: eight micro-batches add up, in .grad, to the gradient of one batch of 8 rows."""

from figure import Figure

PARTS, FULL = 8, 128  # micro-batches in a step; the height of a whole gradient


def draw():
    title = "Eight micro-batches of one row leave the same gradient in .grad as one batch of eight rows"
    picture = Figure(720, 380, title)
    bottom = 330

    picture.text(20, 32, "eight micro-batches of one row, in turn", size=16, bold=True)
    for part in range(PARTS):
        x = 30 + 55 * part
        picture.box(x, 62, 40, 26, f"{part}", size=15)
        picture.arrow(x + 20, 92, x + 20, 142, "muted", 1.5)
        height = FULL * (part + 1) / PARTS
        step = FULL / PARTS
        if part:
            picture.rect(x, bottom - height + step, 40, height - step, "orange", 0.35, radius=0)
        picture.rect(x, bottom - height, 40, step, "orange", radius=0)
    picture.text(30, 166, "backward() of loss / 8 adds an eighth to .grad", "muted", 15)
    picture.text(30, bottom + 28, ".grad after each micro-batch", "orange", 15)

    picture.text(540, 32, "one batch", size=16, bold=True)
    for part in range(PARTS):
        picture.rect(560, 48 + 9 * part, 60, 7, "blue", 0.16, "blue", 2)
    picture.text(632, 86, "8 rows", "muted", 15)
    picture.arrow(590, 124, 590, bottom - FULL - 6, "muted", 1.5)
    picture.rect(560, bottom - FULL, 60, FULL, "orange", radius=0)
    picture.line([(455, bottom - FULL), (560, bottom - FULL)], "muted", 1.5, "5 5")
    picture.text(480, bottom - FULL + 26, "equal", "muted", 15)
    picture.line([(20, bottom), (700, bottom)], "muted", 1)
    picture.text(560, bottom + 28, ".grad", "orange", 15)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
