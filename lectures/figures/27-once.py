"""Draws 27-once.svg: the text is tokenized once; training reads windows of token ids at every step."""

from figure import Figure


def draw():
    picture = Figure(
        700, 250, "Tokenize once, store the token ids in shards, read windows of them at every training step"
    )
    for x, words in ((80, "text"), (330, "token shards on the disk"), (600, "windows")):
        picture.text(x, 30, words, size=16, align="center", bold=True)

    picture.rect(10, 48, 140, 140, border="line")
    for y, words in zip(
        range(76, 190, 24),
        ("First Citizen:", "Before we", "proceed any", "further, hear", "me speak."),
        strict=True,
    ):
        picture.text(21, y, words, size=14, mono=True)

    for y, name, color, note in (
        (48, "train_000001.bin", "blue", "the first 90 % of the ids"),
        (126, "val_000000.bin", "orange", "the last 10 %"),
    ):
        picture.box(235, y, 190, 62, color=color)
        picture.text(330, y + 27, name, size=16, align="center", mono=True)
        picture.text(330, y + 48, note, "muted", 14, "center")

    for y in (62, 92, 122, 152):
        picture.rect(530, y, 140, 22, "green", 0.16, border="green")
        for column in range(1, 7):
            picture.line([(530 + 20 * column, y), (530 + 20 * column, y + 22)], "green", 0.8)

    picture.arrow(154, 118, 231, 118, "ink", 2)
    picture.arrow(429, 118, 526, 118, "muted", 2, dash="6 5")
    picture.text(192, 218, "fineweb.py", size=15, align="center", mono=True)
    picture.text(192, 238, "once", "muted", 14, "center")
    picture.text(478, 218, "train_gpt2.py", size=15, align="center", mono=True)
    picture.text(478, 238, "at every training step (page 33)", "muted", 14, "center")
    return picture


if __name__ == "__main__":
    draw().save(__file__)
