"""Draws 30-order.svg: chunks are ready in any order, the parent takes them in theirs. Made-up times."""

from figure import Figure

LEFT, UNIT = 112, 64
WORK = ((0, ((0, 0, 6), (5, 6, 9))), (1, ((1, 0, 2), (2, 2, 4), (3, 4, 5), (4, 5, 8))))  # (chunk, begin, end)


def draw():
    picture = Figure(740, 262, "Workers finish chunks in any order; the parent always waits for the oldest")
    for worker, chunks in WORK:
        y = 16 + 58 * worker
        picture.text(LEFT - 14, y + 27, f"worker {worker + 1}", size=16, align="right", bold=True)
        for chunk, begin, end in chunks:
            x, width = LEFT + UNIT * begin, UNIT * (end - begin) - 4
            picture.box(x, y, width, 44, f"chunk {chunk}" if width > 70 else str(chunk), "blue", size=16)
    y = 176
    picture.text(LEFT - 14, y + 27, "parent", size=16, align="right", bold=True)
    picture.box(LEFT, y, 6 * UNIT - 4, 44, "waits for chunk 0", "line", size=15)
    for place, chunk in enumerate((0, 1, 2, 3)):
        picture.box(LEFT + 6 * UNIT + 32 * place, y, 30, 44, str(chunk), "orange", size=16)
    picture.box(LEFT + 8 * UNIT, y, 30, 44, "4", "orange", size=16)
    picture.box(LEFT + 9 * UNIT, y, 30, 44, "5", "orange", size=16)
    for begin, place in ((2, 1), (4, 2), (5, 3)):
        end = LEFT + 6 * UNIT + 32 * place + 15
        picture.arrow(LEFT + UNIT * begin - 6, 120, end, y - 4, width=1.2, dash="4 4")
    picture.arrow(LEFT, 246, LEFT + 9 * UNIT + 30, 246)
    picture.text(LEFT - 14, 251, "time", "muted", 14, "right")
    return picture


if __name__ == "__main__":
    draw().save(__file__)
