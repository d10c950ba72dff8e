"""Draws 06-field.svg: one field of Config, and the four things that are derived from it."""

from figure import Figure


def draw():
    picture = Figure(
        740, 330, "One field of Config gives the flag, its help, its check and the value in the code"
    )
    picture.text(20, 78, "one field of the dataclass", size=16, bold=True)
    picture.rect(20, 92, 292, 146, "blue", 0.14, border="blue", radius=8)
    for number, (words, note) in enumerate(
        (
            ("n_layer", "name"),
            ("int", "type"),
            ("12", "default"),
            ('"blocks"', "meaning"),
            ("least=0", "limit"),
        )
    ):
        y = 120 + number * 25
        picture.text(40, y, words, size=16, mono=True)
        picture.text(180, y, note, "muted", 15)
    targets = [
        ("--n_layer 2", "a flag on the command line"),
        ("--n_layer int  blocks (default: 12)", "a line of --help"),
        ("--n_layer must be at least 0", "a check of the value"),
        ("config.n_layer", "the value in the code"),
    ]
    for number, (words, note) in enumerate(targets):
        y = 20 + number * 76
        picture.arrow(314, 165, 376, y + 31, "muted", 1.8)
        picture.rect(380, y, 340, 62, "orange", 0.14, border="orange", radius=6)
        picture.text(394, y + 26, words, size=14, mono=True)
        picture.text(394, y + 48, note, "muted", 15)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
