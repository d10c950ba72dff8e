"""Draws 31-kill.svg: the folder after a kill, within shard 3 or between it and progress.json."""

from figure import Figure

FILES = (  # name, color, what a restart makes of it, color of that
    ("val_000000.bin", "green", "kept: whole, on the disk"),
    ("train_000001.bin", "green", "kept"),
    ("train_000002.bin", "green", "kept"),
    ("train_000003.bin.partial", "line", "overwritten: killed while this shard was being written"),
    ("or train_000003.bin", "line", "overwritten: killed before progress.json had recorded it"),
    ("progress.json", "blue", "read: 3 shards done, and where the next one begins"),
    ("meta.json", "", "missing: the data set is not complete"),
)


def draw():
    picture = Figure(720, 333, "After a kill, recorded shards are kept, the one after them is overwritten")
    picture.text(14, 24, "in the folder after the kill", size=16, bold=True)
    picture.text(282, 24, "what the restart does with it", size=16, bold=True)
    for row, (name, color, fate) in enumerate(FILES):
        y = 40 + 41 * row
        if color:
            picture.box(14, y, 244, 34, "", color)
            picture.text(28, y + 22, name, size=15, mono=True)
        else:
            picture.line([(14, y), (258, y), (258, y + 34), (14, y + 34), (14, y)], "line", 1.5, dash="5 4")
            picture.text(28, y + 22, name, "muted", 15, mono=True)
        verb, _, rest = fate.partition(":")
        picture.text(282, y + 22, verb, "ink" if color in ("line", "") else color, 15, bold=True)
        if rest:
            picture.text(282 + 98, y + 22, rest.strip(), "muted", 15)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
