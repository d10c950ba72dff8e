"""Draw 49-curves.svg: losses with and without dropout, of 20,001 bytes that are read 31 times (page 49)."""

from figure import Figure

STEPS = (100, 250, 300, 400, 500, 600)
LOSSES = {  # p: training, validation
    "p = 0": ("orange", (2.31, 2.03, 1.85, 1.40, 0.91, 0.67), (2.54, 2.41, 2.47, 2.67, 3.09, 3.60)),
    "p = 0.2": ("blue", (2.40, 2.34, 2.24, 2.08, 1.89, 1.93), (2.55, 2.47, 2.44, 2.38, 2.36, 2.36)),
}


def main():
    picture = Figure(
        720, 360, "Without dropout the validation loss rises from step 250 on; with dropout 0.2 it does not"
    )
    at = picture.axes(
        60, 36, 470, 264, (100, 600), (0.5, 4), "step", "loss", (100, 200, 300, 400, 500, 600), (1, 2, 3, 4)
    )
    for name, (color, training, validation) in LOSSES.items():
        for losses, dash, kind in [(training, "6 5", "training"), (validation, None, "validation")]:
            points = [at(step, loss) for step, loss in zip(STEPS, losses, strict=True)]
            picture.line(points, color, 2.5, dash)
            for x, y in points:
                picture.circle(x, y, 3.5, color)
            x, y = points[-1]
            picture.text(x + 12, y + 5, f"{kind}, {name}", color, 15, bold=not dash)
    picture.save(__file__)


if __name__ == "__main__":
    main()
