"""Draw 82-schedules.svg: the two schedules of a run of GPT-2's length."""

import math

from figure import Figure

WARMUP, STEPS = 715, 19073


def rate(step, schedule):
    """The share of the peak at a step, counted from 0, as in train_gpt2.py."""
    if step < WARMUP:
        return (step + 1) / WARMUP
    progress = (step - WARMUP) / (STEPS - WARMUP)
    return 1 - progress if schedule == "linear" else 0.1 + 0.9 * (1 + math.cos(math.pi * progress)) / 2


def main():
    picture = Figure(720, 350, "A cosine to a tenth and a straight line to zero start together and end apart")
    steps = ((0, "0"), (5000, "5,000"), (10000, "10,000"), (15000, "15,000"), (STEPS, "19,073"))
    shares = ((0, "0"), (0.1, "0.1"), (0.5, "0.5"), (1, "peak"))
    at = picture.axes(60, 40, 620, 250, (0, STEPS), (0, 1.05), "step", "learning rate", steps, shares)
    points = sorted({round(STEPS * n / 300) for n in range(301)} | {WARMUP})
    picture.line([at(step, rate(step, "cosine")) for step in points], "muted", 2.5)
    picture.line([at(step, rate(step, "linear")) for step in points], "blue", 3)
    x, y = at(7000, 0.86)
    picture.text(x, y, "cosine, to a tenth", "muted", 15)
    x, y = at(1500, 0.42)
    picture.text(x, y, "linear, to zero", "blue", 15, bold=True)
    x, y = at(STEPS, 0.1)
    picture.circle(x, y, 4, "muted")
    picture.circle(*at(STEPS, 0), 4, "blue")
    picture.save(__file__)


if __name__ == "__main__":
    main()
