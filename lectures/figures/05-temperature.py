"""Draws 05-temperature.svg: softmax of the logits 2, 1, 0 and -1 at four temperatures."""

import math

from figure import Figure

LOGITS = (2, 1, 0, -1)


def softmax(logits, temperature):
    powers = [math.exp(logit / temperature) for logit in logits]
    return [power / sum(powers) for power in powers]


def draw():
    picture = Figure(
        740, 290, "A low temperature favors the likeliest token; a high one evens the chances out"
    )
    for panel, temperature in enumerate((0.1, 0.7, 1.0, 2.0)):
        left, bottom = 24 + panel * 178, 220
        color = "orange" if temperature == 1 else "blue"
        picture.text(left + 78, 34, f"temperature {temperature}", color, 16, "center", bold=True)
        for number, share in enumerate(softmax(LOGITS, temperature)):
            x, high = left + number * 40, 140 * share
            picture.rect(x, bottom - high, 34, max(high, 1), color, 0.7, radius=2)
            words = f"{share:.2f}" if share >= 0.005 else "0"
            picture.text(x + 17, bottom - high - 7, words, size=14, align="center")
            picture.text(x + 17, bottom + 20, f"{LOGITS[number]}".replace("-", "−"), "muted", 14, "center")
        picture.line([(left - 4, bottom), (left + 158, bottom)], "muted", 1.2)
    picture.text(
        370, 268, "logit of each of four tokens; the bars are their probabilities", "muted", 15, "center"
    )
    return picture


if __name__ == "__main__":
    draw().save(__file__)
