"""Draws 20-clipping.svg: two gradients of two numbers, clipped by their norm and number by number."""

import math

from figure import Figure

UNIT = 78  # pixels for a length of 1
LONG, SHORT = (2.4, 0.7), (-0.35, 0.5)  # two gradients, one longer than 1 and one shorter


def panel(picture, x, y, title, long, color):
    """The two gradients from the point (x, y), with what the clipping makes of the long one."""
    tip = (x + UNIT * long[0], y - UNIT * long[1])
    far = (x + UNIT * LONG[0], y - UNIT * LONG[1])
    picture.line([(x - 100, y), (x + 210, y)], "line", 1)
    picture.line([(x, y + 100), (x, y - 110)], "line", 1)
    picture.arrow(x, y, *far, "muted", 2, "6 5")
    picture.arrow(x, y, *tip, color, 4)
    picture.arrow(x, y, x + UNIT * SHORT[0], y - UNIT * SHORT[1], "muted", 3)
    picture.text(x - 100, 30, title, size=16, bold=True)


def draw():
    picture = Figure(
        720, 275, "Clipping the norm shortens a long gradient and keeps its direction; a short one stays"
    )
    norm = math.hypot(*LONG)
    x, y = 120, 160
    circle = [
        (x + UNIT * math.cos(t / 30 * math.pi), y + UNIT * math.sin(t / 30 * math.pi)) for t in range(61)
    ]
    picture.line(circle, "blue", 1.5)
    panel(picture, x, y, "clip_grad_norm_: same direction", [number / norm for number in LONG], "blue")
    picture.text(x + 140, y - 66, f"norm {norm:.1f}", "muted", 15)
    picture.text(x + 88, y + 34, "clipped to norm 1", "blue", 15)
    picture.text(x - 100, y - 88, "short: kept", "muted", 15)

    x = 480
    square = [(x + UNIT * a, y + UNIT * b) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))]
    picture.line(square, "orange", 1.5)
    panel(picture, x, y, "clip_grad_value_: it turns", [min(number, 1) for number in LONG], "orange")
    picture.text(x + 88, y + 34, "each number cut", "orange", 15)
    picture.text(x + 88, y + 53, "to at most 1", "orange", 15)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
