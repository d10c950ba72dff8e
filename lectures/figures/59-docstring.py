"""Draw 59-docstring.svg: the first line of get_batch's docstring at step 59, part by part."""

from figure import Figure

PARTS = [  # words of the docstring, the question that they answer, color
    ("Return", "what does it do? (a verb)", "orange"),
    ("a rank's micro-batch of a step", "what do I get?", "blue"),
    ("(all from 0):", "how are the arguments counted?", "green"),
    ("idx and targets,", "in which order?", "blue"),
    ("int64 (micro_batch, context).", "of which type and shape?", "blue"),
]


def main():
    picture = Figure(720, 306, "One line of a docstring answers five questions of a caller")
    picture.text(20, 32, "def get_batch(tokens, config, step, micro, rank, world):", mono=True, size=15)
    for number, (words, question, color) in enumerate(PARTS):
        y = 52 + number * 50
        picture.rect(36, y, 322, 38, color, 0.16, color, 6)
        picture.text(50, y + 25, words, mono=True, size=15)
        picture.arrow(440, y + 19, 362, y + 19)
        picture.text(450, y + 24, question, size=15)
    picture.save(__file__)


if __name__ == "__main__":
    main()
