"""Draws 30-workers.svg: which process reads, tokenizes and writes, and what travels between them."""

from figure import Figure


def draw():
    picture = Figure(
        740, 300, "The parent sends three small values, a worker reads its own rows and sends back tokens"
    )
    picture.text(81, 24, "Arrow file", size=16, align="center", bold=True)
    picture.rect(6, 36, 150, 254, "panel", border="line", radius=6)
    for y, words, color in ((49, "rows 0–999", "blue"), (151, "rows 1000–1999", "green")):
        picture.box(14, y, 134, 56, words, color, size=15)
    picture.text(81, 262, "…", size=16, align="center")

    picture.box(264, 40, 130, 74, "worker 1", "blue", size=17)
    picture.box(264, 142, 130, 74, "worker 2", "green", size=17)
    for y in (77, 179):
        picture.line([(160, y), (254, y)], "muted", 1.5, dash="5 4")
        picture.arrow(248, y, 260, y)
        picture.text(210, y - 10, "reads", "muted", 14, "center")

    picture.box(584, 40, 142, 176, "", "orange")
    picture.text(655, 122, "parent", size=17, align="center")
    picture.text(655, 144, "takes tokens", "muted", 14, "center")
    picture.text(655, 162, "in order", "muted", 14, "center")
    for y in (40, 142):
        picture.arrow(580, y + 26, 398, y + 26)
        picture.text(489, y + 18, "file, first row, count", "muted", 14, "center")
        picture.arrow(398, y + 50, 580, y + 50, "orange", 3)
        picture.text(489, y + 68, "tokens", "orange", 14, "center", bold=True)

    picture.arrow(655, 218, 655, 246, "orange", 3)
    for index in range(3):
        picture.box(584 + 48 * index, 250, 46, 36, "", "orange")
    picture.text(574, 273, "shards", size=16, align="right", bold=True)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
