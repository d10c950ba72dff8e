"""Draw 35-same-tokens.svg: the tokens of a validation on 1 and 8 GPUs, fixed per GPU or in all.

20 batches of 64 x 1,024 on each of 8 GPUs, or of 16 x 1,024 on one, are the video's; the cuts are a sketch.
"""

from figure import Figure

LEFT, WIDTH, HEIGHT, CUTS = 82, 520, 34, 16


def main():
    picture = Figure(
        640, 330, "A fixed number of batches per GPU: other tokens on 1 and 8 GPUs. Fixed in all: the same"
    )
    picture.text(14, 28, "20 batches on each GPU: the tokens depend on the hardware", bold=True, size=15)
    few, many = 20 * 16 * 1024, 20 * 64 * 1024 * 8
    for y, name, tokens in [(44, "1 GPU", few), (86, "8 GPUs", many)]:
        picture.text(14, y + 22, name, size=14)
        picture.rect(LEFT, y, WIDTH, HEIGHT, "panel", border="line", radius=0)
        picture.rect(LEFT, y, WIDTH * tokens / many, HEIGHT, "orange", 0.85, radius=0)
    picture.text(
        LEFT + WIDTH * few / many + 10, 66, f"{few / 1e6:.2f} million tokens", "orange", 14, bold=True
    )
    picture.text(LEFT + WIDTH / 2, 140, f"{many / 1e6:.1f} million tokens", "orange", 14, "center", bold=True)
    picture.text(14, 186, "--val_tokens in all: the same tokens, cut into micro-batches", bold=True, size=15)
    for y, name, ranks in [(202, "1 GPU", 1), (258, "8 GPUs", 8)]:
        picture.text(14, y + 22, name, size=14)
        cell = WIDTH / CUTS
        for cut in range(CUTS):
            rank = cut % ranks
            color = "blue" if rank == 0 else "green"
            picture.rect(
                LEFT + cut * cell, y, cell, HEIGHT, color, 0.3 if rank == 0 else 0.12, border=color, radius=0
            )
            picture.text(LEFT + (cut + 0.5) * cell, y + 22, f"{rank}", size=14, align="center")
    picture.line([(LEFT + WIDTH, 196), (LEFT + WIDTH, 300)], "blue", 2.5)
    picture.text(LEFT + WIDTH, 318, "both end here", "blue", 14, "right", bold=True)
    picture.text(LEFT, 318, "in a cell: the rank that reads it", "muted", 13)
    picture.save(__file__)


if __name__ == "__main__":
    main()
