"""Draw 72-card.svg: from the command to the card, with the nine parts of card.py and what each asks."""

from figure import Figure

WIDTH, HEIGHT = 720, 396
GROUPS = (
    ("What is here?", "muted", ("facts",)),
    ("Is it right?", "green", ("precision", "gradients", "ranks", "resume")),
    ("How fast is it?", "blue", ("ladder", "speed", "run", "scaling")),
)


def draw():
    """The picture: three groups of parts, each part a process, and the two files that they fill."""
    title = "make gpu runs nine parts, each a process with a limit, and collects their numbers in a card"
    picture = Figure(WIDTH, HEIGHT, title)
    picture.box(16, 16, 130, 40, "make gpu", "muted", size=16, mono=True)
    y = 84
    for question, color, parts in GROUPS:
        picture.text(16, y + 22, question, color, 16, bold=True)
        for number, part in enumerate(parts):
            column, line = number % 2, number // 2
            picture.box(160 + 124 * column, y + 46 * line, 112, 36, part, color, size=15, mono=True)
        rows = (len(parts) + 1) // 2
        picture.arrow(404, y + 46 * rows / 2 - 5, 470, 208, "muted")
        y += 46 * rows + 22
    picture.box(474, 186, 230, 46, "reports/NAME.json", "orange", size=15, mono=True)
    picture.arrow(589, 232, 589, 284)
    picture.box(474, 288, 230, 46, "reports/NAME.md", "orange", size=15, mono=True)
    picture.text(474, 90, "each number as soon", size=14)
    picture.text(474, 110, "as it is there; what is", size=14)
    picture.text(474, 130, "complete is not repeated", size=14)
    picture.text(474, 362, "with --against OTHER.json", size=14)
    picture.text(474, 382, "beside another machine", size=14)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
