"""Draw 47-before.svg: every process checks alone, writes into one list, and only then the ranks meet."""

from figure import Figure

CHECKS = [
    ("flags", ""),
    ("checkpoint", "same recipe"),
    ("data", "are there"),
    ("weights", "of --init"),
    ("sizes", "and ranks"),
]


def main():
    picture = Figure(720, 252, "All checks write into one list before the ranks meet")
    picture.rect(16, 16, 488, 220, "panel")
    picture.text(32, 42, "each process alone, the same on every rank", "muted", 15)
    for number, (words, note) in enumerate(CHECKS):
        x = 32 + number * 92
        picture.box(x, 58, 86, 50, words, "blue", note, size=14)
        picture.arrow(x + 43, 110, x + 43, 152)
    picture.box(32, 154, 454, 40, "problems: a list of lines", "orange", size=15)
    picture.text(259, 220, "not empty: print all of them, exit code 2", "orange", 15, "center")
    picture.arrow(488, 174, 576, 174)
    picture.text(531, 162, "empty", "green", 15, "center")
    picture.box(578, 150, 130, 48, "the ranks meet", "green", size=15)
    picture.save(__file__)


if __name__ == "__main__":
    main()
