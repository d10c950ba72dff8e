"""Draw 13-ladder.svg: the video's time per step on an A100, change by change.

The milliseconds are the video's, from 1:22:18 to 2:34:09, for 16 rows of 1,024 tokens.
"""

from figure import Figure

LADDER = [  # what changed, the step of this lecture, milliseconds
    ("float32", "13", 1000),
    ("TF32", "14", 333),
    ("bfloat16", "15", 300),
    ("torch.compile", "16", 130),
    ("flash attention", "17", 96),
    ("padded vocabulary", "18", 93),
    ("fused AdamW", "23", 90),
]
LEFT, TOP, ROW, WIDTH, FACTOR = 206, 46, 36, 372, 400


def draw():
    """The picture: one bar per change."""
    picture = Figure(
        640,
        TOP + ROW * len(LADDER) + 12,
        "The video's step on an A100 goes from 1000 ms to 90 ms; TF32 and torch.compile save most",
    )
    picture.text(16, 28, "step", "muted", 13)
    picture.text(60, 28, "change", "muted", 13)
    picture.text(LEFT, 28, "milliseconds per step, and the speed-up", "muted", 13)
    before = None
    for row, (name, step, ms) in enumerate(LADDER):
        y = TOP + row * ROW
        width = WIDTH * ms / LADDER[0][2]
        picture.text(16, y + 19, step, "muted", 15, mono=True)
        picture.text(60, y + 19, name, size=15)
        picture.rect(LEFT, y, width, 26, "muted" if before is None else "blue", radius=3)
        picture.text(LEFT + width + 8, y + 19, f"{ms}", size=15, bold=True)
        if before:
            picture.text(FACTOR, y + 19, f"{before / ms:.2f}x", "orange", 15)
        before = ms
    return picture


if __name__ == "__main__":
    draw().save(__file__)
