"""Draw 60-main.svg: the four parts of main, what each needs, and where the program can end."""

from figure import Figure

PARTS = [
    ("read", "parse_config, prepare", "files on this disk", "blue"),
    ("refuse", "end of prepare", "numbers in memory", "orange"),
    ("build", "Machine, make_model", "a device, all ranks", "blue"),
    ("train", "train", "hours", "blue"),
]
EXITS = {0: ("--sample:", "print, exit code 0"), 1: ("problems:", "all lines, exit code 2")}


def main():
    picture = Figure(720, 270, "main is four parts in one direction, and everything cheap comes first")
    for number, (name, functions, needs, color) in enumerate(PARTS):
        x = 16 + number * 178
        picture.box(x, 28, 154, 64, color=color)
        picture.text(x + 77, 56, f"{number + 1}  {name}", size=18, align="center", bold=True)
        picture.text(x + 77, 80, functions, "muted", 13, "center")
        picture.text(x + 77, 124, "needs", "muted", 13, "center")
        picture.text(x + 77, 144, needs, size=14, align="center")
        if number < 3:
            picture.arrow(x + 155, 60, x + 177, 60)
        if number in EXITS:
            picture.arrow(x + 77, 156, x + 77, 192, color)
            first, second = EXITS[number]
            picture.text(x + 77, 212, first, color, 14, "center")
            picture.text(x + 77, 232, second, color, 14, "center")
    picture.line([(360, 112), (360, 246)], "line", 1.5, "5 4")
    picture.text(376, 196, "from here on, every rank", "muted", 14)
    picture.text(376, 216, "waits for the others, and", "muted", 14)
    picture.text(376, 236, "an error costs their time", "muted", 14)
    picture.save(__file__)


if __name__ == "__main__":
    main()
