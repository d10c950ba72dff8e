"""Draw 33-offsets.svg: the row of tokens that three shards make, and the bytes where two windows stand.

Shards of 100 million tokens; the windows are drawn wider than 1,025 tokens are. The bytes are computed here.
"""

from bisect import bisect_right
from itertools import accumulate

from figure import Figure

ENDS = list(accumulate([100_000_000] * 3))
LEFT, SCALE, HEAD = 14, 612 / 300e6, 20  # of the row; pixels for a token; the width of a header
ROW, FILES, HEIGHT = 84, 220, 34


def byte(start):
    """The shard of a token and the byte at which it stands there."""
    shard = bisect_right(ENDS, start)
    first = ENDS[shard - 1] if shard else 0
    return shard, 1024 + 2 * (start - first)


def file_x(shard, start):
    """Where a token is drawn in its file: the body of a file is narrower than its part of the row."""
    width = 100e6 * SCALE - 12
    first = ENDS[shard] - 100_000_000
    return LEFT + first * SCALE + 6 + HEAD + (start - first) / 100e6 * (width - HEAD)


def main():
    picture = Figure(
        640, 330, "Three shards as one row of tokens: a window is read at a computed byte of a file"
    )
    picture.text(LEFT, 28, "One row of tokens", bold=True, size=15)
    picture.rect(LEFT, ROW, 300e6 * SCALE, HEIGHT, "panel", border="line", radius=0)
    for shard, end in enumerate(ENDS):
        x = LEFT + end * SCALE
        if shard < 2:
            picture.line([(x, ROW - 8), (x, ROW + HEIGHT)], "muted", 1.5, dash="4 3")
        picture.text(x, ROW - 14, f"{end // 10**6} million", "muted", 13, "right" if shard == 2 else "center")
    picture.text(LEFT, ROW - 14, "ends:", "muted", 13)
    picture.text(LEFT, FILES - 14, "Three files", bold=True, size=15)
    width = 100e6 * SCALE - 12
    for shard in range(3):
        x = LEFT + shard * 100e6 * SCALE + 6
        picture.rect(x, FILES, width, HEIGHT, "panel", border="line", radius=0)
        picture.rect(x, FILES, HEAD, HEIGHT, "muted", 0.6, radius=0)
        picture.text(x, FILES + HEIGHT + 20, f"shard {shard}", "muted", 13)
    for color, start, stop in [("orange", 92e6, 108e6), ("blue", 222e6, 238e6)]:
        picture.rect(LEFT + start * SCALE, ROW, (stop - start) * SCALE, HEIGHT, color, 0.85, radius=0)
        while start < stop:
            shard = bisect_right(ENDS, start)
            end = min(stop, ENDS[shard])
            x1, x2 = file_x(shard, start), file_x(shard, end)
            picture.rect(x1, FILES, x2 - x1, HEIGHT, color, 0.85, radius=0)
            middle = LEFT + (start + end) / 2 * SCALE
            picture.arrow(middle, ROW + HEIGHT + 4, (x1 + x2) / 2, FILES - 4, color, 2)
            start = end
    at = LEFT + 100e6 * SCALE
    picture.text(at + 28, ROW + 70, "crosses an end: two reads", "orange", 14, bold=True)
    shard, offset = byte(230_000_000)
    x = file_x(shard, 230e6)
    picture.text(LEFT + 222e6 * SCALE, ROW - 34, "token 230,000,000", "blue", 14, "center", bold=True)
    picture.line([(x, FILES + HEIGHT + 4), (x, FILES + HEIGHT + 38)], "blue", 2)
    words = f"shard {shard}, byte 1,024 + 2 × 30,000,000 = {offset:,}"
    picture.text(626, FILES + HEIGHT + 54, words, "blue", 14, "right", bold=True)
    picture.text(LEFT, FILES + HEIGHT + 54, "dark: header, 1,024 bytes", "muted", 13)
    picture.save(__file__)


if __name__ == "__main__":
    main()
