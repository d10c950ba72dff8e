"""Draw 84-shares.svg: four ranks orthogonalize three of twelve matrices each, and gather all."""

from figure import Figure


def row(picture, x, y, filled, size=18):
    """Twelve small squares; those in `filled` are done."""
    for number in range(12):
        done = number in filled
        color = ("blue", "orange", "green", "ink")[number // 3] if done else "line"
        picture.rect(x + number * (size + 3), y, size, size, color, 0.75 if done else 0.35, radius=3)


def main():
    picture = Figure(760, 300, "Four ranks each take three of twelve matrices, and all receive all twelve")
    picture.text(90, 36, "every rank has all twelve", "muted", 14)
    picture.text(90, 54, "and works on three", "muted", 14)
    picture.text(500, 45, "all-gather: all updates on all ranks", "muted", 14)
    for rank in range(4):
        y = 76 + 54 * rank
        picture.text(20, y + 15, f"rank {rank}", "ink", 15)
        row(picture, 90, y, range(3 * rank, 3 * rank + 3))
        picture.arrow(354, y + 9, 384, 157 + 6 * (rank - 1.5))
        picture.arrow(456, 157 + 6 * (rank - 1.5), 488, y + 9)
        row(picture, 500, y, range(12))
    picture.box(386, 120, 70, 74, "gather", "line", size=14, strength=0.5)
    picture.save(__file__)


if __name__ == "__main__":
    main()
