"""Draw 35-validation.svg: loss and validation loss of runs/small of the page, from its log.jsonl."""

from figure import Figure

TRAINING = """
5.52 5.09 4.89 4.71 4.61 4.39 4.11 3.90 6.00 3.48 3.63 3.18 3.44 3.11 8.03 3.69 3.29 3.39 3.26 3.16
3.20 3.31 3.23 3.10 3.17 3.16 3.18 3.15 3.17 3.07 3.10 3.06 3.01 3.03 3.07 3.03 2.86 2.84 2.79 2.94
2.83 2.89 2.92 2.92 2.82 2.85 2.75 2.82 2.68 2.74 2.81 2.68 2.85 2.74 2.69 2.69 2.68 2.76 2.60 2.79
2.76 2.76 2.59 2.70 2.59 2.57 2.66 2.60 2.66 2.69 2.70 2.65 2.61 2.54 2.63 2.53 2.66 2.58 2.59 2.62
2.42 2.58 2.51 2.42 2.55 2.58 2.45 2.61 2.60 2.50 2.49 2.45 2.51 2.43 2.62 2.55 2.56 2.35 2.50 2.46
2.43 2.45 2.41 2.51 2.50 2.51 2.49 2.44 2.38 2.52 2.40 2.52 2.42 2.45 2.49 2.25 2.45 2.42 2.36 2.39
2.50 2.35 2.47 2.50 2.43 2.37 2.31 2.38 2.32 2.50 2.42 2.44 2.20 2.38 2.36 2.31 2.31 2.29 2.41 2.35
2.30 2.40 2.30 2.29 2.40 2.27 2.39 2.33 2.35 2.39 2.07 2.33 2.24 2.21 2.24 2.37 2.23 2.32 2.33 2.28
2.28 2.22 2.28 2.21 2.40 2.31 2.32 2.08 2.21 2.23 2.16 2.19 2.19 2.32 2.26 2.17 2.31 2.18 2.18 2.25
2.14 2.28 2.18 2.20 2.28 1.97 2.20 2.10 2.10 2.15 2.25 2.11 2.20 2.24 2.17 2.19 2.12 2.16 2.08 2.26
2.16 2.18 1.95 2.06 2.10 2.03 2.10 2.05 2.17 2.15 2.07 2.22 2.13 2.07 2.17 2.03 2.15 2.07 2.09 2.19
1.81 2.12 2.00 2.02 2.06 2.16 2.04 2.13 2.10 2.09 2.13 2.01 2.09 2.02 2.18 2.08 2.11 1.87 1.94 2.02
1.96 2.01 1.98 2.10 2.06 1.95 2.12 2.04 1.99 2.07 1.94 2.08 1.99 2.01 2.10 1.71 1.98 1.89 1.89 1.97
2.06 1.94 2.02 2.01 1.97 2.02 1.89 1.98 1.89 2.06 1.98 2.00 1.78 1.84 1.92 1.86 1.90 1.88 2.01 1.96
1.84 2.03 1.94 1.88 1.98 1.85 2.00 1.88 1.92 2.02 1.61 1.91 1.82 1.81 1.90 1.98 1.85 1.95 1.92 1.90
"""  # of each step
VALIDATION = {
    25: 3.2898,
    50: 2.8605,
    75: 2.7177,
    100: 2.6742,
    125: 2.6126,
    150: 2.6204,
    175: 2.6723,
    200: 2.6742,
    225: 2.7010,
    250: 2.7516,
    275: 2.7629,
    300: 2.8204,
}


def main():
    picture = Figure(
        640, 340, "On 9,000 bytes the training loss falls to 1.90, the validation loss turns upwards"
    )
    place = picture.axes(
        52,
        40,
        560,
        246,
        (0, 300),
        (1.5, 4),
        "step",
        "loss",
        xticks=range(0, 301, 50),
        yticks=(1.5, 2, 2.5, 3, 3.5, 4),
    )
    losses = [float(loss) for loss in TRAINING.split()]
    first = next(
        step for step in range(1, 301) if max(losses[step - 1 :]) < 4
    )  # from here all are in the plot
    picture.line([place(step, losses[step - 1]) for step in range(first, 301)], "blue", 1.2)
    picture.line([place(*point) for point in VALIDATION.items()], "orange", 2.5)
    for point in VALIDATION.items():
        picture.circle(*place(*point), 3.5, "orange")
    best = min(VALIDATION, key=VALIDATION.get)
    x, y = place(best, VALIDATION[best])
    picture.line([(x, y - 8), (x, y - 44)], "orange", 1.5)
    picture.text(
        x, y - 52, f"lowest: {VALIDATION[best]:.2f} at step {best}", "orange", 14, "center", bold=True
    )
    x, y = place(300, 3.15)
    picture.text(x, y, f"validation: {VALIDATION[300]:.2f}", "orange", 14, "right", bold=True)
    x, y = place(200, 1.8)
    picture.text(x, y, f"training: {losses[-1]:.2f} at the end", "blue", 14, "right", bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
