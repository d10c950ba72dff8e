"""Draw 75-context-once.svg: four rows that repeat a context, and one context with four endings."""

from figure import Figure

ENDINGS = (90, 120, 60, 105)


def main():
    picture = Figure(700, 262, "Four endings need the context once: its keys and values are kept")
    picture.text(20, 34, "four whole rows", size=15, bold=True)
    picture.text(390, 34, "the context once", size=15, bold=True)
    for number, width in enumerate(ENDINGS):
        y = 52 + number * 44
        picture.box(20, y, 170, 34, "context", "orange")
        picture.box(194, y, width, 34, f"ending {number + 1}", "blue", size=13)
        picture.arrow(544, 135, 562, y + 17)
        picture.box(566, y, width, 34, f"ending {number + 1}", "blue", size=13)
    picture.box(390, 100, 150, 70, "context", "orange", "keys and values")
    picture.text(20, 248, "computed: 4 contexts + 4 endings", "muted", 14)
    picture.text(390, 248, "computed: 1 context + 4 endings", "muted", 14)
    picture.save(__file__)


if __name__ == "__main__":
    main()
