"""Draw 58-order.svg: train_gpt2.py before and after, and the way of a token through its parts.

The lines of the parts are those of steps 57 and 58.
"""

from figure import Figure

TOP, SCALE = 66, 0.92  # pixels per line
BEFORE = [  # part, its place in the order of the data, first and last line at step 57
    ("model", 1, 34, 173),
    ("data", 2, 174, 205),
    ("samples", 5, 206, 225),
    ("step", 4, 226, 311),
    ("optimizer", 3, 312, 331),
    ("step", 4, 332, 386),
    ("loop", 6, 387, 432),
    ("program", 7, 433, 498),
]
AFTER = [  # at step 58
    ("model", 1, 35, 174),
    ("data", 2, 175, 206),
    ("optimizer", 3, 207, 229),
    ("step", 4, 230, 373),
    ("loop", 6, 374, 422),
    ("program", 7, 423, 491),
]
COLORS = {"optimizer": "orange", "samples": "orange", "step": "blue"}


def draw_file(picture, x, parts):
    """Draw a file as a strip, x to x + 150; returns the middle of the first piece of each place."""
    middles = {}
    for name, place, first, last in parts:
        y, height = TOP + SCALE * (first - 34), SCALE * (last - first + 1)
        picture.box(x, y + 1, 150, height - 2, color=COLORS.get(name, "muted"), strength=0.14)
        picture.text(x + 75, y + height / 2 + 5, f"{place}  {name}", size=14, align="center")
        middles.setdefault(place, y + height / 2)
    return middles


def draw_way(picture, x, middles):
    """Draw the arrows between the places: down on the right side of the strip, back up on the left side."""
    back = 0
    for place, following in zip(sorted(middles)[:-1], sorted(middles)[1:], strict=True):
        start, end = middles[place], middles[following]
        if end > start:
            side = x + 150
            out = side + (44 if end - start > 160 else 22)
            picture.line(
                [(side + 4, start + 4), (out, start + 4), (out, end - 4), (side + 10, end - 4)], "muted"
            )
            picture.arrow(out, end - 4, side + 3, end - 4, "muted")
        else:
            out = x - 22 - 18 * back
            picture.line([(x - 4, start - 4), (out, start - 4), (out, end + 4)], "orange", 2.5)
            picture.arrow(out, end + 4, x - 3, end + 4, "orange", 2.5)
            back += 1
    return back


def main():
    picture = Figure(720, 508, "Before, two arrows lead back up the file; after, the way goes down only")
    picture.text(185, 28, "step 57", bold=True, size=16, align="center")
    picture.text(565, 28, "step 58", bold=True, size=16, align="center")
    back = draw_way(picture, 110, draw_file(picture, 110, BEFORE))
    picture.text(185, 50, f"{back} arrows go back up", "orange", 14, "center")
    back = draw_way(picture, 490, draw_file(picture, 490, AFTER))
    assert back == 0
    picture.text(565, 50, "one way down", "green", 14, "center")
    picture.arrow(486, 292, 456, 292, "muted")
    picture.box(364, 270, 90, 44, "5 samples", "orange", size=14, strength=0.14)
    picture.text(409, 334, "sampling.py", "muted", 13, "center", mono=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
