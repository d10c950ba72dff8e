"""Draws 03-mask.svg: scores, causal mask and softmax of the page's four tokens.

The numbers are computed here as in the page's four.py, without torch.
"""

import math

from figure import Figure

TOKENS = ["Hello", ",", " I", "'m"]
QUERIES = [[1, 0, 1, 0], [2, 0, 0, 0], [0, 1, 0, 1], [0, 0, 2, 0]]
KEYS = [[2, 0, 0, 0], [0, 2, 0, 0], [1, 0, 2, 0], [0, 0, 0, 2]]
VALUES = [10, 20, 60, 40]
CELL, TOP, LEFT, RIGHT = 58, 78, 70, 412


def attend():
    """The scores of all pairs, the weights of the allowed ones, and the mean of the values, by rows."""
    scores = [[sum(map(math.prod, zip(q, k, strict=True))) / math.sqrt(4) for k in KEYS] for q in QUERIES]
    weights = []
    for t, row in enumerate(scores):
        powers = [math.exp(score) if s <= t else 0.0 for s, score in enumerate(row)]
        weights.append([power / sum(powers) for power in powers])
    means = [sum(map(math.prod, zip(row, VALUES, strict=True))) for row in weights]
    return scores, weights, means


def draw():
    scores, weights, means = attend()
    picture = Figure(740, 384, "A row of scores, its future masked, becomes a row of weights that sums to 1")
    picture.text(LEFT, 32, "scores q · k / √d", size=16, bold=True)
    picture.text(RIGHT, 32, "weights", size=16, bold=True)
    for s, token in enumerate(TOKENS):
        for left in (LEFT, RIGHT):
            picture.text(left + (s + 0.5) * CELL, TOP - 12, token.strip(), size=15, align="center", mono=True)
        picture.text(LEFT - 10, TOP + (s + 0.6) * CELL, token.strip(), size=15, align="right", mono=True)
    for t in range(4):
        for s in range(4):
            x, y = LEFT + s * CELL, TOP + t * CELL
            seen = s <= t
            picture.rect(x + 1, y + 1, CELL - 2, CELL - 2, "blue" if seen else "panel", 0.16 if seen else 1)
            words = f"{scores[t][s]:.1f}" if seen else "−∞"
            color = "ink" if seen else "muted"
            picture.text(x + CELL / 2, y + CELL * 0.6, words, color, 16, "center")
            x = RIGHT + s * CELL
            picture.rect(x + 1, y + 1, CELL - 2, CELL - 2, "panel")
            if seen:
                picture.rect(x + 1, y + 1, CELL - 2, CELL - 2, "orange", 0.08 + 0.5 * weights[t][s])
            words = f"{weights[t][s]:.2f}" if seen else "0"
            picture.text(x + CELL / 2, y + CELL * 0.6, words, color, 16, "center")
        picture.text(RIGHT + 4 * CELL + 12, TOP + (t + 0.6) * CELL, f"{means[t]:.1f}", "green", 16, bold=True)
    picture.text(RIGHT + 4 * CELL + 12, TOP - 12, "result", "green", 15)
    middle = TOP + 2 * CELL
    picture.arrow(LEFT + 4 * CELL + 12, middle, RIGHT - 14, middle, width=2)
    picture.text((LEFT + 4 * CELL + RIGHT) / 2, middle - 28, "softmax", "muted", 15, "center")
    picture.text((LEFT + 4 * CELL + RIGHT) / 2, middle - 10, "per row", "muted", 15, "center")
    below = TOP + 4 * CELL + 24
    picture.text(LEFT, below + 4, "gray: the future, masked", "muted", 15)
    for s, value in enumerate(VALUES):
        picture.text(RIGHT + (s + 0.5) * CELL, below, str(value), "green", 16, "center", bold=True)
    picture.text(RIGHT - 8, below, "values", "green", 15, "right")
    picture.text(LEFT, below + 30, "Row t reads the columns 0 to t.", "muted", 15)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
