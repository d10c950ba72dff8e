"""Draw readme-curve.svg: what `make train` gives you, a falling loss and a text that looks like Python.

The numbers and texts are those that one run of `make train` printed, on 2 cores of an AMD EPYC with torch
2.13: validation losses, training losses every 50 steps, and the first line of the first sample after every
500 steps.
"""

from figure import Figure

VALIDATION = {
    250: 2.0498,
    500: 1.8825,
    750: 1.7692,
    1000: 1.7610,
    1250: 1.6895,
    1500: 1.5855,
    1750: 1.5696,
    2000: 1.5112,
}
FIRST = 5.2977  # the training loss of step 1
TRAINING = """
2.5466 2.4733 2.2676 2.2527 2.0667 1.9585 2.2411 1.9067 1.9581 1.9459
1.6388 1.6947 1.5903 1.6467 1.7039 1.4070 1.6193 1.5151 1.5568 1.7079
1.4249 1.4059 1.6102 1.4785 1.7184 1.4440 1.2912 1.4214 1.3588 1.3130
1.2309 1.2956 1.4066 1.2216 1.2325 1.0549 1.3281 1.1419 1.4316 1.1375
"""
SAMPLES = [  # after so many steps, the line, its height, its alignment
    (500, "def name = rame]", 4.35, "left"),
    (1000, "def __init__\\name>", 3.68, "left"),
    (1500, "def _prosin(self):", 3.1, "center"),
    (2000, "def actions", 2.35, "right"),
]


def main():
    picture = Figure(
        720, 390, "make train: the validation loss falls to 1.51, and the samples begin to look like Python"
    )
    ticks = [(0, "0"), (500, "500"), (1000, "1,000"), (1500, "1,500"), (2000, "2,000")]
    at = picture.axes(
        44, 40, 610, 296, (0, 2000), (1, 5.5), "step", "loss, nats per byte", ticks, (1, 2, 3, 4, 5)
    )
    training = [float(value) for value in TRAINING.split()]
    assert len(training) == 40
    points = [at(1, FIRST), *(at(50 * (number + 1), loss) for number, loss in enumerate(training))]
    picture.line(points, "muted", 1)
    for step, line, height, align in SAMPLES:
        x, y = at(step, VALIDATION[step])
        _, top = at(step, height)
        picture.line([(x, top + 8), (x, y - 8)], "line", 1.2)
        picture.text(x, top, line, "orange", 15, align, mono=True)
    picture.line([at(step, loss) for step, loss in VALIDATION.items()], "blue", 2.5)
    for step, loss in VALIDATION.items():
        picture.circle(*at(step, loss), 4.5, "blue")
    x, y = at(0, FIRST)
    picture.text(x + 10, y + 2, f"{FIRST:.2f} before the first update", "muted", 14)
    x, y = at(2000, VALIDATION[2000])
    picture.text(x + 10, y + 5, f"{VALIDATION[2000]:.2f}", "blue", 15, bold=True)
    picture.text(*at(620, 2.1), "validation", "blue", 15, bold=True)
    picture.text(*at(1010, 1.19), "training", "muted", 15)
    picture.save(__file__)


if __name__ == "__main__":
    main()
