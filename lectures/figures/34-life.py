"""Draw 34-life.svg: the way of a loss from the step that made it to the log, the screen and the curve.

The numbers are of step 30 on the page; the small curve is run 1 of 34-curve.py.
"""

from figure import Figure

LOSSES = (
    "5.52 5.09 4.89 4.73 4.58 4.39 4.13 6.39 3.70 3.64 3.52 3.49 3.24 3.17 3.07 3.12 3.36 3.22 3.08 3.06 "
)
LOSSES += "2.92 2.84 2.86 2.89 2.90 2.86 2.79 2.82 2.81 2.75"


def main():
    picture = Figure(
        640, 300, "A step's loss goes to the screen and to log.jsonl, and from the log to curve.png"
    )
    picture.text(20, 28, "train()", "muted", 13, mono=True)
    picture.box(20, 38, 170, 76, "step 30", "orange", "loss 2.7534", 15)
    picture.box(300, 20, 320, 44, "step 30  loss 2.7534 ...", "green", size=14, mono=True)
    picture.text(460, 84, "screen: every print_every steps", "muted", 13, "center")
    picture.rect(300, 126, 320, 104, "blue", 0.16, border="blue", radius=6)
    lines = ['{"event": "start", ...}', "...", '{"event": "step", "step": 30,', '"loss": 2.7534, ...}']
    for row, words in enumerate(lines):
        picture.text(314, 152 + 22 * row, words, size=14, mono=True)
    picture.text(460, 250, "log.jsonl: every step, one line per event", "muted", 13, "center")
    picture.arrow(192, 62, 296, 44, width=2)
    picture.arrow(192, 96, 296, 150, width=2)
    picture.text(206, 84, "Run.report", "muted", 12, mono=True)
    picture.arrow(296, 206, 226, 228, width=2)
    picture.text(240, 244, "curve.py", "muted", 12, mono=True)
    picture.rect(20, 184, 200, 84, "panel", border="line", radius=4)
    values = [float(value) for value in LOSSES.split()]
    points = [(34 + 170 * n / 29, 258 - 62 * (value - 2.6) / 4) for n, value in enumerate(values)]
    picture.line(points, "blue", 2)
    picture.circle(*points[-1], 5, "orange")
    picture.text(120, 288, "curve.png: drawn at the end", "muted", 13, "center")
    picture.save(__file__)


if __name__ == "__main__":
    main()
