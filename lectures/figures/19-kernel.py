"""Draw 19-kernel.svg: freed memory that goes back to the kernel in every step, and freed memory that is kept.

The widths are not measurements: clearing is drawn as one piece before each step.
"""

from figure import Figure

WIDTH, LEFT, STEP, CLEAR = 720, 108, 110, 76


def lanes(picture, top, title, returns):
    """Three steps of the program above the kernel; `returns` is whether freed memory goes back to it."""
    picture.text(16, top, title, size=16, bold=True)
    program, kernel = top + 18, top + 84
    picture.text(16, program + 24, "program", "muted", 15)
    picture.text(16, kernel + 23, "kernel", "muted", 15)
    x = LEFT
    for number in (1, 2, 3):
        if number == 1 or returns:
            picture.box(x, kernel, CLEAR, 36, "clear", "orange", size=15, strength=0.4)
            if number > 1:
                picture.arrow(x - 12, program + 40, x + 12, kernel - 3, "orange", 2)
            picture.arrow(x + CLEAR - 12, kernel, x + CLEAR + 12, program + 42, "muted", 2)
            x += CLEAR
        picture.box(x, program, STEP - 3, 38, f"step {number}", "blue", size=15)
        if returns and number < 3:
            picture.text(x + STEP - 18, program + 57, "free", "orange", 13, "right")
        x += STEP
    return x


def draw():
    """The picture: as glibc comes, and after this step."""
    picture = Figure(
        WIDTH,
        330,
        "Memory that goes back to the kernel is cleared again before every step; memory that stays with the "
        "program is reused as it is",
    )
    lanes(picture, 28, "default: large blocks go back to the kernel", True)
    end = lanes(picture, 196, "now: freed blocks stay with the program", False)
    picture.text(end + 12, 196 + 42, "same memory again", "green", 15, bold=True)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
