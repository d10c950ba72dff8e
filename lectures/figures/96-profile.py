"""Draw 96-profile.svg: where the time of a step of GPT-2 (124M) on a CPU goes, from page 96's output."""

from figure import Figure

PARTS = [  # milliseconds per step of 93,827: the table of page 96, and the trace for the output head
    ("matrix products of the blocks", 47_866 + 14_337 - 18_408, "blue"),
    ("matrix products of the output head", 18_408, "blue"),
    ("attention", 6_947 + 2_622, "blue"),
    ("copies, most from one type to another", 6_375, "orange"),
    ("zeros for gradients", 4_087, "orange"),
    ("GELU", 1_318 + 1_262, "muted"),
    ("AdamW", 1_605, "muted"),
    ("everything else", 0, "muted"),
]
WHOLE = 93_827


def main():
    picture = Figure(720, 372, "Two thirds of a step are matrix products; a tenth is moving numbers about")
    rest = WHOLE - sum(time for _, time, _ in PARTS)
    y = 52
    picture.text(24, 28, "GPT-2 (124M), one step of 1,024 tokens, share of its time", "ink", 15, bold=True)
    for name, time, color in PARTS:
        share = (time or rest) / WHOLE
        picture.text(280, y + 18, name, "ink", 14, "right")
        picture.rect(290, y + 2, 700 * share, 24, color, 0.75)
        picture.text(298 + 700 * share, y + 19, f"{share:.1%}", color, 14, bold=True)
        y += 38
    picture.save(__file__)


if __name__ == "__main__":
    main()
