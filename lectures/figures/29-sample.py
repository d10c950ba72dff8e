"""Draws 29-sample.svg: the public web, filtered, then sampled. The pattern of pages is made up."""

from figure import Figure

COLUMNS, ROWS, SIZE, STEP = 6, 7, 18, 24
PAGES = range(COLUMNS * ROWS)
EDUCATIONAL = [index for index in PAGES if index * 7 % 5 == 0 or index * 3 % 11 == 4]
SAMPLE = [index for index in EDUCATIONAL if index % 3 == 0]


def draw():
    title = "FineWeb-Edu is the public web filtered by a classifier; sample-10BT is a random sample of it"
    picture = Figure(720, 268, title)
    for left, name, shown in (
        (14, "public web", PAGES),
        (290, "FineWeb-Edu", EDUCATIONAL),
        (566, "sample-10BT", SAMPLE),
    ):
        picture.text(left + 69, 24, name, size=17, align="center", bold=True)
        for index in PAGES:
            x, y = left + STEP * (index % COLUMNS), 40 + STEP * (index // COLUMNS)
            if index not in shown:
                picture.rect(x, y, SIZE, SIZE, "paper", border="line", radius=3)
            elif index in EDUCATIONAL:
                picture.rect(x, y, SIZE, SIZE, "green", radius=3)
            else:
                picture.rect(x, y, SIZE, SIZE, "muted", 0.35, radius=3)
    picture.arrow(166, 121, 282, 121, "ink", 2)
    picture.arrow(442, 121, 558, 121, "ink", 2)
    picture.text(222, 86, "classifier:", size=14, align="center")
    picture.text(222, 104, "educational?", "green", 14, "center", bold=True)
    picture.text(498, 104, "at random", size=14, align="center")
    picture.text(704, 232, "about 9.67M documents,", size=14, align="right")
    picture.text(704, 252, "9.95B GPT-2 tokens", size=14, align="right")
    return picture


if __name__ == "__main__":
    draw().save(__file__)
