"""Draw 90-passes.svg: 32 endings padded to the longest of all, and to the longest of their pass.

The lengths are those of a batch of eight of page 90's examples, in the second pass, sorted.
"""

from figure import Figure

LENGTHS = [17, 20, 21, 21, 22, 22, 25, 28, 28, 31, 33, 33, 34, 34, 35, 35, 36, 37, 37, 38, 38, 39, 40, 41]
LENGTHS += [44, 46, 47, 48, 49, 51, 53, 53]


def main():
    longest, size = max(LENGTHS), len(LENGTHS) // 4
    passes = [LENGTHS[first : first + size] for first in range(0, len(LENGTHS), size)]
    one, four = longest * len(LENGTHS), sum(max(part) * size for part in passes)
    title = f"{sum(LENGTHS):,} tokens are {one:,} with padding in one pass, and {four:,} in four passes"
    picture = Figure(720, 330, title)
    for left, name, count, parts in [(20, "one pass", one, [LENGTHS]), (380, "four passes", four, passes)]:
        picture.text(left, 32, f"{name}: {count:,} tokens", size=15, bold=True)
        y = 46
        for part in parts:
            for length in part:
                picture.rect(left, y, max(part) * 6, 6, "muted", 0.3, radius=0)
                picture.rect(left, y, length * 6, 6, "blue", 0.9, radius=0)
                y += 7
            y += 6 if len(parts) > 1 else 0
    picture.text(20, 314, "a line is an ending", "muted", 14)
    picture.text(380, 314, "blue: tokens, gray: padding", "muted", 14)
    picture.save(__file__)


if __name__ == "__main__":
    main()
