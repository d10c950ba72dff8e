"""Draw 51-parts.svg: what GPT-2 (124M) keeps in memory to train on one sequence, in bfloat16 (page 51)."""

from figure import Figure

N, L, C, V, T = 124_439_808, 12, 768, 50304, 1024
PARTS = [  # words, bytes, color, strength
    ("weights", 4 * N, "blue", 0.5),
    ("gradient", 4 * N, "blue", 0.35),
    ("AdamW's two averages", 8 * N, "blue", 0.2),
    ("copy", 2 * N, "blue", 0.35),
    ("layers", T * 36 * L * C, "orange", 0.25),
    ("logits", T * 14 * V, "orange", 0.5),
]


def main():
    picture = Figure(
        720, 236, "Most of the fixed memory is AdamW's; most of what grows with the micro-batch is logits"
    )
    gib = [size / 2**30 for _, size, _, _ in PARTS]
    scale, x = 688 / sum(gib), 16
    for (words, _, color, strength), size in zip(PARTS, gib, strict=True):
        picture.rect(x, 78, size * scale, 64, color, strength, border=color, radius=0)
        picture.text(x + size * scale / 2, 106, words, size=14, align="center")
        picture.text(x + size * scale / 2, 128, f"{size:.2f}", "muted", 14, "center")
        x += size * scale
    fixed = 16 + sum(gib[:4]) * scale
    for left, right, color, first, second in [
        (16, fixed - 3, "blue", f"there in any case: {sum(gib[:4]):.2f} GiB", "18 bytes per parameter"),
        (fixed + 3, 704, "orange", f"per sequence: {sum(gib[4:]):.2f} GiB", "1,036,032 bytes per token"),
    ]:
        picture.line([(left, 70), (left, 62), (right, 62), (right, 70)], color, 1.5)
        picture.text((left + right) / 2, 48, first, color, 16, "center", bold=True)
        picture.text((left + right) / 2, 168, second, color, 15, "center")
    assert 36 * L * C + 14 * V == 1_036_032
    picture.text(16, 214, "memory  =  the blue part  +  micro-batch x the orange part", size=17, bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
