"""Draw 94-bias.svg: the biases of a block of GPT-2 (124M), and which of them another bias can replace."""

from figure import Figure

C = 768
PARTS = [  # name, numbers, what can replace it
    ("ln_1", C, "c_attn's bias"),
    ("query", C, ""),
    ("key", C, "no output depends on it"),
    ("value", C, "c_proj's bias"),
    ("c_proj", C, ""),
    ("ln_2", C, "c_fc's bias"),
    ("mlp.c_fc", 4 * C, ""),
    ("c_proj", C, ""),
]


def main():
    total = sum(count for _, count, _ in PARTS)
    spare = sum(count for _, count, other in PARTS if other)
    picture = Figure(
        720, 280, f"{spare:,} of the {total:,} biases of a block can be zero without changing an output"
    )
    picture.text(30, 34, f"{total:,} biases of a block", "ink", 15, bold=True)
    picture.text(690, 34, f"{spare:,} of them are not needed", "orange", 15, "right", bold=True)
    x, level = 30.0, 0
    for name, count, other in PARTS:
        width = 660 * count / total
        picture.rect(x + 1, 56, width - 2, 54, "orange" if other else "blue", 0.3 if other else 0.16)
        picture.text(x + width / 2, 88, name, "ink", 13, "center", mono=True)
        if other:
            at, y = x + width / 2, (234, 206, 178, 150)[level]
            level += 1
            picture.line([(at, 112), (at, y - 14)], "orange", 1.2)
            words = other if name == "key" else f"{other} does the same"
            picture.text(at, y, words, "orange", 13, "left")
        x += width
    picture.text(30, 264, "in the order in which the residual stream passes them; to scale", "muted", 12)
    picture.save(__file__)


if __name__ == "__main__":
    main()
