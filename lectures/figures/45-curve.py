"""Draw 45-curve.svg: the losses of the run that `python train_gpt2.py` does, from 45-curve.jsonl.

That is the log of this step's recipe, which reference/laptop.jsonl held until step 86.
"""

import json
import math
from pathlib import Path

from figure import Figure


def main():
    log = Path(__file__).with_suffix(".jsonl")
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    training = [(event["step"], event["loss"]) for event in events if event["event"] == "step"]
    validation = [(event["step"], event["loss"]) for event in events if event["event"] == "validation"]
    guess, gzip = math.log(257), 1.79 * math.log(2)

    title = f"The laptop run's validation loss falls to {validation[-1][1]:.2f} nats per byte in 2,000 steps"
    picture = Figure(720, 380, title)
    place = picture.axes(
        50,
        40,
        600,
        284,
        (0, 2000),
        (1, 6),
        "step",
        "loss, nats per byte",
        [0, 500, 1000, 1500, 2000],
        [1, 2, 3, 4, 5],
    )
    picture.line([place(0, guess), place(2000, guess)], "muted", 1.5, "5 5")
    picture.text(
        place(2000, 0)[0], place(0, guess)[1] - 8, "uniform guess: ln 257 = 5.55", "muted", 14, "right"
    )
    picture.line([place(0, gzip), place(2000, gzip)], "green", 1.5, "5 5")
    picture.text(place(40, 0)[0], place(0, gzip)[1] - 8, "gzip -9: 1.24", "green", 14)
    picture.line([place(*point) for point in training], "blue", 1.3)
    picture.line([place(*point) for point in validation], "orange", 2.5)
    x, y = place(420, 3.55)
    picture.text(x, y, "validation", "orange", 15, bold=True)
    picture.text(x, y + 23, "training, one batch per point", "blue", 15)
    x, y = place(*validation[-1])
    picture.circle(x, y, 5, "orange")
    picture.text(x + 10, y + 5, f"{validation[-1][1]:.2f}", "orange", 16, bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
