"""Draw 62-decide.svg: what --device auto does with the GPU that it finds, or without one."""

from figure import Figure

WIDTH, HEIGHT = 720, 384
LEFT, RIGHT, WIDE = 20, 420, 280  # x of the two columns of boxes, and their width
ROWS = (16, 112, 208, 318)  # y of the questions, top to bottom
TALL = 50


def down(picture, row, word):
    """An arrow from a question to the one below it."""
    x = LEFT + WIDE / 2
    picture.arrow(x, ROWS[row] + TALL, x, ROWS[row + 1] - 3)
    picture.text(x + 10, (ROWS[row] + TALL + ROWS[row + 1]) / 2 + 5, word, "muted", 15)


def across(picture, row, word):
    """An arrow from a question to the box on its right."""
    y = ROWS[row] + TALL / 2
    picture.arrow(LEFT + WIDE, y, RIGHT - 3, y)
    picture.text((LEFT + WIDE + RIGHT) / 2, y - 8, word, "muted", 15, "center")


def draw():
    """The picture: questions on the left, what follows from them on the right."""
    picture = Figure(
        WIDTH,
        HEIGHT,
        "--device auto stops without a GPU for a preset of GPT-2 or GPT-3 and for several ranks, and with "
        "a GPU that PyTorch was not built for; it goes on otherwise",
    )
    picture.box(LEFT, ROWS[0], WIDE, TALL, "Does PyTorch find a GPU?", "blue", size=16)
    across(picture, 0, "yes")
    picture.box(RIGHT, ROWS[0], WIDE, TALL, "Was it built for this GPU?", "blue", size=16)
    down(picture, 0, "no")
    picture.box(LEFT, ROWS[1], WIDE, TALL, "Preset of GPT-2 or GPT-3?", "blue", size=16)
    across(picture, 1, "yes")
    down(picture, 1, "no")
    picture.box(LEFT, ROWS[2], WIDE, TALL, "Several ranks, built for CUDA?", "blue", size=16)
    across(picture, 2, "yes")
    down(picture, 2, "no")
    picture.box(LEFT, ROWS[3], WIDE, TALL, "goes on with the CPU", "green", size=16)
    picture.box(RIGHT, ROWS[1], 130, ROWS[2] + TALL - ROWS[1], "stops", "orange", size=17)
    picture.box(RIGHT + 150, ROWS[3], 130, TALL, "goes on", "green", note="with the GPU", size=16)
    x = RIGHT + 65
    picture.arrow(x, ROWS[0] + TALL, x, ROWS[1] - 3)
    picture.text(x + 10, (ROWS[0] + TALL + ROWS[1]) / 2 + 5, "no", "muted", 15)
    x = RIGHT + 215
    picture.arrow(x, ROWS[0] + TALL, x, ROWS[3] - 3)
    picture.text(x + 10, (ROWS[0] + TALL + ROWS[1]) / 2 + 5, "yes", "muted", 15)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
