"""Draws 07-rows.svg: the rows of a batch follow each other in the text and overlap by one token.

The ids are the first thirteen of tiny Shakespeare in GPT-2's vocabulary; rows have T = 6 inputs.
"""

from figure import Figure

IDS = [5962, 22307, 25, 198, 8421, 356, 5120, 597, 2252, 11, 3285, 502, 2740]
LEFT, STEP, T = 14, 53.5, 6


def main():
    picture = Figure(720, 186, "The last target of a row is the first input of the next row")
    for number, token in enumerate(IDS):
        shared = number == T
        x = LEFT + number * STEP
        picture.box(
            x,
            78,
            STEP - 4,
            40,
            str(token),
            "green" if shared else "muted",
            size=14,
            mono=True,
            strength=0.3 if shared else 0.1,
        )
    for row, (color, y, side) in enumerate((("blue", 72, -1), ("orange", 124, 1))):
        x1, x2 = LEFT + row * T * STEP, LEFT + (row * T + T + 1) * STEP - 4
        edge = LEFT + (row * T + T) * STEP - 2
        picture.line([(x1, y), (x1, y + 8 * side), (x2, y + 8 * side), (x2, y)], color, 2.5)
        picture.text(
            (x1 + edge) / 2,
            y + (32 if row else -18),
            f"row {row}: T + 1 tokens",
            color,
            17,
            "center",
            bold=True,
        )
    x = LEFT + T * STEP - 12
    picture.text(x, 142, "last target of row 0,", "green", 16, "right")
    picture.text(x, 163, "first input of row 1", "green", 16, "right")
    picture.save(__file__)


if __name__ == "__main__":
    main()
