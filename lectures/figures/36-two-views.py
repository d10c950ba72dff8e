"""Draw 36-two-views.svg: the module and its compiled replica hold the same weights; who calls which."""

from figure import Figure


def main():
    picture = Figure(
        640, 330, "Training calls the compiled replica, samples and validation the module; one set of weights"
    )
    picture.box(20, 24, 180, 56, "training", "orange", "one shape, every step", 15)
    picture.box(230, 24, 180, 56, "validation", "green", "some shapes, rarely", 15)
    picture.box(440, 24, 180, 56, "samples", "green", "every length, rarely", 15)
    picture.box(20, 136, 180, 56, "replica", "orange", "compiled, in DDP", 15)
    picture.box(230, 136, 390, 56, "model", "green", "the plain module", 15)
    picture.box(20, 250, 600, 56, "one set of weights", "blue", "changed by the optimizer, seen by both", 15)
    for x, color in [(110, "orange"), (320, "green"), (530, "green")]:
        picture.arrow(x, 82, x, 132, color, 2)
    picture.text(122, 112, "calls", "muted", 13)
    picture.text(332, 112, "calls", "muted", 13)
    picture.text(542, 112, "calls", "muted", 13)
    picture.arrow(110, 194, 110, 246, "orange", 2)
    picture.arrow(425, 194, 425, 246, "green", 2)
    picture.text(122, 225, "no copy", "muted", 13)
    picture.save(__file__)


if __name__ == "__main__":
    main()
