"""Draws 12-first-stream.svg: how much of the first stream's variance the tokens have, in steps 11 and 12.

Variances: step 11 draws tokens with 1 / (3 * 768) and positions with 1, step 12 with 0.02 ** 2 and 0.01 ** 2.
"""

from figure import Figure

STARTS = (("step 11", 1 / (3 * 768), 1.0), ("step 12", 0.02**2, 0.01**2))
LEFT, WIDTH = 104, 580


def main():
    picture = Figure(
        720, 232, "Tokens have 0.04 % of the first stream's variance in step 11, and 80 % in step 12"
    )
    picture.text(LEFT, 30, "the first stream: token + position", "ink", 17, bold=True)
    for row, (name, token, position) in enumerate(STARTS):
        y = 76 + row * 86
        share = token / (token + position)
        picture.text(LEFT - 16, y + 32, name, "ink", 17, "right")
        picture.rect(LEFT, y, WIDTH, 52, "muted", 0.16)
        picture.rect(LEFT, y, max(share * WIDTH, 1.5), 52, "blue", 0.75, radius=0)
        words = f"tokens {100 * share:.2f} %" if share < 0.01 else f"tokens {100 * share:.0f} %"
        picture.text(LEFT, y - 10, words, "blue", 16, bold=True)
        rest = (
            f"positions {100 - 100 * share:.2f} %" if share < 0.01 else f"positions {100 - 100 * share:.0f} %"
        )
        picture.text(LEFT + WIDTH, y - 10, rest, "muted", 16, "right", bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
