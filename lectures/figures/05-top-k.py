"""Draws 05-top-k.svg: the tail that top-k cuts off.

A made-up distribution over ten tokens stands for the 50,257; k is 4.
"""

from figure import Figure

SHARES = (0.36, 0.22, 0.14, 0.09, 0.05, 0.04, 0.03, 0.03, 0.02, 0.02)
K = 4


def draw():
    picture = Figure(
        720, 290, "Top-k keeps the k likeliest tokens, here 4 of 10, and scales them up to a sum of 1"
    )
    kept = sum(SHARES[:K])
    after = [share / kept for share in SHARES[:K]] + [0.0] * (len(SHARES) - K)
    bottom, scale = 220, 330
    for left, title, shares in ((30, "the model's distribution", SHARES), (400, "after top-k", after)):
        picture.text(left, 36, title, size=16, bold=True)
        for number, share in enumerate(shares):
            color = "orange" if number < K else "muted"
            high = share * scale
            if share:
                picture.rect(left + number * 29, bottom - high, 24, high, color, 0.75, radius=2)
        picture.line([(left - 4, bottom), (left + 292, bottom)], "muted", 1.2)
    for left, words, color in ((30, f"kept: {kept:.2f}", "orange"), (400, "kept: 1.00", "orange")):
        picture.text(left + 2 * 29 - 2, bottom + 24, words, color, 15, "center", bold=True)
    picture.text(30 + 7 * 29, bottom + 24, f"tail: {1 - kept:.2f}", "muted", 15, "center", bold=True)
    picture.text(400 + 7 * 29, bottom + 24, "tail: 0", "muted", 15, "center", bold=True)
    cut = 30 + K * 29 - 2.5
    picture.line([(cut, 60), (cut, bottom + 34)], "ink", 1.5, dash="5 4")
    picture.text(cut + 8, 74, f"k = {K}", size=16)
    picture.arrow(338, 140, 384, 140, width=2)
    picture.text(
        360, 276, "a made-up distribution over ten tokens, the likeliest first", "muted", 15, "center"
    )
    return picture


if __name__ == "__main__":
    draw().save(__file__)
