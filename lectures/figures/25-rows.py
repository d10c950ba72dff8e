"""Draws 25-rows.svg: two ranks take the eight rows of a step; the formula is that of get_batch in step 25."""

from figure import Figure

ROWS, B, WORLD = 8, 2, 2  # 512 tokens in rows of 64, micro-batches of 2 rows
COLORS = ("blue", "orange")


def draw():
    title = "Together the ranks read exactly the rows of the step, each row once"
    picture = Figure(720, 330, title)
    picture.text(20, 44, "rows of the step", size=16, bold=True)
    for row in range(ROWS):
        color = COLORS[row // B % WORLD]
        picture.box(190 + 64 * row, 22, 54, 34, f"{row}", color, size=16, strength=0.3)
    for rank, color in enumerate(COLORS):
        y = 150 + 76 * rank
        picture.text(20, y + 22, f"rank {rank}", color, 16, bold=True)
        for micro in range(ROWS // B // WORLD):
            first = (micro * WORLD + rank) * B
            for n in range(B):
                x = 190 + 128 * micro + 64 * n
                picture.box(x, y, 54, 34, f"{first + n}", color, size=16, strength=0.3)
        picture.arrow(446, y + 17, 490, 205 + 24 * rank, color, 2)
    for micro in range(2):
        x = 190 + 128 * micro
        picture.text(x + 59, 114, f"micro-batch {micro}", "muted", 15, "center")
        picture.line([(x, 130), (x, 124), (x + 118, 124), (x + 118, 130)], "muted", 1.2)
    picture.box(498, 186, 200, 62, "mean of the gradients", "green", "the same on every rank", 16)
    picture.text(20, 306, "first row of a micro-batch = (micro x ranks + rank) x B", "muted", 15, mono=True)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
