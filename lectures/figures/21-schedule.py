"""Draws 21-schedule.svg: the learning rate of the whole GPT-2 (124M) run, with the first steps enlarged."""

import math

from figure import Figure

PEAK, WARMUP, STEPS = 6e-4, 715, 19073
RATES = ((0, "0"), (6e-5, "6e-5"), (3e-4, "3e-4"), (6e-4, "6e-4"))


def learning_rate(step):
    """The rate of a step, counted from 0, as in train_gpt2.py."""
    if step < WARMUP:
        return PEAK * (step + 1) / WARMUP
    progress = (step - WARMUP) / (STEPS - WARMUP)
    return PEAK * (0.1 + 0.9 * (1 + math.cos(math.pi * progress)) / 2)


def curve(picture, place, last):
    """The rate from step 0 to a last step."""
    steps = sorted({round(last * n / 300) for n in range(301)} | {WARMUP})
    picture.line([place(step, learning_rate(step)) for step in steps], "blue", 3)


def draw():
    title = "Over the whole run the learning rate climbs for 715 steps, then follows a cosine to a tenth"
    picture = Figure(720, 380, title)
    steps = ((0, "0"), (5000, "5,000"), (10000, "10,000"), (15000, "15,000"), (STEPS, "19,073"))
    place = picture.axes(
        70, 40, 610, 280, (0, STEPS), (0, 6.6e-4), "step", "learning rate", xticks=steps, yticks=RATES
    )
    curve(picture, place, STEPS)
    x, y = place(7000, 5.6e-4)
    picture.text(x, y, "half a cosine, down to a tenth of the peak", "blue", 15)

    picture.text(130, 148, "the first 1,500 steps", "muted", 14)
    inset = picture.axes(
        130, 160, 190, 100, (0, 1500), (0, 6.6e-4), xticks=((0, "0"), (WARMUP, "715"), (1500, "1,500"))
    )
    curve(picture, inset, 1500)
    x, y = inset(WARMUP * 0.55, PEAK * 0.3)
    picture.text(x + 12, y + 4, "linear warm-up", "blue", 14)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
