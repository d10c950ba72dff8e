"""Draws 22-matrices.svg: the tensors of GPT-2 (124M) drawn to scale, the matrices apart from the vectors.

The shapes are those of train_gpt2.py: a matrix is (out, in), and the table has 50,304 rows since step 18.
"""

from figure import Figure

SCALE = 32 / 768  # pixels for a number
MATRICES = (  # place, name, shape
    (250, "c_attn", 2304, 768),
    (332, "attn.c_proj", 768, 768),
    (458, "c_fc", 3072, 768),
    (540, "mlp.c_proj", 768, 3072),
)
VECTORS = (("c_attn.bias", 2304), ("attn.c_proj.bias", 768), ("c_fc.bias", 3072), ("mlp.c_proj.bias", 768))


def draw():
    title = "Weight decay acts on the 50 matrices of GPT-2, not on its 98 vectors"
    picture = Figure(720, 420, title)
    picture.text(20, 32, "two dimensions: these 50 tensors decay", "blue", 17, bold=True)
    picture.text(20, 60, "tables", "muted", 14)
    picture.text(250, 60, "in each of the 12 blocks: 4 matrices", "muted", 14)
    picture.rect(20, 76, 32, 128, "blue", 0.3, "blue")
    picture.line([(16, 152), (56, 140)], "paper", 8)  # the table is 16 times as high: it is cut
    picture.text(62, 100, "wte", size=15, mono=True)
    picture.text(62, 119, "50,304 x 768", "muted", 13)
    picture.text(62, 136, "(cut short)", "muted", 13)
    picture.rect(160, 76, 32, 1024 * SCALE, "blue", 0.3, "blue")
    picture.text(160, 140, "wpe", size=15, mono=True)
    for x, name, rows, columns in MATRICES:
        picture.rect(x, 76, columns * SCALE, rows * SCALE, "blue", 0.3, "blue")
        below = 76 + rows * SCALE + 20
        picture.text(x, below, name, size=15, mono=True)

    top = 262
    picture.line([(20, top - 26), (700, top - 26)], "line", 1)
    picture.text(20, top, "one dimension: these 98 do not", "orange", 17, bold=True)
    picture.text(20, top + 28, "final norm: 2", "muted", 14)
    picture.text(
        250, top + 28, "in each of the 12 blocks: 4 biases, and 4 vectors of its 2 norms", "muted", 14
    )
    for at, name in enumerate(("ln_f.weight", "ln_f.bias")):
        y = top + 46 + 24 * at
        picture.rect(20, y, 768 * SCALE, 4, "orange", radius=1)
        picture.text(60, y + 7, name, size=14, mono=True)
    for at, (name, length) in enumerate(VECTORS):
        y = top + 46 + 24 * at
        picture.rect(250, y, length * SCALE, 4, "orange", radius=1)
        picture.text(250 + length * SCALE + 8, y + 7, name, size=14, mono=True)
    for at, name in enumerate(("ln_1.weight", "ln_1.bias", "ln_2.weight", "ln_2.bias")):
        y = top + 46 + 24 * at
        picture.rect(540, y, 768 * SCALE, 4, "orange", radius=1)
        picture.text(580, y + 7, name, size=14, mono=True)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
