"""Draws 29-disk.svg: the disk space that sample-10BT needs, from the docstring of fineweb.py."""

from figure import Figure

SHARES = (
    (28, "blue", "parquet downloads", "until you empty the cache"),
    (4, "orange", "Arrow, one file at a time", "until this file is done"),
    (20, "green", "shards", "for training"),
)


def draw():
    picture = Figure(700, 166, "sample-10BT needs 52 GB of disk: 28 of downloads, 4 of Arrow, 20 of shards")
    x, scale = 14, 672 / 52
    for (gigabytes, color, name, stays), at, align in zip(
        SHARES, (14, 376, 686), ("left", "center", "right"), strict=True
    ):
        width = gigabytes * scale
        picture.rect(x, 54, width - 3, 50, color, 0.9, radius=3)
        picture.text(
            x + width / 2,
            86,
            f"{gigabytes}" + (" GB" if gigabytes > 9 else ""),
            "paper",
            18,
            "center",
            bold=True,
        )
        picture.text(at, 132, name, color, 15, align, bold=True)
        picture.text(at, 152, stays, "muted", 14, align)
        x += width
    picture.line([(14, 44), (14, 36), (683, 36), (683, 44)], "muted")
    picture.text(349, 26, "52 GB of disk", size=16, align="center", bold=True)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
