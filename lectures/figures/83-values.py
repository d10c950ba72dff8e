"""Draw 83-values.svg: what one to five Newton-Schulz iterations do to a singular value."""

from figure import Figure


def iterate(value, count):
    """A singular value after so many iterations."""
    for _ in range(count):
        value = 3.4445 * value - 4.7750 * value**3 + 2.0315 * value**5
    return value


def main():
    picture = Figure(
        720, 380, "Five iterations lift singular values from 0.002 upwards to between 0.68 and 1.21"
    )
    at = picture.axes(
        60,
        40,
        620,
        276,
        (1e-4, 1),
        (0, 1.3),
        "singular value before (logarithmic)",
        "after",
        [(1e-4, "0.0001"), (1e-3, "0.001"), (1e-2, "0.01"), (1e-1, "0.1"), (1, "1")],
        [0, 0.5, 1],
        xlog=True,
    )
    (left, top), (right, bottom) = at(0.002, 1.21), at(1, 0.68)
    picture.rect(left, top, right - left, bottom - top, "green", 0.14, radius=0)
    picture.text(left + 8, top - 8, "between 0.68 and 1.21", "green", 14)
    values = [10 ** (-4 + n / 200) for n in range(801)]
    for count in (0, 1, 2, 3, 4, 5):
        points = [at(value, iterate(value, count)) for value in values]
        picture.line(points, "orange" if count == 5 else "muted", 2.8 if count == 5 else 1.1)
    for count, value in ((5, 0.00062), (3, 0.0068), (1, 0.082)):
        x, y = at(value, iterate(value, count))
        words = f"after {count}" if count > 1 else "after 1"
        picture.text(x - 8, y, words, "orange" if count == 5 else "muted", 14, "right", bold=count == 5)
    x, y = at(0.42, iterate(0.42, 0))
    picture.text(x + 12, y + 18, "before", "muted", 14)
    picture.save(__file__)


if __name__ == "__main__":
    main()
