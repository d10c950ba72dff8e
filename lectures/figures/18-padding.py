"""Draw 18-padding.svg: one row of logits in tiles of 128 columns, and where it is cut."""

import math

from figure import Figure

VOCABULARY, TILE = 50257, 128
TILES = math.ceil(VOCABULARY / TILE)
REAL = VOCABULARY - (TILES - 1) * TILE  # columns with a token in the last tile
LEFT, TOP, SMALL, LARGE, HIGH = 24, 74, 84, 288, 54


def draw():
    """The picture: the tiles, the last one enlarged, and below them what the rest of the program sees."""
    picture = Figure(
        720,
        262,
        f"The product computes {TILES} full tiles of {TILE} columns; the {TILE - REAL} columns of padding "
        "are cut off right behind it",
    )
    picture.text(
        LEFT,
        30,
        f"one row of logits = {TILES * TILE:,} columns = {TILES} tiles of {TILE}",
        size=16,
        bold=True,
    )
    x = LEFT
    for words in ("1", "2", "3", "", f"{TILES - 1}"):
        if words:
            picture.rect(x, TOP, SMALL - 3, HIGH, "blue", 0.3)
            picture.text(x + SMALL / 2 - 2, TOP + 33, words, size=15, align="center")
            x += SMALL
        else:
            picture.text(x + 24, TOP + 33, "...", "muted", 18, "center")
            x += 48
    cut = x + LARGE * REAL / TILE
    picture.rect(x, TOP, cut - x, HIGH, "blue", 0.3)
    picture.rect(cut, TOP, x + LARGE - cut, HIGH, "orange", 0.5)
    picture.text((x + cut) / 2, TOP + 33, f"{REAL} tokens", size=15, align="center")
    picture.text((cut + x + LARGE) / 2, TOP + 24, f"{TILE - REAL}", size=15, align="center")
    picture.text((cut + x + LARGE) / 2, TOP + 42, "padding", size=14, align="center")
    picture.text((x + cut) / 2, TOP - 10, f"tile {TILES}, enlarged", "muted", 14, "center")
    picture.line([(cut, TOP - 4), (cut, TOP + 110)], "ink", 2, "5 4")
    y = TOP + 86
    picture.arrow((LEFT + cut) / 2, y, LEFT, y, "blue", 2)
    picture.arrow((LEFT + cut) / 2, y, cut - 3, y, "blue", 2)
    words = f"logits[..., :{VOCABULARY}]: loss and sampling see this"
    picture.text((LEFT + cut) / 2, y + 22, words, "blue", 15, "center", bold=True)
    picture.text(cut + 8, y + 5, "cut off", "orange", 15, bold=True)
    picture.arrow(LEFT, y + 54, x + LARGE, y + 54, "muted", 2)
    words = f"the next row begins {TILES * TILE:,} numbers later: nothing is copied"
    picture.text((LEFT + x + LARGE) / 2, y + 76, words, "muted", 14, "center")
    return picture


if __name__ == "__main__":
    draw().save(__file__)
