"""Draws 28-stream.svg: one stream of tokens, cut by chunks, by shards and (in training) by windows."""

from figure import Figure

LEFT, TOP, ROW = 158, 40, 68
DOCUMENTS = (("a", 88), ("b", 50), ("c", 134), ("d", 34), ("e", 104), ("f", 152))  # lengths in pixels
CHUNKS = (2, 2, 2)  # documents in each
SHARD, WINDOW = 164, 48
NAMES = ("val 0", "train 1", "train 2", "train 3")


def label(picture, row, words, note):
    y = TOP + ROW * row
    picture.text(LEFT - 14, y + 17, words, size=16, align="right", bold=True)
    picture.text(LEFT - 14, y + 35, note, "muted", 13, "right")


def draw():
    picture = Figure(
        740, 296, "One stream of tokens: chunks end where documents end, shards and windows do not"
    )
    total = sum(length for _, length in DOCUMENTS)

    label(picture, 0, "documents", "in their order")
    x = LEFT
    for name, length in DOCUMENTS:
        picture.rect(x, TOP, length - 2, 40, "panel", border="line")
        picture.rect(x, TOP, 8, 40, "orange", radius=2)
        picture.text(x + length - 12, TOP + 26, name, size=16, align="right")
        x += length
    picture.rect(LEFT, 8, 8, 14, "orange", radius=2)
    picture.text(LEFT + 16, 20, "<|endoftext|> before every document", "orange", 14)

    label(picture, 1, "chunks", "read and tokenized")
    x, rest = LEFT, list(DOCUMENTS)
    for index, count in enumerate(CHUNKS):
        length = sum(size for _, size in rest[:count])
        del rest[:count]
        picture.box(x, TOP + ROW, length - 2, 40, f"chunk {index}", "blue", size=15)
        x += length

    label(picture, 2, "shards", "written")
    for index, name in enumerate(NAMES):
        x = LEFT + SHARD * index
        length = min(SHARD, total - SHARD * index)
        picture.box(x, TOP + 2 * ROW, length - 2, 40, name, "muted" if index == 0 else "green", size=15)
        if index:
            picture.line([(x - 1, TOP - 4), (x - 1, TOP + 2 * ROW)], "ink", 1.5, dash="3 4")

    label(picture, 3, "windows", "read to train (page 33)")
    x = LEFT + SHARD
    while x + WINDOW <= LEFT + total:
        picture.rect(x, TOP + 3 * ROW, WINDOW - 2, 40, "panel", border="muted")
        x += WINDOW
    return picture


if __name__ == "__main__":
    draw().save(__file__)
