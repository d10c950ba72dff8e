"""Draw readme-curve.svg: what `make train` gives you, a falling loss and a text that looks like Python.

The numbers and texts are those that one run of `make train` printed, on 2 cores of an AMD EPYC with torch
2.13: validation losses, training losses every 50 steps, and the first line of the first sample after every
500 steps.
"""

from figure import Figure

VALIDATION = {
    250: 2.0500,
    500: 1.8824,
    750: 1.7544,
    1000: 1.7270,
    1250: 1.6703,
    1500: 1.5928,
    1750: 1.5768,
    2000: 1.5128,
}
FIRST = 5.2977  # the training loss of step 1
TRAINING = """
2.5467 2.4778 2.2667 2.2508 2.0642 1.9323 2.2317 1.9263 1.9572 1.9037
1.6556 1.6849 1.5594 1.6299 1.7057 1.4189 1.6434 1.4952 1.5447 1.7032
1.4104 1.4331 1.6232 1.4527 1.7252 1.4125 1.3409 1.4398 1.3553 1.3055
1.2394 1.2924 1.3991 1.2079 1.2248 1.0573 1.3254 1.1539 1.4223 1.1380
"""
SAMPLES = [  # after so many steps, the line, its height, its alignment
    (500, "def __getr__():", 4.35, "left"),
    (1000, "def __extrac.__name__(text, __gen__)", 3.68, "left"),
    (1500, "def path_bam_ref__(self):", 3.1, "center"),
    (2000, "def wasync(n):", 2.35, "right"),
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
