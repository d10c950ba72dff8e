"""Draw 46-problems.svg: three checks, each of which adds its line to one list."""

from figure import Figure

CHECKS = [  # the words, the check that finds the problem, the line that it adds
    ("--warmup 3", "Is there such a flag?", "--warmup is unknown (is it --warmup_steps?)"),
    ("--steps ten", "Can it be read?", "--steps ten is not a whole number"),
    ("--lr -1", "Is it in range?", "--lr must be at least 0, not -1.0"),
]


def main():
    picture = Figure(
        720, 344, "Every check writes into one list, so one command with three mistakes gets three lines"
    )
    picture.text(20, 50, "python train_gpt2.py", "muted", 15, mono=True)
    for number, (words, check, line) in enumerate(CHECKS):
        middle = 288 + 160 * number
        picture.box(middle - 70, 26, 140, 38, words, "orange", size=15, mono=True)
        picture.arrow(middle, 66, middle, 96)
        picture.box(middle - 76, 98, 152, 40, check, "blue", size=14)
        picture.arrow(middle, 140, middle, 188)
        picture.text(40, 226 + 28 * number, "error:", "orange", 16, mono=True)
        picture.text(112, 226 + 28 * number, line, "ink", 16, mono=True)
    picture.text(20, 123, "the checks", "blue", 15, bold=True)
    picture.text(20, 178, "the list", "green", 15, bold=True)
    picture.rect(20, 190, 680, 108, "green", 0.07, border="green", radius=6)
    picture.text(20, 328, "The program looks at the list once, prints it, and exits with code 2.", size=15)
    picture.save(__file__)


if __name__ == "__main__":
    main()
