"""Draw 98-sharded.svg: what four ranks keep, whole and sharded."""

from figure import Figure


def main():
    picture = Figure(760, 300, "With --shard each rank keeps a quarter of the optimizer's state")
    for column, (title, share) in enumerate((("AdamW on every rank", 1.0), ("--shard", 0.25))):
        left = 20 + 380 * column
        picture.text(left, 30, title, "ink", 16, bold=True)
        for rank in range(4):
            x = left + 85 * rank
            picture.text(x, 56, f"rank {rank}", "muted", 14)
            picture.rect(x, 68, 70, 44, "blue", 0.6)
            picture.rect(x, 114, 70, 44, "green", 0.6)
            for part in range(4):
                kept = share == 1 or part == rank
                color = "orange" if kept else "line"
                picture.rect(x, 160 + 22 * part, 70, 20, color, 0.7 if kept else 0.35)
        picture.text(left, 272, "weights, gradients, moments (twice as many numbers)", "muted", 13)
    picture.text(24, 94, "weights", "ink", 13)
    picture.text(24, 140, "gradient", "ink", 13)
    picture.text(24, 196, "moments", "ink", 13)
    picture.save(__file__)


if __name__ == "__main__":
    main()
