"""Draw 51-growth.svg: the memory of GPT-2 (124M) in bfloat16 for micro-batches from 1 to 64 (page 51)."""

from figure import Figure

N, L, C, V, T = 124_439_808, 12, 768, 50304, 1024
ROOM = 0.83  # of a GPU
NEEDS = {1: "3.1", 2: "4.1", 4: "6.0", 8: "10.0", 16: "17.9", 32: "33.7", 64: "65.3"}  # what plan.py prints


def main():
    picture = Figure(
        720, 400, "With 32 sequences GPT-2 just does not fit into 40 GB; with 64 it fits into 80 GB"
    )
    at = picture.axes(
        50,
        40,
        530,
        296,
        (0, 7),
        (0, 80),
        "micro-batch",
        "GiB",
        [(n + 0.5, str(2**n)) for n in range(7)],
        (0, 30, 60),
    )
    for n, (size, printed) in enumerate(NEEDS.items()):
        low = 0
        parts = [
            ("fixed", 18 * N, "blue", 0.45),
            ("layers", size * T * 36 * L * C, "orange", 0.25),
            ("logits", size * T * 14 * V, "orange", 0.55),
        ]
        for words, part, color, strength in parts:
            high = low + part / 2**30
            (x, top), (_, bottom) = at(n + 0.13, high), at(n + 0.13, low)
            picture.rect(x, top, 56, bottom - top, color, strength, radius=0)
            if size == 64 and words != "fixed":
                picture.text(x + 28, (top + bottom) / 2 + 5, words, size=14, align="center")
            low = high
        assert f"{low:.1f}" == printed
        picture.text(x + 28, top - (14 if size == 64 else 7), printed, "ink", 15, "center", bold=True)
    for memory in (40, 80):
        x, y = at(7, ROOM * memory)
        picture.line([(50, y), (x, y)], "green", 1.8, "6 4")
        picture.text(x + 8, y - 2, f"{memory} GB GPU:", "green", 14)
        picture.text(x + 8, y + 16, f"room {ROOM * memory:.1f} GiB", "green", 14)
    x, y = at(7, 0)
    picture.text(x + 8, y - 4, "fixed", "blue", 14)
    picture.save(__file__)


if __name__ == "__main__":
    main()
