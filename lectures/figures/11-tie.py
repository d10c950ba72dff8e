"""Draws 11-tie.svg: an untied model has a table at each end, a tied one has a single table for both."""

from figure import Figure

TOP, MIDDLE, BOTTOM, TALL = 92, 176, 260, 52


def column(picture, x, title, count):
    """Draw the path from token ids to logits, from the bottom to the top, and the number of parameters."""
    picture.text(x + 156, 30, title, "ink", 18, "center", bold=True)
    picture.text(x + 66, 66, "logits", "muted", 16, "center")
    picture.box(x, TOP, 132, TALL, "dot products", "muted", size=17)
    picture.box(x, MIDDLE, 132, TALL, "12 blocks", "muted", size=17)
    picture.box(x, BOTTOM, 132, TALL, "look-up", "muted", size=17)
    picture.text(x + 66, 354, "token ids", "muted", 16, "center")
    for y in (TOP - 2, MIDDLE - 2, BOTTOM - 2, BOTTOM + TALL + 26):
        picture.arrow(x + 66, y, x + 66, y - (18 if y == TOP - 2 else 24 if y > BOTTOM else 28), "ink", 2)
    picture.text(x + 156, 396, f"{count} parameters", "ink", 17, "center", bold=True)


def main():
    picture = Figure(720, 416, "Untied, a model reads and writes tokens with two tables; tied, with one")
    column(picture, 24, "step 10: two tables", "163,037,184")
    picture.box(206, TOP, 124, TALL, "lm_head", "orange", "50,257 x 768", size=17)
    picture.box(206, BOTTOM, 124, TALL, "wte", "blue", "50,257 x 768", size=17)
    picture.arrow(204, TOP + TALL / 2, 160, TOP + TALL / 2, "orange", 2.5)
    picture.arrow(204, BOTTOM + TALL / 2, 160, BOTTOM + TALL / 2, "blue", 2.5)

    picture.line([(360, 14), (360, 402)], "line", 1)
    column(picture, 390, "step 11: one table", "124,439,808")
    picture.box(572, MIDDLE - 16, 124, TALL + 32, "wte = lm_head", "green", "50,257 x 768", size=17)
    x = 634
    picture.line([(x, MIDDLE - 18), (x, TOP + TALL / 2), (540, TOP + TALL / 2)], "green", 2.5)
    picture.arrow(540, TOP + TALL / 2, 526, TOP + TALL / 2, "green", 2.5)
    picture.text(x - 46, TOP + TALL / 2 - 10, "writes", "green", 16, "center")
    picture.line([(x, MIDDLE + TALL + 18), (x, BOTTOM + TALL / 2), (540, BOTTOM + TALL / 2)], "green", 2.5)
    picture.arrow(540, BOTTOM + TALL / 2, 526, BOTTOM + TALL / 2, "green", 2.5)
    picture.text(x - 46, BOTTOM + TALL / 2 + 24, "reads", "green", 16, "center")
    picture.save(__file__)


if __name__ == "__main__":
    main()
