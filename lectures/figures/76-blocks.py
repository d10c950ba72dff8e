"""Draw 76-blocks.svg: who works when, before and after workers read the text that they tokenize."""

from figure import Figure

WIDTH, LEFT, ROW = 720, 116, 26
BEFORE = {  # row: pairs of begin and end, in a made-up unit of time, and the label of the first one
    "parent": ([(0, 90), (240, 330)], "loads file 1, 2", "orange"),
    "worker 1": ([(90, 232), (330, 472)], "tokenizes", "blue"),
    "worker 2": ([(90, 240), (330, 480)], "tokenizes", "blue"),
    "worker 3": ([(90, 226), (330, 466)], "tokenizes", "blue"),
}
AFTER = {
    "download": ([(0, 60), (60, 120), (160, 220)], "file 2, 3, 4", "orange"),
    "worker 1": ([(6, 480)], "reads and tokenizes", "blue"),
    "worker 2": ([(6, 480)], "reads and tokenizes", "blue"),
    "worker 3": ([(6, 480)], "reads and tokenizes", "blue"),
}


def draw_rows(picture, top, title, rows):
    """A row of bars per process."""
    picture.text(12, top, title, size=15, bold=True)
    for number, (name, (spans, words, color)) in enumerate(rows.items()):
        y = top + 14 + (ROW + 6) * number
        picture.text(LEFT - 10, y + 18, name, "muted", 13, "right")
        for begin, end in spans:
            picture.rect(
                LEFT + begin * 1.2, y, (end - begin) * 1.2 - 2, ROW, color, 0.3, border=color, radius=2
            )
        begin, end = spans[0]
        if (end - begin) * 1.2 > 100:
            picture.text(LEFT + begin * 1.2 + 10, y + 18, words, size=13)
        else:
            picture.text(LEFT + spans[-1][1] * 1.2 + 10, y + 18, words, size=13)


def draw():
    """The picture: two groups of rows over the same time."""
    picture = Figure(
        WIDTH, 334, "Before, workers wait for each file to be loaded; now they read it and never wait"
    )
    draw_rows(picture, 24, "Step 75: the parent loads each file first", BEFORE)
    draw_rows(picture, 192, "Step 76: workers read, the next file is on its way", AFTER)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
