"""Draws 06-device.svg: how --device auto becomes one torch.device, and what is put on it."""

from figure import Figure


def draw():
    picture = Figure(
        720, 232, "The device is chosen once; model, ids and generator are created or moved there"
    )
    picture.box(20, 84, 130, 62, "--device auto", "blue", size=16)
    picture.box(206, 84, 170, 62, "an accelerator?", "blue", "PyTorch looks", size=16)
    picture.arrow(154, 115, 202, 115, width=2)
    for y, words, label in ((20, "cuda, mps, ...", "yes"), (148, "cpu", "no")):
        picture.box(446, y, 130, 62, words, "orange", size=16)
        picture.arrow(380, 108 if y < 85 else 122, 442, y + 31, width=2)
        picture.text(398, 74 if y < 85 else 168, label, "muted", 16, "center")
    for y, words in ((98, "model"), (132, "ids"), (166, "generator")):
        picture.text(626, y + 6, words, "green", 16, bold=True)
    for y, words in ((46, "created or"), (64, "moved here:")):
        picture.text(626, y, words, "muted", 15)
    picture.line([(586, 51), (598, 51), (598, 179), (586, 179)], "green", 2)
    picture.arrow(620, 132, 601, 132, "green", 2)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
