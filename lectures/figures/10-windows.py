"""Draws 10-windows.svg: which windows of a text the steps take, for 8 windows and batches of 3."""

from figure import Figure

COUNT, BATCH, STEPS = 8, 3, 6
LEFT, STEP, TOP, ROW = 88, 52, 98, 42


def main():
    picture = Figure(
        720, 386, "Step s takes the windows (3 s + b) mod 8: the batch follows from the step alone"
    )
    picture.text(LEFT, 30, "the text, cut into 8 windows of T tokens", "ink", 16, bold=True)
    for window in range(COUNT):
        picture.box(
            LEFT + window * STEP, 42, STEP - 4, 36, str(window), "muted", size=17, mono=True, strength=0.1
        )
    picture.text(LEFT + COUNT * STEP + 14, 65, "3 s + b, modulo 8", "ink", 16, bold=True)
    for step in range(STEPS):
        y = TOP + step * ROW
        picture.text(LEFT - 16, y + 23, f"step {step}", "ink", 16, "right")
        for window in range(COUNT):
            picture.rect(LEFT + window * STEP, y, STEP - 4, ROW - 8, "panel")
        numbers = range(step * BATCH, (step + 1) * BATCH)
        for number in numbers:
            epoch, window = divmod(number, COUNT)
            color = ("blue", "orange", "green")[epoch]
            picture.box(LEFT + window * STEP, y, STEP - 4, ROW - 8, str(window), color, size=17, mono=True)
        words = ", ".join(str(number) for number in numbers)
        picture.text(LEFT + COUNT * STEP + 14, y + 23, f"{words} mod 8", "muted", 16, mono=True)
    for epoch, (color, words) in enumerate(
        (("blue", "epoch 1"), ("orange", "epoch 2"), ("green", "epoch 3"))
    ):
        picture.text(LEFT + 40 + epoch * 150, TOP + STEPS * ROW + 24, words, color, 16, bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
