"""Draw 48-halving.svg: GPT-2's memory for 64, 32 and 16 rows beside a GPU of 40 GB.

Page 48: 16 bytes for each of 124,475,904 weights, and about 1.2 GB for a row of 1,024 tokens.
"""

from figure import Figure

FIXED, ROW, GPU = 16 * 124_475_904 / 1e9, 1.2, 40  # GB
LEFT, SCALE = 96, 7.4  # pixels, pixels for a GB


def main():
    picture = Figure(720, 268, "The number of rows is halved until the memory suffices: 64, 32, 16")
    limit = LEFT + GPU * SCALE
    for number, (rows, verdict) in enumerate([(64, "too much"), (32, "just too much"), (16, "fits")]):
        need, y = FIXED + ROW * rows, 56 + 62 * number
        fits = need <= GPU
        assert fits == (verdict == "fits")
        color = "green" if fits else "orange"
        picture.text(16, y + 25, f"{rows} rows", size=16, bold=True)
        picture.rect(LEFT, y, FIXED * SCALE, 36, "ink", 0.45, radius=0)
        picture.rect(LEFT + FIXED * SCALE, y, ROW * rows * SCALE, 36, color, 0.3, border=color, radius=0)
        if number < 2:
            picture.arrow(40, y + 34, 40, y + 66)
            picture.text(50, y + 55, "half", "muted", 13)
        words = f"{need:.1f} GB: {verdict}"
        x = LEFT + need * SCALE + 12 if need < 60 else LEFT + need * SCALE - 12
        picture.text(x, y + 24, words, color, 16, "left" if need < 60 else "right", bold=True)
    picture.line([(limit, 34), (limit, 232)], "ink", 2, "6 4")
    picture.text(limit, 24, "a GPU of 40 GB", "ink", 15, "center", bold=True)
    picture.text(LEFT, 252, "gray: weights, gradient and AdamW, 2 GB; then 1.2 GB per row", "muted", 15)
    picture.save(__file__)


if __name__ == "__main__":
    main()
