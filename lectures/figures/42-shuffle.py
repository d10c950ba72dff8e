"""Draw 42-shuffle.svg: which window comes at which position of an epoch.

In the order of the files, by a straight line modulo the number of windows, and by a Feistel network
(fineweb.shuffled). Needs only the repository.
"""

import sys
from pathlib import Path

from figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from fineweb import shuffled

COUNT, SIZE, LEFT, TOP, GAP = 200, 270, 56, 44, 46
PANELS = {
    "file order: p": lambda position: position,
    "straight line: (77 p + 30) mod 200": lambda position: (77 * position + 30) % COUNT,
    "Feistel, epoch 0": lambda position: shuffled(position, COUNT, "1 0"),
    "Feistel, epoch 1": lambda position: shuffled(position, COUNT, "1 1"),
}


def main():
    title = (
        "Four orders of 200 windows: only the Feistel network's have no pattern, and each epoch has its own"
    )
    picture = Figure(LEFT + 2 * SIZE + GAP + 18, TOP + 2 * SIZE + GAP + 56, title)
    for number, (name, order) in enumerate(PANELS.items()):
        x, y = LEFT + number % 2 * (SIZE + GAP), TOP + number // 2 * (SIZE + GAP)
        windows = [order(position) for position in range(COUNT)]
        assert sorted(windows) == list(range(COUNT)), name  # all four are permutations
        color = "green" if name.startswith("Feistel") else "orange"
        picture.text(x, y - 10, name, color, 15, bold=True)
        picture.rect(x, y, SIZE, SIZE, "panel", border="line", radius=0)
        for position, window in enumerate(windows):
            at = x + SIZE * (position + 0.5) / COUNT, y + SIZE - SIZE * (window + 0.5) / COUNT
            picture.circle(*at, 2.4, color)
        if number % 2 == 0:
            picture.text(x - 8, y + 12, f"{COUNT - 1}", "muted", 13, "right")
            picture.text(x - 8, y + SIZE, "0", "muted", 13, "right")
            picture.text(x - 18, y + SIZE / 2, "window", "muted", 14, "center", turn=-90)
        if number >= 2:
            picture.text(x, y + SIZE + 20, "0", "muted", 13)
            picture.text(x + SIZE, y + SIZE + 20, f"{COUNT - 1}", "muted", 13, "right")
            picture.text(x + SIZE / 2, y + SIZE + 36, "position in the epoch", "muted", 14, "center")
    picture.save(__file__)


if __name__ == "__main__":
    main()
