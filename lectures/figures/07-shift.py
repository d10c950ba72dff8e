"""Draws 07-shift.svg: one row of seven tokens read twice, without its last token and without its first.

The tokens are the first seven of tiny Shakespeare.
"""

from figure import Figure

TOKENS = ["First", "Citizen", ":", "\\n", "Before", "we", "proceed"]
LEFT, STEP, WIDTH = 24, 98, 84


def bracket(picture, y, first, last, color, words, turn):
    """Draw a bracket over (turn = -1) or under (turn = 1) the cells first to last, with its label."""
    x1, x2 = LEFT + first * STEP, LEFT + last * STEP + WIDTH
    picture.line([(x1, y), (x1, y + 8 * turn), (x2, y + 8 * turn), (x2, y)], color, 2.5)
    picture.text((x1 + x2) / 2, y + (30 if turn > 0 else -18), words, color, 17, "center", bold=True)


def main():
    picture = Figure(
        720, 354, "Inputs and targets are the same seven tokens: the targets start one token later"
    )
    for number, token in enumerate(TOKENS):
        picture.box(LEFT + number * STEP, 52, WIDTH, 44, token, "muted", size=16, mono=True, strength=0.08)
    bracket(picture, 46, 0, 5, "blue", "idx = row[:-1]", -1)
    bracket(picture, 102, 1, 6, "orange", "targets = row[1:]", 1)

    picture.line([(LEFT, 162), (720 - LEFT, 162)], "line", 1)
    picture.text(LEFT, 192, "The same, column by column:", "muted", 16)
    for number, (token, target) in enumerate(zip(TOKENS, TOKENS[1:], strict=False)):
        x = LEFT + number * STEP
        picture.box(x, 212, WIDTH, 44, token, "blue", size=16, mono=True)
        picture.arrow(x + WIDTH / 2, 260, x + WIDTH / 2, 290, "muted", 2)
        picture.box(x, 294, WIDTH, 44, target, "orange", size=16, mono=True)
    x = LEFT + 6 * STEP + 4
    picture.text(x, 240, "idx", "blue", 17, bold=True)
    picture.text(x, 281, "predicts", "muted", 16)
    picture.text(x, 322, "targets", "orange", 17, bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
