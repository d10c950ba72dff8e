"""Draws 23-passes.svg: what AdamW reads and writes, one operation after the other and in one fused kernel.

The operations are those of PyTorch's plain loop (torch.optim.adamw, torch 2.13).
"""

from figure import Figure

TENSORS = ("w", "g", "m", "v", "d")
LOOP = (
    ("w ← w (1 - lr λ)", "w", "w"),
    ("m ← m + (1 - β1)(g - m)", "mg", "m"),
    ("v ← β2 v", "v", "v"),
    ("v ← v + (1 - β2) g²", "vg", "v"),
    ("d ← √v", "v", "d"),
    ("d ← d / correction", "d", "d"),
    ("d ← d + ε", "d", "d"),
    ("w ← w - lr m / d", "wmd", "w"),
)
FUSED = ("all eight, in registers", "wgmv", "wmv")


def row(picture, y, operation, reads, writes, bold=False):
    """One operation: a circle for each tensor that it reads, a square for each that it writes."""
    picture.text(30, y + 5, operation, size=15, mono=not bold, bold=bold)
    for at, name in enumerate(TENSORS):
        x = 330 + 76 * at
        picture.line([(x - 26, y + 15), (x + 26, y + 15)], "line", 0.7)
        if name in reads:
            picture.circle(x - 11, y, 8, "blue")
        if name in writes:
            picture.rect(x + 4, y - 8, 16, 16, "orange", radius=2)


def draw():
    passes = sum(len(reads) + len(writes) for _, reads, writes in LOOP)
    fused = len(FUSED[1]) + len(FUSED[2])
    assert (passes, fused) == (20, 7)
    picture = Figure(720, 470, "Operation by operation, AdamW passes over memory 20 times; fused, 7 times")
    for at, name in enumerate(("weights", "gradient", "mean", "square", "root")):
        picture.text(330 + 76 * at, 34, TENSORS[at], size=16, align="center", bold=True, mono=True)
        picture.text(330 + 76 * at, 54, name, "muted", 13, "center")
    picture.circle(38, 30, 8, "blue")
    picture.text(54, 35, "reads all 124M numbers", "blue", 15)
    picture.rect(30, 46, 16, 16, "orange", radius=2)
    picture.text(54, 59, "writes all of them", "orange", 15)
    for at, (operation, reads, writes) in enumerate(LOOP):
        row(picture, 92 + 34 * at, operation, reads, writes)
    picture.text(30, 378, f"plain loop: {passes} passes", size=17, bold=True)
    picture.line([(20, 396), (700, 396)], "muted", 1)
    row(picture, 422, *FUSED, bold=False)
    picture.text(30, 458, f"fused kernel: {fused} passes", size=17, bold=True)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
