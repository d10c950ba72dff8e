"""Draw 40-state.svg: what a step reads from the checkpoint, and what it computes from the step number."""

from figure import Figure


def main():
    title = "The checkpoint holds weights, moments, step number and settings; a step computes everything else"
    picture = Figure(720, 340, title)
    picture.text(20, 30, "read from the checkpoint", "blue", 15, bold=True)
    picture.text(298, 30, "computed from s", "green", 15, bold=True)

    picture.box(20, 48, 190, 46, "weights θ", "blue")
    picture.box(20, 108, 190, 46, "AdamW's m and v", "blue")
    picture.box(20, 196, 190, 46, "step number s, settings", "blue")
    picture.box(20, 280, 190, 48, "data folder", "orange", "compared, not copied")

    for y, words in ((186, "learning rate"), (266, "rows of the batch")):
        picture.box(298, y, 160, 46, words, "green")
        picture.arrow(212, 219, 296, y + 23)
        picture.arrow(460, y + 23, 556, y + 23)
    picture.arrow(212, 306, 296, 297)

    picture.box(558, 48, 142, 264, color="ink", strength=0.06)
    picture.text(629, 174, "optimizer", align="center", bold=True, size=16)
    picture.text(629, 198, "step s + 1", align="center", bold=True, size=16)
    picture.arrow(212, 71, 556, 71)
    picture.arrow(212, 131, 556, 131)
    picture.save(__file__)


if __name__ == "__main__":
    main()
