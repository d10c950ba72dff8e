"""Draw 77-parts.svg: seven input files, three machines, one folder."""

from figure import Figure

SHARES = ((1, range(0, 2)), (2, range(2, 4)), (3, range(4, 7)))


def draw():
    """The picture: files above, machines in the middle, the row of tokens below."""
    picture = Figure(
        720, 300, "Three machines take shares of the files; in order, their folders are the plain stream"
    )
    picture.text(12, 24, "7 input files, in order", "muted", 14)
    for number in range(7):
        picture.box(12 + 100 * number, 36, 88, 34, f"file {number + 1}", "blue")
    colors = ("green", "orange", "blue")
    for (part, files), color in zip(SHARES, colors, strict=True):
        x, width = 12 + 100 * files.start, 100 * len(files) - 12
        for number in files:
            picture.arrow(56 + 100 * number, 72, 56 + 100 * number, 98)
        picture.box(x, 100, width, 50, f"--part {part}/3", color, "a machine", mono=True)
        picture.arrow(x + width / 2, 152, x + width / 2, 186)
        picture.box(x, 188, width, 50, f"part{part}of3/", color, "shards, lock, meta.json", 14, mono=True)
    picture.text(12, 268, "val", "green", 14, bold=True)
    picture.text(
        46,
        268,
        "is the first shard of part 1.  data.py reads all folders in order, as one row of tokens.",
        size=14,
    )
    return picture


if __name__ == "__main__":
    draw().save(__file__)
