"""Draws 27-file.svg: the bytes of a shard. The ids are the first of data/shakespeare/train_000001.bin."""

from figure import Figure

FIELDS = (("20240520", "magic number"), ("1", "version"), ("count", "of tokens"), ("zeros", "253 int32"))
IDS = ((50256, "<|endoftext|>"), (5962, "'First'"), (22307, "' Citizen'"))


def draw():
    picture = Figure(
        720, 196, "A shard is a header of 256 int32, 1,024 bytes, then the token ids, 2 bytes each"
    )
    picture.text(181, 28, "header: 256 int32, 4 bytes each", "blue", 16, "center", bold=True)
    picture.text(523, 28, "tokens: count × uint16, 2 bytes each", "orange", 16, "center", bold=True)
    x = 12
    offsets = []
    for (value, meaning), width, offset in zip(FIELDS, (100, 66, 80, 92), (0, 4, 8, 12), strict=True):
        picture.box(x, 62, width, 52, value, "blue", size=17, mono=True)
        picture.text(x + width / 2, 138, meaning, "muted", 14, "center")
        offsets.append((x, offset))
        x += width
    x += 8
    for (token, meaning), offset in zip(IDS, (1024, 1026, 1028), strict=True):
        picture.box(x, 62, 110, 52, str(token), "orange", size=17, mono=True)
        picture.text(x + 55, 138, meaning, "muted", 13, "center", mono=True)
        offsets.append((x, offset))
        x += 110
    picture.text(x + 10, 94, "...", "orange", 18)
    for at, offset in offsets:
        picture.text(at + 1, 54, f"byte {offset:,}" if offset in (0, 1024) else f"{offset:,}", "muted", 13)
    picture.text(358, 178, "id number i begins at byte 1,024 + 2i", "ink", 15)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
