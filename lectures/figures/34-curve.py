"""Draw 34-curve.svg: the losses of two runs of step 34 that differ in --seed only, from their log.jsonl."""

from figure import Figure

LOSSES = {
    "1": "5.52 5.09 4.89 4.73 4.58 4.39 4.13 6.39 3.70 3.64 3.52 3.49 3.24 3.17 3.07 "
    "3.12 3.36 3.22 3.08 3.06 2.92 2.84 2.86 2.89 2.90 2.86 2.79 2.82 2.81 2.75",
    "2": "5.60 5.20 4.96 4.78 4.63 4.42 4.74 4.05 3.80 3.65 3.51 6.57 3.30 3.30 3.17 "
    "3.18 3.56 3.29 3.16 3.16 3.02 2.97 2.97 3.00 2.99 2.94 2.87 2.90 2.88 2.85",
}


def main():
    picture = Figure(
        640, 330, "Two runs of 30 steps: both losses fall to about 2.8, each with one spike on the way"
    )
    place = picture.axes(
        52,
        40,
        560,
        236,
        (1, 30),
        (2.5, 7),
        "step",
        "loss",
        xticks=(1, 5, 10, 15, 20, 25, 30),
        yticks=range(3, 8),
    )
    for losses, color in zip(LOSSES.values(), ("blue", "orange"), strict=True):
        losses = [float(loss) for loss in losses.split()]
        picture.line([place(step, loss) for step, loss in enumerate(losses, 1)], color, 2)
    x, y = place(8, 6.39)
    picture.text(x - 8, y + 12, "--seed 1", "blue", 14, "right", bold=True)
    x, y = place(12, 6.57)
    picture.text(x + 8, y + 12, "--seed 2", "orange", 14, bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
