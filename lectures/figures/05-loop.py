"""Draws 05-loop.svg: one turn of the sampling loop."""

from figure import Figure


def draw():
    picture = Figure(
        720, 250, "The last position's logits give one new token, which is appended to the input"
    )
    boxes = [
        (20, "ids", "(B, T)", "blue"),
        (196, "model", "(B, T, V)", "blue"),
        (372, "last position", "(B, V)", "blue"),
    ]
    for x, words, note, color in boxes:
        picture.box(x, 30, 140, 62, words, color, note, size=16)
    picture.box(548, 30, 152, 62, "k likeliest", "orange", "logits, ids (B, k)", size=16)
    for x in (160, 336, 512):
        picture.arrow(x + 4, 61, x + 34, 61, width=2)
    picture.box(500, 150, 200, 62, "softmax", "orange", "of logits / temperature", size=16)
    picture.box(280, 150, 160, 62, "draw one", "orange", "(B, 1)", size=16)
    picture.arrow(600, 94, 600, 148, width=2)
    picture.arrow(498, 181, 444, 181, width=2)
    picture.line([(278, 181), (90, 181), (90, 100)], "green", 2)
    picture.arrow(90, 110, 90, 96, "green", 2)
    picture.text(104, 171, "append", "green", 16, bold=True)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
