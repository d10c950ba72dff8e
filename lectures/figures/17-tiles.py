"""Draws 17-tiles.svg: what attention by hand stores of the T x T table, and what flash attention looks at."""

from pathlib import Path

TILES, CELL, TOP = 8, 26, 44
WORK, SKIP, NOW, LINE = "#9ecae1", "#eeeeee", "#d55e00", "white"


def table(left, colour):
    """A square of tiles; colour(row, column) is what a tile looks like."""
    return [
        f'<rect x="{left + column * CELL}" y="{TOP + row * CELL}" width="{CELL}" height="{CELL}" '
        f'fill="{colour(row, column)}" stroke="{LINE}"/>'
        for row in range(TILES)
        for column in range(TILES)
    ]


def draw():
    """The picture as SVG."""
    second = 40 + TILES * CELL + 60
    bottom = TOP + TILES * CELL
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {second + TILES * CELL + 190} {bottom + 40}" '
        'font-family="sans-serif" font-size="13">',
        "<title>The table of attention weights, by hand and in tiles</title>",
        '<rect width="100%" height="100%" fill="white"/>',
        '<text x="40" y="28" font-weight="bold">by hand: all of it, in memory</text>',
        f'<text x="{second}" y="28" font-weight="bold">flash: one tile at a time</text>',
        *table(40, lambda row, column: WORK),
        *table(
            second, lambda row, column: NOW if (row, column) == (5, 2) else WORK if column <= row else SKIP
        ),
    ]
    for left in (40, second):
        parts.append(f'<text x="{left}" y="{bottom + 20}">keys, 1 to T</text>')
        parts.append(f'<text transform="translate({left - 10} {bottom}) rotate(-90)">queries, 1 to T</text>')
    x = second + TILES * CELL + 14
    for row, (colour, words) in enumerate(
        [(NOW, "in fast memory now"), (WORK, "done, or to be done"), (SKIP, "future: never computed")]
    ):
        y = TOP + 10 + row * 26
        parts.append(f'<rect x="{x}" y="{y}" width="14" height="14" fill="{colour}"/>')
        parts.append(f'<text x="{x + 20}" y="{y + 12}">{words}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    Path(__file__).with_suffix(".svg").write_text(draw(), encoding="utf-8")
