"""Draw 41-agree.svg: the flag travels with the loss, so all ranks read the same number and stop together."""

from figure import Figure


def main():
    picture = Figure(
        720, 250, "One rank gets the signal; all ranks read the same mean and leave after the same step"
    )
    picture.text(206, 28, "loss, stop flag", "muted", 14, "center")
    picture.text(516, 28, "mean loss, mean flag", "muted", 14, "center")
    for rank, (loss, stop, y) in enumerate((("2.66", "0", 66), ("2.65", "1", 166))):
        color = "orange" if rank else "blue"
        picture.box(20, y - 24, 90, 48, f"rank {rank}", color)
        picture.text(206, y + 6, f"( {loss}, {stop} )", color, 17, "center", bold=True)
        picture.arrow(112, y, 148, y)
        picture.arrow(262, y, 318, 116 + (y - 116) * 0.35)
        picture.arrow(402, 116 + (y - 116) * 0.35, 446, y)
        picture.text(516, y + 6, "( 2.655, 0.5 )", "green", 17, "center", bold=True)
        picture.arrow(582, y, 618, y)
        picture.box(620, y - 24, 80, 48, "stop", "green")
    picture.box(320, 84, 80, 64, "mean", "ink", "of all ranks", strength=0.06)
    picture.text(20, 222, "only this rank got SIGTERM", "orange", 14)
    picture.text(700, 222, "above 0 on every rank", "green", 14, "right")
    picture.save(__file__)


if __name__ == "__main__":
    main()
