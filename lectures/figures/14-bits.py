"""Draws 14-bits.svg: how float32, TF32, bfloat16 and float16 spend their bits."""

from pathlib import Path

FORMATS = [  # name, bits of exponent, bits of mantissa, what follows from them
    ("float32", 8, 23, "up to 3.4e38, 7 digits"),
    ("TF32", 8, 10, "up to 3.4e38, 3 digits"),
    ("bfloat16", 8, 7, "up to 3.4e38, 2 digits"),
    ("float16", 5, 10, "up to 65,504, 3 digits"),
]
COLOURS = {"sign": "#d55e00", "exponent": "#0072b2", "mantissa": "#009e73"}
CELL, LEFT, TOP, ROW = 19, 84, 44, 62


def draw():
    """The picture as SVG."""
    width, height = LEFT + 32 * CELL + 16, TOP + len(FORMATS) * ROW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13">',
        "<title>The bits of float32, TF32, bfloat16 and float16</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    x = LEFT
    for name, colour in COLOURS.items():
        parts.append(f'<rect x="{x}" y="12" width="14" height="14" fill="{colour}"/>')
        parts.append(f'<text x="{x + 20}" y="24">{name}</text>')
        x += 110
    for row, (name, exponent, mantissa, meaning) in enumerate(FORMATS):
        y = TOP + row * ROW
        parts.append(f'<text x="8" y="{y + 19}" font-weight="bold">{name}</text>')
        kinds = ["sign"] + ["exponent"] * exponent + ["mantissa"] * mantissa
        for number, kind in enumerate(kinds):
            parts.append(
                f'<rect x="{LEFT + number * CELL}" y="{y}" width="{CELL - 2}" height="28" '
                f'fill="{COLOURS[kind]}"/>'
            )
        words = f"1 + {exponent} + {mantissa} = {len(kinds)} bits, {meaning}"
        parts.append(f'<text x="{LEFT}" y="{y + 44}">{words}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    Path(__file__).with_suffix(".svg").write_text(draw(), encoding="utf-8")
