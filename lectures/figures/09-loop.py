"""Draws 09-loop.svg: the four calls of one training step, and what each of them changes."""

from figure import Figure


def main():
    picture = Figure(720, 236, "One training step: loss, gradient, update, clear; then the same batch again")
    steps = (
        ("model(idx, targets)", "computes the loss", "blue"),
        ("loss.backward()", "adds to .grad", "orange"),
        ("optimizer.step()", "moves the weights", "green"),
        ("optimizer.zero_grad()", "clears .grad", "muted"),
    )
    for number, (call, note, color) in enumerate(steps):
        x, y = (
            (40, 40)
            if number == 0
            else (400, 40)
            if number == 1
            else (400, 144)
            if number == 2
            else (40, 144)
        )
        picture.box(x, y, 280, 62, call, color, note, size=18, mono=False)
    picture.arrow(322, 71, 396, 71, "ink", 2)
    picture.arrow(540, 104, 540, 141, "ink", 2)
    picture.arrow(398, 175, 324, 175, "ink", 2)
    picture.arrow(180, 142, 180, 105, "ink", 2)
    picture.text(360, 128, "the same batch, again and again", "muted", 16, "center")
    picture.save(__file__)


if __name__ == "__main__":
    main()
