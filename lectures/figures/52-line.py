"""Draw 52-line.svg: the time of a step is a line in its number of micro-batches, through two points.

The scale is free: a and b are any times.
"""

from figure import Figure

A, B, N = 1.6, 0.8, 10


def main():
    picture = Figure(
        720, 380, "Two short measured steps give the time of a long step: a line through t(1) and t(2)"
    )
    ticks = [(0, "0"), (1, "1"), (2, "2"), (N, "n")]
    at = picture.axes(60, 40, 560, 280, (0, 11), (0, 11), "micro-batches in a step", "time of a step", ticks)
    picture.line([at(0, A), at(2, A + 2 * B), at(N, A + N * B)], "muted", 2, "6 5")
    picture.line([at(1, A + B), at(2, A + 2 * B)], "blue", 3)
    for n, words in ((1, "t(1)"), (2, "t(2)")):
        x, y = at(n, A + n * B)
        picture.circle(x, y, 6, "blue")
        picture.text(x - 4, y - 14, words, "blue", 17, "center", bold=True)
    x, y = at(N, A + N * B)
    picture.circle(x, y, 7, "orange")
    picture.line([(x, y + 9), (x, at(0, 0)[1])], "orange", 1.2, "3 4")
    picture.text(x - 16, y - 8, "t(n): never measured", "orange", 17, "right", bold=True)
    (x, low), (_, high) = at(0, 0), at(0, A)
    picture.rect(x, high, 9, low - high, "green", 0.7, radius=0)
    picture.text(
        x + 20, (low + high) / 2 + 5, "a: once per step (average over ranks, clip, AdamW)", "green", 15
    )
    (x, y), (right, up) = at(5, A + 5 * B), at(6, A + 6 * B)
    picture.line([(x, y), (right, y), (right, up)], "blue", 1.6)
    picture.text(right + 10, y - 2, "b: per micro-batch", "blue", 15)
    picture.text(right + 10, y + 18, "(forward, backward)", "blue", 15)
    picture.text(at(0.6, 0)[0], at(0, A + 2 * B)[1] - 44, "measured", "blue", 15)
    picture.save(__file__)


if __name__ == "__main__":
    main()
