"""Draw 15-autocast.svg: the precision of the numbers between GPT-2's modules under autocast.

The precisions are those that hooks on every module print (on a CPU).
"""

from figure import Figure

BRANCH, STREAM, HIGH = 64, 206, 48  # y of the branch's boxes, y of the residual stream, height of a box


def box(picture, left, top, width, *words):
    """A box with one or two lines of code in it, which covers what lies below."""
    picture.rect(left, top, width, HIGH, "panel", border="muted", radius=6)
    for number, line in enumerate(words):
        y = top + HIGH / 2 + 5 + (number - (len(words) - 1) / 2) * 18
        picture.text(left + width / 2, y, line, size=14, align="center", mono=True)


def draw():
    """The picture: a block's branch above the residual stream, the output head on the right."""
    picture = Figure(
        760,
        300,
        "Under autocast the matrix products exchange bfloat16, while the residual stream, the norms, the "
        "weights and the loss stay float32",
    )
    picture.text(16, 30, "blue: float32", "blue", 16, bold=True)
    picture.text(140, 30, "orange: bfloat16", "orange", 16, bold=True)
    middle = BRANCH + HIGH / 2
    picture.arrow(110, STREAM, 556, STREAM, "blue", 4)
    picture.arrow(140, STREAM, 140, BRANCH + HIGH + 2, "blue", 3)
    for start, end, color in ((176, 208, "blue"), (286, 318, "orange"), (416, 448, "orange")):
        picture.arrow(start, middle, end - 2, middle, color, 3)
    picture.line([(526, middle), (536, middle)], "orange", 3)
    picture.arrow(536, middle - 1.5, 536, STREAM - 14, "orange", 3)
    picture.circle(536, STREAM, 13, "paper")
    picture.circle(536, STREAM, 13, "blue", 0.3)
    picture.text(536, STREAM + 6, "+", size=18, align="center", bold=True)
    picture.arrow(618, STREAM, 646, STREAM, "blue", 3)
    picture.arrow(694, STREAM - HIGH / 2, 694, BRANCH + HIGH + 2, "orange", 3)
    picture.text(684, (BRANCH + HIGH + STREAM - HIGH / 2) / 2 + 6, "logits", "muted", 14, "right")
    box(picture, 106, BRANCH, 70, "ln_1", "ln_2")
    box(picture, 208, BRANCH, 78, "c_attn", "c_fc")
    box(picture, 318, BRANCH, 98, "attention", "GELU")
    box(picture, 448, BRANCH, 78, "c_proj")
    box(picture, 16, STREAM - HIGH / 2, 94, "wte", "+ wpe")
    box(picture, 558, STREAM - HIGH / 2, 60, "ln_f")
    box(picture, 648, STREAM - HIGH / 2, 92, "lm_head")
    box(picture, 640, BRANCH, 108, ".float()", "loss")
    picture.text(300, STREAM + 26, "residual stream", "blue", 14, "center")
    picture.text(16, 276, "Weights are stored as float32 and converted for each product.", "muted", 15)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
