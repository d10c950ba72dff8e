"""Draw 64-gap.svg: the host's work before each step's first launch, as page 64 measured it."""

from figure import Figure

WIDTH, HEIGHT = 720, 372
LEFT, SCALE = 116, 44  # x where the device has finished a step; pixels per millisecond
HOST = (  # at which step; milliseconds of batch, modes, seed on the host: medians of page 64
    ("step 53", 10.7, 0.58, 0.10),
    ("step 63", 0.91, 0.58, 0.10),
    ("step 64", 0.54, 0.0, 0.0),
)
COLORS = ("blue", "orange", "green")


def draw():
    """The picture: for three steps of the history a row of the host above a row of the device."""
    picture = Figure(
        WIDTH, HEIGHT, "Before a step's first launch the host works 11.4 ms at step 53, 1.6 at 63, 0.5 at 64"
    )
    picture.line([(LEFT, 40), (LEFT, HEIGHT - 40)], "muted", 1.5, "5 4")
    picture.text(LEFT, 28, "the GPU has finished a step", "muted", 14, "left")
    for number, (name, *parts) in enumerate(HOST):
        top = 52 + 96 * number
        picture.text(12, top + 20, name, size=15, bold=True)
        picture.text(LEFT - 10, top + 20, "host", "muted", 13, "right")
        picture.text(LEFT - 10, top + 52, "GPU", "muted", 13, "right")
        x = LEFT
        for part, color in zip(parts, COLORS, strict=True):
            if part:
                picture.rect(x, top, part * SCALE, 28, color, 0.8, radius=1)
                x += part * SCALE
        end = LEFT + sum(parts) * SCALE
        picture.text(end + 8, top + 20, f"{sum(parts):.1f} ms", size=15, bold=True)
        picture.rect(LEFT, top + 36, end - LEFT, 24, "line", radius=1)
        if end - LEFT > 60:
            picture.text((LEFT + end) / 2, top + 53, "waits", "ink", 14, "center")
        width = WIDTH - 12 - end
        picture.rect(end, top + 36, width, 24, "blue", 0.16, border="blue", radius=1)
        if width > 120:
            picture.text(end + 12, top + 53, "next step: about 145 ms (estimate)", "ink", 14)
    y = HEIGHT - 14
    for x, words, color in (
        (LEFT, "batch", "blue"),
        (230, "eval(), train()", "orange"),
        (390, "seed", "green"),
    ):
        picture.rect(x, y - 13, 16, 16, color, 0.8, radius=1)
        picture.text(x + 24, y, words, size=14)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
