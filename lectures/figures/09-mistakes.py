"""Draws 09-mistakes.svg: the loss of one batch with the loop as it should be, and with four mistakes.

The losses are those of the table on page 09, at the steps 1, 2, 3, 5, 10, 20 and 40.
"""

from figure import Figure

STEPS = (1, 2, 3, 5, 10, 20, 40)
CURVES = (  # the loss at STEPS, color, label, and where the label's baseline is, in pixels below the end
    ((11.05, 11.05, 11.05, 11.05, 11.05, 11.05, 11.05), "muted", "no backward(): 11.05", -6),
    ((11.05, 11.05, 11.04, 11.03, 11.01, 10.97, 10.88), "muted", "lr 0.00001: 10.88", 16),
    ((11.05, 9.34, 6.95, 10.42, 6.73, 4.36, 2.93), "green", "lr 0.1: 2.93", 5),
    ((11.05, 9.85, 8.88, 7.51, 4.75, 1.97, 1.18), "orange", "no zero_grad(): 1.18", 5),
    ((11.05, 9.85, 8.79, 7.10, 3.47, 0.22, 0.008), "blue", "correct: 0.008", 2),
)


def main():
    picture = Figure(
        720,
        366,
        "Only the correct loop reaches 0; without zero_grad() the loss falls too, but stops being good",
    )
    place = picture.axes(
        56, 40, 460, 262, (0, 40), (0, 12), "step", "loss", (1, 10, 20, 30, 40), (0, 2, 4, 6, 8, 10, 12)
    )
    for losses, color, words, down in CURVES:
        points = [place(*point) for point in zip(STEPS, losses, strict=True)]
        picture.line(points, color, 3, "7 4" if "lr 0.00001" in words else None)
        for point in points:
            picture.circle(*point, 4, color)
        x, y = points[-1]
        picture.text(x + 12, y + down, words, color, 16, bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
