"""Draws 26-late.svg: DDP's flag, set between the forward and the backward pass of four micro-batches."""

from figure import Figure

MICRO = 4


def draw():
    title = "A flag set after the forward pass is read one micro-batch late: the wrong one is averaged"
    picture = Figure(720, 290, title)
    read = True  # DDP's first value, and what the last micro-batch of a step leaves
    for micro in range(MICRO):
        x, wanted = 90 + 155 * micro, micro == MICRO - 1
        picture.text(x + 64, 30, f"micro-batch {micro}", size=15, align="center", bold=True)
        picture.box(x, 46, 62, 36, "forward", size=14)
        picture.box(x + 66, 46, 72, 36, "backward", "orange" if not read else "green", size=14, strength=0.3)
        picture.text(x + 31, 112, f"{read}", "green" if read else "muted", 16, "center", bold=True)
        picture.text(x + 66, 186, f"{wanted}", "green" if wanted else "muted", 16, "center", bold=True)
        picture.arrow(x + 78, 168, x + (174 if micro < MICRO - 1 else 132), 122, "muted", 1.5)
        words = "averaged" if read else "private"
        picture.text(x + 66, 240, words, "green" if read else "orange", 16, "center", bold=True)
        read = wanted
    picture.text(12, 112, "reads", "muted", 15)
    picture.text(12, 186, "sets", "muted", 15)
    picture.text(12, 240, "gradient", "muted", 15)
    picture.text(90, 274, "micro-batch 0 reads the value that the step before has left", "muted", 14)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
