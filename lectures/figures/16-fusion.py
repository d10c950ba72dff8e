"""Draw 16-fusion.svg: the memory traffic of z = tanh(a * x + y), one operation at a time and fused."""

from figure import Figure

WIDTH, MEMORY, CHIP = 720, 58, 176  # y of the memory, and of the operations
LEFT, RIGHT = 20, 474  # x of the two halves
EAGER = [  # operation, what it reads, what it writes
    ("a * x", ["x"], "t"),
    ("t + y", ["t", "y"], "u"),
    ("tanh(u)", ["u"], "z"),
]
KERNEL, GAP = 128, 16


def kernel(picture, left, width, words, reads, writes, color):
    """A kernel below the memory: arrows down for what it reads, one arrow up for what it writes."""
    picture.box(left, CHIP, width, 42, words, color, size=15, mono=True)
    names = [*reads, writes]
    for number, name in enumerate(names):
        x = left + width * (number + 1) / (len(names) + 1)
        if number < len(reads):
            picture.arrow(x, MEMORY + 42, x, CHIP - 4, "orange", 2)
        else:
            picture.arrow(x, CHIP, x, MEMORY + 46, "orange", 2)
        picture.text(x + 6, (MEMORY + 42 + CHIP) / 2 + 5, name, size=15, mono=True)


def draw():
    """The picture: eager on the left, fused on the right, under one bar that is the memory."""
    moves = sum(len(reads) + 1 for _, reads, _ in EAGER)
    picture = Figure(
        WIDTH, 290, f"Eager, tanh(a * x + y) moves {moves} tensors through memory; fused, it moves 3"
    )
    picture.text(LEFT, 34, "eager: three kernels", size=16, bold=True)
    picture.text(RIGHT, 34, "fused: one kernel", size=16, bold=True)
    span = len(EAGER) * KERNEL + (len(EAGER) - 1) * GAP
    for left, width in ((LEFT, span), (RIGHT, WIDTH - 20 - RIGHT)):
        picture.rect(left, MEMORY, width, 36, "panel", border="line")
        picture.text(left + width / 2, MEMORY + 24, "memory", "muted", 15, "center")
    for number, (words, reads, writes) in enumerate(EAGER):
        kernel(picture, LEFT + number * (KERNEL + GAP), KERNEL, words, reads, writes, "blue")
    kernel(picture, RIGHT, WIDTH - 20 - RIGHT, "tanh(a * x + y)", ["x", "y"], "z", "green")
    picture.text(LEFT, 250, f"{moves} tensors moved", "orange", 15, bold=True)
    picture.text(RIGHT, 250, "3 tensors moved", "orange", 15, bold=True)
    picture.text(RIGHT, 272, "t and u stay in registers", "muted", 14)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
