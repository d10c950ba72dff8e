"""Draws 31-position.svg to scale: the state of `kill.py` after its second kill, as page 31 prints it.

Seven shards of 300,000 tokens are written. Shard 7 begins at token 2,100,000, which is 346,259 tokens
after the beginning of row 143. The first part has 2,128,197 tokens.
"""

from figure import Figure

SHARD, SHARDS, SKIP, PART = 300_000, 7, 346_259, 2_128_197
BEGIN = SHARD * SHARDS  # the first token of the next shard
ROW = BEGIN - SKIP  # the first token of row 143
END = 2_400_000
LEFT, SCALE = 92, 614 / END


def place(token):
    return LEFT + token * SCALE


def draw():
    picture = Figure(
        720, 262, "A row and the tokens to skip after it say where in the input the next shard begins"
    )
    state = f'progress.json: "part": 0, "row": 143, "skip": {SKIP}'
    picture.text(LEFT, 26, state, "blue", 16, mono=True)
    picture.text(LEFT - 12, 79, "chunks", size=16, align="right", bold=True)
    for begin, end, words, color in (
        (0, ROW, "part 0, rows 0–142", "line"),
        (ROW, PART, "", "blue"),
        (PART, END, "part 1", "line"),
    ):
        picture.box(place(begin), 52, place(end) - place(begin) - 2, 44, words, color, size=15)
    for y, words in ((71, "rows 143"), (88, "to the end")):
        picture.text((place(ROW) + place(BEGIN)) / 2, y, words, size=15, align="center")

    picture.line([(place(ROW), 102), (place(ROW), 126)], "orange", 2)
    picture.arrow(place(ROW), 116, place(BEGIN) - 3, 116, "orange", 2)
    picture.text(place(BEGIN) - 10, 150, f"skip {SKIP:,} tokens", "orange", 15, "right", bold=True)
    picture.line([(place(BEGIN) - 1, 46), (place(BEGIN) - 1, 168)], "orange", 2, dash="4 4")

    picture.text(LEFT - 12, 199, "shards", size=16, align="right", bold=True)
    for index in range(SHARDS + 1):
        color = "green" if index < SHARDS else "orange"
        picture.box(place(index * SHARD), 172, SHARD * SCALE - 3, 44, str(index), color, size=16)
    picture.text((LEFT + place(BEGIN)) / 2, 242, "on the disk", "green", 15, "center", bold=True)
    picture.text(place(BEGIN + SHARD / 2), 242, "next", "orange", 15, "center", bold=True)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
