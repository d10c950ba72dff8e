"""Draw 65-property.svg: what Hypothesis does with a property, and the ends that a case may have."""

from figure import Figure

ENDS = [
    ("a result", "compare it with the oracle", "green"),
    ("one line, code 2", "it says what to do", "green"),
    ("traceback, hang, wrong result", "a fault", "orange"),
]


def main():
    picture = Figure(
        720,
        284,
        "Hypothesis draws a case, the program runs, and every end but a right result or one line is shrunk "
        "and kept",
    )
    picture.box(16, 40, 170, 60, "strategy", "blue", "almost right inputs", 15)
    picture.box(236, 40, 150, 60, "program", "blue", "as its user calls it", 15)
    picture.arrow(188, 70, 234, 70)
    picture.text(211, 30, "a case", "muted", 14, "center")
    for number, (name, note, color) in enumerate(ENDS):
        y = 20 + number * 86
        picture.box(450, y, 254, 60, name, color, note, 15)
        picture.arrow(388, 70, 448, y + 30)
    picture.box(16, 200, 170, 60, "pinned case", "orange", "in every make test", 15)
    picture.box(236, 200, 150, 60, "shrink", "orange", "the simplest case", 15)
    picture.arrow(448, 224, 388, 230)
    picture.arrow(234, 230, 188, 230)
    picture.arrow(101, 198, 101, 102)
    picture.save(__file__)


if __name__ == "__main__":
    main()
