"""Draw 49-masks.svg: ten activations of 1 under dropout with p = 0.5, in training and in evaluation."""

import random

from figure import Figure

P, COUNT, UNIT, WIDE = 0.5, 10, 38, 14


def panel(picture, left, title, note, values):
    """Bars of a height that is the value; a cross where the value is zero."""
    base = 146
    picture.text(left, 26, title, size=16, bold=True)
    for number, value in enumerate(values):
        x = left + number * (WIDE + 5)
        if value:
            picture.rect(x, base - value * UNIT, WIDE, value * UNIT, "blue", 0.75, radius=2)
        else:
            picture.line([(x + 3, base - 12), (x + 11, base - 3)], "orange", 2)
            picture.line([(x + 3, base - 3), (x + 11, base - 12)], "orange", 2)
    picture.line([(left - 4, base), (left + COUNT * (WIDE + 5), base)], "muted", 1.2)
    mean = sum(values) / COUNT
    picture.text(left, 170, f"mean {mean:g}", "ink", 15)
    picture.text(left, 192, note, "muted", 14)


def main():
    picture = Figure(
        720,
        212,
        "In training each step sets other activations to zero and enlarges the rest; evaluation keeps all",
    )
    for value in (1, 2):
        picture.text(34, 150 - value * UNIT, f"{value}", "muted", 14, "right")
        picture.line([(40, 146 - value * UNIT), (700, 146 - value * UNIT)], "line", 0.8, "3 4")
    draw = random.Random(38)
    for number, title in enumerate(("training, one step", "training, the next")):
        values = [1 / (1 - P) if draw.random() >= P else 0 for _ in range(COUNT)]
        panel(picture, 48 + number * 228, title, "zero by chance, the rest 2", values)
    panel(picture, 504, "evaluation", "all as they are", [1] * COUNT)
    picture.save(__file__)


if __name__ == "__main__":
    main()
