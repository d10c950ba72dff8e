"""Draw 89-laptop.svg: where the milliseconds of a laptop step go, before this step and since.

From the profiles of page 89, in milliseconds per step on one core: the shortest time of each operator.
"""

from figure import Figure

PARTS = {
    "attention": (27.5, 7.0),
    "matrix products": (19.8, 19.8),
    "Muon, AdamW": (12.4, 12.3),
    "GELU": (6.1, 6.1),
    "all the rest": (8.9, 9.1),
}


def main():
    before, since = (sum(values) for values in zip(*PARTS.values(), strict=True))
    title = (
        f"Attention was {PARTS['attention'][0]} of {before:.1f} ms of a step, and is {PARTS['attention'][1]}"
    )
    picture = Figure(720, 372, title)
    picture.text(20, 32, f"step 86: {before:.1f} ms", "muted", 15, bold=True)
    picture.text(200, 32, f"step 89: {since:.1f} ms", "blue", 15, bold=True)
    for row, (name, values) in enumerate(PARTS.items()):
        y = 56 + row * 62
        picture.text(150, y + 26, name, size=15, align="right", bold=name == "attention")
        for number, (value, color) in enumerate(zip(values, ("muted", "blue"), strict=True)):
            picture.rect(162, y + number * 22, value * 17, 19, color)
            picture.text(170 + value * 17, y + number * 22 + 15, f"{value}", "ink", 14)
    picture.save(__file__)


if __name__ == "__main__":
    main()
