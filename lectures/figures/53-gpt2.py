"""Draw 53-gpt2.svg: the reference of GPT-2 (124M) and a loss of each of two runs whose ranks drifted apart.

The reference is reference/gpt2.jsonl at step 53; the two losses are those of page 53.
"""

from figure import Figure

REFERENCE = {  # after so many steps: validation loss, tolerance
    250: (6.13, 0.15),
    1000: (4.16, 0.1),
    2000: (3.66, 0.06),
    5000: (3.36, 0.06),
    10000: (3.2, 0.06),
    15000: (3.11, 0.06),
    19073: (3.07, 0.06),
}
BROKEN = {1000: 4.88, 19073: 3.397}


def main():
    picture = Figure(
        720, 390, "Broken runs learn too; only beside a reference do you see that their losses are too high"
    )
    at = picture.axes(
        52,
        40,
        560,
        290,
        (200, 22000),
        (2.4, 6.6),
        "step (logarithmic)",
        "validation loss",
        [(250, "250"), (1000, "1,000"), (2000, "2,000"), (5000, "5,000"), (19073, "19,073")],
        (3, 4, 5, 6),
        xlog=True,
    )
    points = [at(step, loss) for step, (loss, _) in REFERENCE.items()]
    picture.line(points, "green", 1.5)
    for (x, y), (step, (loss, width)) in zip(points, REFERENCE.items(), strict=True):
        (_, top), (_, bottom) = at(step, loss + width), at(step, loss - width)
        picture.rect(x - 7, top, 14, bottom - top, "green", 0.35, border="green", radius=2)
        picture.circle(x, y, 2.5, "green")
    for step, loss in BROKEN.items():
        picture.circle(*at(step, loss), 6, "orange")
    x, y = at(1000, 4.88)
    picture.text(x + 14, y + 6, "4.88", "orange", 16, bold=True)
    picture.text(x + 56, y + 6, "a broken run", "orange", 16)
    x, y = at(19073, 3.397)
    picture.text(x + 10, y - 16, "3.397", "orange", 16, "right", bold=True)
    picture.text(x - 40, y - 16, "another, which cost $61", "orange", 16, "right")
    x, y = at(250, 6.13)
    picture.text(x + 20, y + 4, "6.13, tolerance 0.15", "green", 15)
    x, y = at(1000, 4.16)
    picture.text(x - 6, y + 36, "4.16, tolerance 0.1", "green", 15, "right")
    x, y = at(19073, 3.07)
    picture.text(x - 4, y + 28, "3.07, tolerance 0.06", "green", 15, "right")
    picture.save(__file__)


if __name__ == "__main__":
    main()
