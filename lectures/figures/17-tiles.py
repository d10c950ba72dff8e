"""Draw 17-tiles.svg: the table of attention weights stored whole, and worked through in tiles."""

from figure import Figure

TILES, CELL, TOP = 8, 32, 84
NOW = (5, 2)  # the row of queries and the column of keys of the tile in fast memory
SIDE = TILES * CELL


def table(picture, left, look):
    """A square of tiles, query 1 at the top, key 1 at the left; look(row, column) is color, strength."""
    for row in range(TILES):
        for column in range(TILES):
            color, strength = look(row, column)
            picture.rect(
                left + column * CELL, TOP + row * CELL, CELL - 2, CELL - 2, color, strength, radius=3
            )
    picture.text(left, TOP - 8, "key 1", "muted", 13)
    picture.text(left + SIDE - 2, TOP - 8, "key T", "muted", 13, "right")
    picture.text(left - 8, TOP + 20, "query 1", "muted", 13, "right")
    picture.text(left - 8, TOP + SIDE - 12, "query T", "muted", 13, "right")


def flash(row, column):
    """What flash attention does with a tile: it is in fast memory now, done or still to come, or skipped."""
    if (row, column) == NOW:
        return "orange", 1.0
    return ("blue", 0.3) if column <= row else ("panel", 1.0)


def draw():
    """The picture: by hand on the left, flash attention on the right."""
    left, right = 74, 74 + SIDE + 96
    picture = Figure(
        right + SIDE + 34,
        TOP + SIDE + 64,
        "Attention by hand stores the whole T x T table; flash attention holds one tile and skips the future",
    )
    picture.text(left, 30, "by hand", size=16, bold=True)
    picture.text(left, 50, "the whole table, in memory", size=14)
    picture.text(right, 30, "flash attention", size=16, bold=True)
    picture.text(right, 50, "one tile at a time, in fast memory", size=14)
    table(picture, left, lambda row, column: ("orange", 1.0))
    table(picture, right, flash)
    y = TOP + SIDE + 24
    picture.text(left, y, "stored: every tile", "orange", 14, bold=True)
    picture.text(right, y, "stored: this tile", "orange", 14, bold=True)
    picture.text(right + SIDE, y, "done, or next", "blue", 14, "right", bold=True)
    picture.text(right, y + 22, "gray: the future, never computed", "muted", 14)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
