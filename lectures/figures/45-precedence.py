"""Draw 45-precedence.svg: where a setting comes from, from the weakest source to the strongest."""

from figure import Figure

SOURCES = [  # the source, what it gives, its color
    ("Config", "GPT-2 (124M)", "blue"),
    ("--preset", "laptop, gpt2, ...", "blue"),
    ("flags", "as typed", "blue"),
    ("data", "vocabulary", "green"),
    ("weights", "all sizes", "green"),
]


def main():
    picture = Figure(
        720,
        224,
        "A later source overrides an earlier one; a flag that contradicts data or weights is an error",
    )
    picture.text(14, 28, "preferences: the last one wins", "blue", 15, bold=True)
    picture.text(706, 28, "facts: never overruled", "green", 15, "right", bold=True)
    for number, (name, gives, color) in enumerate(SOURCES):
        x = 14 + 143 * number
        picture.box(x, 48, 120, 62, name, color, gives, size=14)
        if number < 4:
            picture.arrow(x + 122, 79, x + 141, 79)
    picture.line([(360, 114), (360, 150)], "orange", 2)
    picture.line([(503, 114), (503, 150)], "orange", 2)
    picture.line([(646, 114), (646, 150), (360, 150)], "orange", 2)
    picture.arrow(503, 150, 503, 178, "orange", 2)
    picture.text(503, 200, "a flag contradicts a fact: error", "orange", 15, "center", bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
