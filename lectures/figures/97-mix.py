"""Draw 97-mix.svg: the share of each input of page 97, named once and in a mix."""

from figure import Figure

INPUTS = (  # share of the training tokens in percent, named once and in the mix, as page 97 shows them
    ("books", 15.5, 25.9, "x 2"),
    ("notes", 1.3, 4.3, "x 4"),
    ("chats", 23.9, 20.1, ""),
    ("stories.txt", 22.2, 18.6, ""),
    ("web", 37.1, 31.1, ""),
)


def draw():
    """The picture: for each input two bars."""
    picture = Figure(680, 300, "What is named twice weighs twice, and the others weigh less")
    left, scale = 130, 12  # pixels per percent
    for number, (name, once, mixed, times) in enumerate(INPUTS):
        y = 24 + 52 * number
        picture.text(left - 12, y + 24, name, size=14, align="right")
        for share, top, color, words in ((once, 0, "muted", "once"), (mixed, 18, "blue", "in the mix")):
            picture.rect(left, y + top, share * scale, 15, color, 0.75, radius=1)
            label = f"{share}%" + (f"  {times}" if top else "") + (f", {words}" if number == 0 else "")
            picture.text(left + share * scale + 8, y + top + 12, label, color, 13)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
