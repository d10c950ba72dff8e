"""Draw 71-inside.svg: what is compiled around DDP, and inside DDP; the counts are those of page 71."""

from figure import Figure

WIDTH, HEIGHT = 720, 330


def graphs(picture, x, y, width):
    """The model's three graphs, one for each of DDP's buckets."""
    part = (width - 16) / 3
    for number in range(3):
        picture.box(x + number * (part + 8), y, part, 54, f"bucket {3 - number}", "blue", size=14)


def draw():
    """The picture: two columns, with the compiled part of each tinted."""
    title = "Compiled around DDP: 55 functions and 3 graph breaks; compiled inside: 5 functions, no break"
    picture = Figure(WIDTH, HEIGHT, title)
    for x, name in ((16, "torch.compile(DDP(model))"), (376, "DDP(torch.compile(model))")):
        picture.text(x, 28, name, size=16, bold=True, mono=True)
    picture.rect(16, 46, 328, 188, "orange", 0.14, border="orange", radius=6)
    picture.text(28, 70, "DDP's Python, compiled in pieces", "orange", 14)
    for number, words in enumerate(("break", "break", "break")):
        picture.line([(92 + 84 * number, 84), (92 + 84 * number, 130)], "orange", 2, "5 4")
        picture.text(98 + 84 * number, 112, words, size=13)
    graphs(picture, 28, 160, 304)
    picture.text(28, 152, "the model", "blue", 14)
    picture.rect(376, 46, 328, 188, "panel", border="line", radius=6)
    picture.text(388, 70, "DDP's Python, not compiled", "muted", 14)
    graphs(picture, 388, 160, 304)
    picture.text(388, 152, "the model, compiled", "blue", 14)
    for x, words in ((16, "55 compiled functions"), (376, "5 compiled functions")):
        picture.text(x, 264, words, size=15, bold=True)
    picture.text(16, 288, "3 graph breaks", size=15)
    picture.text(376, 288, "no graph break", size=15)
    picture.text(
        16, 316, "Both: a graph for each bucket, so averaging overlaps with the backward pass", size=14
    )
    return picture


if __name__ == "__main__":
    draw().save(__file__)
