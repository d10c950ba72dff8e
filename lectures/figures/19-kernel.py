"""Draw 19-kernel.svg: freed memory that goes back to the kernel in every step, and freed memory that is kept.

The widths are not measurements: the page faults of a step, thousands of them, are drawn as three.
"""

from figure import Figure

WIDTH, HEIGHT, LEFT = 720, 350, 124
FAULTS, WORK, CLEAR = 3, 31, 22  # of a step that gets new memory: page faults, and the widths around each
GAP, BETWEEN = 36, 8  # between two steps: with and without a return of the memory


def step(picture, x, top, number, cleared):
    """Draw one step on both lanes, from x on; `cleared`: its memory is new. Returns its end."""
    width = FAULTS * (WORK + (CLEAR if cleared else 0))
    picture.rect(x, top, width, 114, "panel", radius=6)
    picture.text(x + width / 2, top + 21, f"step {number}", size=15, align="center")
    if not cleared:
        picture.rect(x + 4, top + 32, width - 8, 32, "blue", 0.3, border="blue")
        return x + width
    for fault in range(FAULTS):
        at = x + fault * (WORK + CLEAR)
        picture.rect(at + 3, top + 72, CLEAR - 2, 32, "orange", 0.5, border="orange")
        picture.rect(at + CLEAR + 2, top + 32, WORK - 5, 32, "blue", 0.3, border="blue")
    return x + width


def lanes(picture, top, title, returns):
    """Three steps of the program above the kernel; `returns` is whether freed memory goes back to it."""
    picture.text(16, top, title, size=16, bold=True)
    top += 14
    picture.text(16, top + 45, "program", size=15)
    picture.text(16, top + 62, "computes", "blue", 14)
    picture.text(16, top + 85, "kernel", size=15)
    picture.text(16, top + 102, "clears a page", "orange", 14)
    x = LEFT
    for number in (1, 2, 3):
        x = step(picture, x, top, number, returns or number == 1)
        if number < 3 and returns:
            picture.text(x + GAP / 2, top + 46, "free", "muted", 14, "center")
            picture.arrow(x + GAP / 2, top + 54, x + GAP / 2, top + 94, "muted", 2)
        x += GAP if returns else BETWEEN
    return x


def draw():
    """The picture: as glibc comes, and after this step."""
    picture = Figure(
        WIDTH,
        HEIGHT,
        "Memory that goes back to the kernel is cleared again in every step, at the first touch; "
        "memory that stays with the program is reused as it is",
    )
    lanes(
        picture,
        28,
        "default: large blocks go back to the kernel; each page is cleared at its first touch",
        True,
    )
    end = lanes(picture, 208, "now: freed blocks stay with the program", False)
    picture.text(end + 8, 208 + 67, "same memory again", "green", 15, bold=True)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
