"""Draws 04-checkpoint.svg: the tensors in OpenAI's checkpoint and where from_pretrained puts them.

Names and shapes are those of the page's table; a block stands for all blocks.
"""

from figure import Figure

ROWS = [  # name in the file, shape there, what happens, name and shape in the model
    ("wte.weight", "(50257, 768)", "copy", "wte.weight"),
    ("", "", "copy", "lm_head.weight"),
    ("wpe.weight", "(1024, 768)", "copy", "wpe.weight"),
    ("h.0.attn.c_attn.weight", "(768, 2304)", "transpose", "(2304, 768)"),
    ("h.0.attn.c_proj.weight", "(768, 768)", "transpose", "(768, 768)"),
    ("h.0.mlp.c_fc.weight", "(768, 3072)", "transpose", "(3072, 768)"),
    ("h.0.mlp.c_proj.weight", "(3072, 768)", "transpose", "(768, 3072)"),
    ("norms and all biases", "", "copy", "same name and shape"),
    ("h.0.attn.bias", "(1, 1, 1024, 1024)", "drop", ""),
]
COLORS = {"copy": "blue", "transpose": "orange", "drop": "muted"}
TOP, ROW, WIDE, FAR = 60, 44, 330, 520


def draw():
    picture = Figure(
        740, 470, "A block's matrices are transposed, wte is used twice, the causal mask is dropped"
    )
    picture.text(20, 36, "in the file", size=16, bold=True)
    picture.text(FAR, 36, "in our model", size=16, bold=True)
    for number, (name, shape, action, target) in enumerate(ROWS):
        y, color = TOP + number * ROW, COLORS[action]
        middle = y + 18
        if name:
            picture.rect(20, y, WIDE, 36, color, 0.14, border=color)
            picture.text(30, middle + 5, name, size=14, mono=name[0] in "wh")
            picture.text(20 + WIDE - 10, middle + 5, shape, "muted", 14, "right", mono=True)
        if action == "drop":
            picture.text(
                20 + WIDE + 14, middle + 5, "dropped: it is the causal mask, not a bias", "muted", 15
            )
            continue
        picture.rect(FAR, y, 200, 36, color, 0.14, border=color)
        picture.text(FAR + 10, middle + 5, target, size=14, mono=target[0] in "wl(")
        start = (20 + WIDE + 6, middle if name else middle - ROW + 6)
        picture.arrow(*start, FAR - 6, middle, color, 2)
        if action == "transpose":
            picture.rect(20 + WIDE + 42, y + 5, 88, 26, "paper")
            picture.text(20 + WIDE + 86, middle + 5, "transpose", "orange", 15, "center", bold=True)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
