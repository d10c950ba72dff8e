"""Draws 09-overfit.svg: the loss of one batch over 40 steps, and that of the next 4 rows at the end.

The losses are those that the command of page 09 prints.
"""

from figure import Figure

LOSSES = [11.0494, 9.8466, 8.7865, 7.8994, 7.1018, 6.2853, 5.5320, 4.8148, 4.1147, 3.4737, 2.8853, 2.3408]
LOSSES += [1.8626, 1.4499, 1.0936, 0.8084, 0.5869, 0.4180, 0.3003, 0.2174, 0.1599, 0.1193, 0.0913, 0.0710]
LOSSES += [0.0561, 0.0451, 0.0369, 0.0307, 0.0260, 0.0224, 0.0195, 0.0171, 0.0152, 0.0136, 0.0122, 0.0111]
LOSSES += [0.0101, 0.0093, 0.0086, 0.0080]
NEXT_ROWS = 10.81


def main():
    picture = Figure(
        720, 366, "The loss of the one batch falls from 11.05 to 0.008; on the next rows it stays at 10.81"
    )
    place = picture.axes(
        64, 40, 590, 262, (0, 42), (0, 12), "step", "loss", (1, 10, 20, 30, 40), (0, 2, 4, 6, 8, 10, 12)
    )
    picture.line([place(step, loss) for step, loss in enumerate(LOSSES, start=1)], "blue", 3)
    x, y = place(1, LOSSES[0])
    picture.circle(x, y, 5, "blue")
    picture.text(x + 14, y + 4, "11.05", "blue", 16, bold=True)
    x, y = place(11, 3.3)
    picture.text(x + 14, y, "the 4 rows it trains on", "blue", 16, bold=True)
    x, y = place(40, LOSSES[-1])
    picture.circle(x, y, 5, "blue")
    picture.text(x + 8, y - 12, "0.008", "blue", 16, "center", bold=True)
    x, y = place(40, NEXT_ROWS)
    picture.circle(x, y, 6, "orange")
    picture.text(x - 14, y + 5, "the next 4 rows of the text: 10.81", "orange", 16, "right", bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
