"""Draws 03-heads.svg: how the 2,304 outputs of c_attn are cut into queries, keys and values of 12 heads."""

from figure import Figure

LEFT, CELL = 20, 18.5  # a cell is one head's 64 numbers
TOP = 96


def draw():
    picture = Figure(710, 380, "Each of 12 heads attends alone with its part of q, k and v")
    picture.text(LEFT, 34, "c_attn(x) of one position: 2,304 numbers = q, k, v of 12 heads of 64", size=16)
    bottoms = []
    for part, name in enumerate("qkv"):
        x = LEFT + part * (12 * CELL + 4)
        picture.text(x + 6 * CELL, TOP - 18, f"{name}: 768", "blue", 16, "center", bold=True)
        for head in range(12):
            color, strength = ("orange", 0.55) if head == 2 else ("blue", 0.16)
            picture.rect(x + head * CELL, TOP, CELL - 2, 40, color, strength, border=color, radius=2)
        bottoms.append((x + 2.5 * CELL - 1, TOP + 40))
    picture.box(
        215,
        196,
        280,
        70,
        "head 2: softmax(q kᵀ / √64, masked) v",
        "orange",
        "weights (T, T), y (T, 64)",
        size=15,
    )
    for (x, y), target in zip(bottoms, (245, 355, 465), strict=True):
        picture.arrow(x, y + 2, target, 194, "orange")
    left = 355 - 6 * CELL
    for head in range(12):
        color, strength = ("orange", 0.55) if head == 2 else ("blue", 0.16)
        picture.rect(left + head * CELL, 308, CELL - 2, 40, color, strength, border=color, radius=2)
    picture.arrow(left + 2.5 * CELL - 1, 268, left + 2.5 * CELL - 1, 306, "orange")
    picture.text(left + 12 * CELL + 12, 333, "y of all heads: 768,", "ink", 15)
    picture.text(left + 12 * CELL + 12, 353, "then c_proj", "ink", 15)
    picture.text(left - 12, 333, "side by side", "muted", 15, "right")
    return picture


if __name__ == "__main__":
    draw().save(__file__)
