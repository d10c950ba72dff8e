"""Draw readme-curve.svg: what `make train` gives you, a falling loss and a text that looks like Python.

The numbers and texts are those that one run of `make train` printed, on 2 cores of an AMD EPYC with torch
2.13: validation losses, training losses every 50 steps, and the first line of a sample after every 500 steps.
"""

from figure import Figure

VALIDATION = {
    250: 2.2238,
    500: 2.0809,
    750: 1.9735,
    1000: 1.8835,
    1250: 1.8186,
    1500: 1.7383,
    1750: 1.7182,
    2000: 1.6812,
}
FIRST = 5.2977  # the training loss of step 1
TRAINING = """
2.7819 2.5564 2.4307 2.4656 2.3892 2.2211 2.4918 2.1868 2.2232 2.2465
1.9663 1.9448 1.9203 1.9370 1.9722 1.6657 1.9193 1.7042 1.7500 1.9570
1.6639 1.5997 1.8278 1.7124 1.9247 1.7011 1.5446 1.6695 1.5501 1.5049
1.4472 1.5288 1.6635 1.3873 1.4737 1.2467 1.5553 1.3943 1.6306 1.3859
"""
SAMPLES = [  # after so many steps, the line, its height, its alignment
    (500, "def ace__iners, for):", 4.35, "left"),
    (1000, "def self._lited = beferrt.deffters()", 3.68, "left"),
    (1500, "def format(path, None):", 3.13, "center"),
    (2000, "def header():", 2.35, "right"),
]


def main():
    picture = Figure(
        720, 390, "make train: the validation loss falls to 1.68, and the samples begin to look like Python"
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
    picture.text(*at(260, 1.72), "validation", "blue", 15, bold=True)
    picture.text(*at(1010, 1.3), "training", "muted", 15)
    picture.save(__file__)


if __name__ == "__main__":
    main()
