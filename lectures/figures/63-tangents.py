"""Draw 63-tangents.svg: what the compiled backward pass starts from, with the bytes for GPT-2 in bfloat16."""

from figure import Figure

WIDTH, HEIGHT = 720, 330
ROWS, CONTEXT, TRUE = 64, 1024, 50257
ZEROS = ROWS * CONTEXT * TRUE * 2 / 1e9  # GB in bfloat16


def panel(picture, left, words, outputs):
    """A compiled model: what it returns, and below it the gradients from which the backward pass starts."""
    picture.text(left, 30, words, size=16, bold=True)
    picture.box(left, 48, 320, 44, "forward pass", "blue", size=16)
    picture.box(left, 252, 320, 44, "backward pass", "blue", size=16)
    for x, width, name, gradient, note, color in outputs:
        middle = left + x + width / 2
        picture.arrow(middle, 92, middle, 112, "muted")
        picture.text(middle, 128, name, size=15, align="center", mono=True)
        if gradient:
            picture.box(left + x, 160, width, 64, gradient, color, note=note, size=15)
            picture.arrow(middle, 224, middle, 249, color, 2)
        else:
            picture.text(middle, 190, "no gradient", "muted", 15, "center")


def draw():
    """The picture: before on the left, after on the right."""
    picture = Figure(
        WIDTH,
        HEIGHT,
        f"Before, the backward pass starts from {ZEROS:.1f} GB of zeros for the logits and from the loss; "
        "after, from one number",
    )
    zeros = (0, 210, "logits", "zeros (64, 1024, 50257)", f"{ZEROS:.1f} GB", "orange")
    one = (230, 90, "loss", "1", "4 bytes", "green")
    panel(picture, 20, "step 62", (zeros, one))
    panel(picture, 380, "step 63", ((0, 210, "logits", "", "", "muted"), one))
    picture.text(20, 320, "64 rows of 1,024 tokens, logits in bfloat16", "muted", 14)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
