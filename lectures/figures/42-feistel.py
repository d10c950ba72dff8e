"""Draw 42-feistel.svg: the four rounds that lead from a position to a window, with the real bits.

Position 5 of 200 in epoch 0 of seed 1; the result is checked against fineweb.shuffled.
"""

import hashlib
import sys
from pathlib import Path

from figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from fineweb import shuffled

POSITION, COUNT, KEY = 5, 200, "1 0"
LEFT, STEP, WIDTH, HEIGHT, TOP, BOTTOM = 16, 153, 76, 42, 66, 158


def rounds():
    """The halves before the first round and after each, and f of each round."""
    half = ((COUNT - 1).bit_length() + 1) // 2
    left, right = POSITION >> half, POSITION & (1 << half) - 1
    states, mixed = [(left, right)], []
    for turn in range(4):
        digest = hashlib.blake2b(f"{KEY} {turn} {right}".encode(), digest_size=8).digest()
        mixed.append(int.from_bytes(digest, "little") & (1 << half) - 1)
        left, right = right, left ^ mixed[-1]
        states.append((left, right))
    assert left << half | right == shuffled(POSITION, COUNT, KEY) < COUNT
    return states, mixed, left << half | right


def main():
    states, mixed, window = rounds()
    picture = Figure(
        720, 262, "Each Feistel round swaps the halves and mixes one of them with a hash of the other"
    )
    for number, (left, right) in enumerate(states):
        x = LEFT + STEP * number
        color = {0: "orange", 4: "green"}.get(number, "blue")
        words = {0: f"position {POSITION}", 4: f"window {window}"}.get(number, f"round {number}")
        picture.text(x + WIDTH / 2, 34, words, color, 15, "center", bold=number in (0, 4))
        for y, name, bits in ((TOP, "L", left), (BOTTOM, "R", right)):
            picture.box(x, y, WIDTH, HEIGHT, f"{bits:04b}", color, size=16, mono=True)
            if number == 0:
                picture.text(x, y - 6, name, "muted", 14)
        if number < 4:
            begin, end = x + WIDTH + 2, x + STEP - 2
            picture.arrow(begin, BOTTOM + HEIGHT / 2, end, TOP + HEIGHT / 2)
            picture.arrow(begin, TOP + HEIGHT / 2, end, BOTTOM + HEIGHT / 2)
            middle = (begin + end) / 2
            picture.text(middle, 228, "f(R)", "muted", 14, "center")
            picture.text(middle, 248, f"{mixed[number]:04b}", "ink", 15, "center", mono=True)
    picture.text(LEFT + WIDTH + 39, TOP + 8, "copy R", "muted", 13, "center")
    picture.text(LEFT + WIDTH + 39, BOTTOM + HEIGHT + 2, "L ⊕ f(R)", "muted", 13, "center")
    picture.save(__file__)


if __name__ == "__main__":
    main()
