"""Draw 53-band.svg: how far seed 2 is from the reference of the laptop preset, and the tolerance."""

from figure import Figure

SEED_2 = """
-.0244 .0095 -.0219 .0028 -.0129 .0081 .0308 .0069 -.0046 -.0227 -.0036 -.0275 .0028 -.0016 -.0019
-.0460 .0218 -.0369 -.0004 .0150 -.0224 -.0172 -.0066 -.0099 -.0121 -.0259 -.0040 -.0044 .0137 .0286
.0015 -.0035 -.0033 -.0076 -.0061 -.0064 .0205 .0099 -.0097 .0198
"""  # validation loss minus that of reference/laptop.jsonl, after 50, 100, ... 2,000 steps


def main():
    values = [float(value) for value in SEED_2.split()]
    assert len(values) == 40 and max(map(abs, values)) == 0.046
    picture = Figure(
        720, 340, "The difference of seed 2 to the reference stays well inside the tolerance of 0.1"
    )
    at = picture.axes(
        66,
        40,
        626,
        236,
        (0, 2000),
        (-0.15, 0.15),
        "step",
        "difference of validation loss",
        [(0, "0"), (500, "500"), (1000, "1,000"), (1500, "1,500"), (2000, "2,000")],
        [(-0.1, "-0.1"), (0, "0"), (0.1, "+0.1")],
    )
    (left, high), (right, low) = at(50, 0.1), at(2000, -0.1)
    picture.rect(left, high, right - left, low - high, "green", 0.14, radius=0)
    points = [at(50 * (number + 1), value) for number, value in enumerate(values)]
    picture.line(points, "blue", 1.8)
    for x, y in points:
        picture.circle(x, y, 3, "blue")
    picture.text(left + 12, high - 10, "outside: a warning", "orange", 15)
    picture.text(left + 12, high + 24, "inside the band: no message", "green", 15, bold=True)
    picture.text(at(1460, 0)[0], at(0, 0.052)[1], "--seed 2", "blue", 15, bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
