"""Draw 42-shuffle.svg: which window comes at which position of an epoch.

In the order of the files, by a straight line modulo the number of windows, and by a Feistel network
(fineweb.shuffled). Needs only the repository.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from fineweb import shuffled

COUNT, SIZE, GAP, TOP, LEFT = 200, 220, 40, 34, 44
PANELS = {
    "as in the files: p": lambda position: position,
    "affine: (77 p + 30) mod 200": lambda position: (77 * position + 30) % COUNT,
    "Feistel, epoch 0": lambda position: shuffled(position, COUNT, "1 0"),
    "Feistel, epoch 1": lambda position: shuffled(position, COUNT, "1 1"),
}


def main():
    width, height = LEFT + len(PANELS) * (SIZE + GAP), TOP + SIZE + 40
    size = f'viewBox="0 0 {width} {height}"'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">']
    lines += [f'<rect width="{width}" height="{height}" fill="white"/>']
    for number, (title, order) in enumerate(PANELS.items()):
        x = LEFT + number * (SIZE + GAP)
        windows = [order(position) for position in range(COUNT)]
        assert sorted(windows) == list(range(COUNT)), title  # all four are permutations
        lines.append(f'<text x="{x}" y="{TOP - 10}" font-size="15">{title}</text>')
        lines.append(f'<rect x="{x}" y="{TOP}" width="{SIZE}" height="{SIZE}" fill="none" stroke="#999"/>')
        for position, window in enumerate(windows):
            at = x + SIZE * (position + 0.5) / COUNT, TOP + SIZE - SIZE * (window + 0.5) / COUNT
            lines.append(f'<circle cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="1.8" fill="#1f5fa8"/>')
        words = f"position in the epoch, 0 to {COUNT - 1}"
        lines.append(f'<text x="{x}" y="{TOP + SIZE + 22}" font-size="13">{words}</text>')
    middle = TOP + SIZE / 2
    lines.append(
        f'<text x="24" y="{middle}" font-size="13" text-anchor="middle" '
        f'transform="rotate(-90 24 {middle})">window</text>'
    )
    Path(__file__).with_suffix(".svg").write_text("\n".join([*lines, "</svg>"]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
