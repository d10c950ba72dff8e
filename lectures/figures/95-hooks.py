"""Draw 95-hooks.svg: where in the loop a hook is called, and what it gets."""

from figure import Figure


def main():
    picture = Figure(720, 232, "A hook is called after each step, when the weights are new and logged")
    x = 24
    for words, note, width, color in (
        ("take_step", "gradient, update", 170, "blue"),
        ("run.report", "log, screen", 140, "blue"),
        ("your hooks", "step, loss, model", 170, "orange"),
        ("save, evaluate", "where they are due", 150, "muted"),
    ):
        picture.box(x, 44, width, 60, words, color, note, 15)
        if x > 24:
            picture.arrow(x - 14, 74, x - 1, 74)
        if color == "orange":
            middle = x + width / 2
        x += width + 14
    end = x - 14
    picture.line([(end - 75, 106), (end - 75, 136), (109, 136)], "muted")
    picture.arrow(109, 136, 109, 107)
    picture.text(middle, 30, "on each rank", "orange", 13, "center")
    picture.text((end - 75 + 109) / 2, 156, "the next step", "muted", 13, "center")
    picture.text(
        24, 194, "If a hook returns True, all ranks learn of it in the next take_step and", "ink", 14
    )
    picture.text(24, 214, "finish that step. Then the run saves, and ends.", "ink", 14)
    picture.save(__file__)


if __name__ == "__main__":
    main()
