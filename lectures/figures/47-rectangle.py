"""Draw 47-rectangle.svg: a step as ranks x micro-steps of micro-batches, with and without a gap.

The batch has 1,024 tokens: 16 rows of 64, in micro-batches of 2 rows.
"""

from figure import Figure

BATCH, CONTEXT, MICRO_BATCH = 1024, 64, 2
CELL, HIGH, GAP, TOP = 56, 46, 8, 76


def panel(picture, left, ranks, title):
    """Hand out the micro-batches of the step, one to each rank, then the next one to each."""
    pieces = BATCH // (CONTEXT * MICRO_BATCH)
    columns = -(-pieces // ranks)
    picture.text(left, 26, title, size=17, bold=True)
    picture.text(left, TOP - 12, "micro-step", "muted", 14)
    for column in range(columns):
        x = left + 84 + column * (CELL + GAP)
        picture.text(x + CELL / 2, TOP - 12, f"{column + 1}", "muted", 14, "center")
        for rank in range(ranks):
            y = TOP + rank * (HIGH + GAP)
            if column * ranks + rank < pieces:
                picture.rect(x, y, CELL, HIGH, "blue", 0.16, border="blue")
                for row in range(MICRO_BATCH):
                    picture.rect(x + 6, y + 8 + row * 18, CELL - 12, 12, "blue", 0.7, radius=2)
            else:
                picture.rect(x, y, CELL, HIGH, "orange", 0.1, border="orange")
                picture.text(x + CELL / 2, y + 31, "?", "orange", 24, "center", bold=True)
    for rank in range(ranks):
        picture.text(left, TOP + rank * (HIGH + GAP) + 28, f"rank {rank}", "ink", 15)
    return pieces / ranks


def main():
    picture = Figure(
        720, 312, "A step is whole only if its micro-batches fill a rectangle of ranks and micro-steps"
    )
    assert panel(picture, 24, 2, "2 ranks: 4 micro-steps each") == 4
    assert 2 < panel(picture, 400, 3, "3 ranks: one has nothing to do") < 3
    picture.line([(108, 196), (164, 196)], "muted", 1)
    picture.text(108, 216, "a micro-batch: 2 rows of 64 tokens", "muted", 14)
    terms = [("batch_tokens", "1,024"), ("=", "="), ("micro_batch", "2"), ("x", "x"), ("context", "64")]
    terms += [("x", "x"), ("ranks", "2"), ("x", "x"), ("micro-steps", "4")]
    x = 24
    for words, value in terms:
        width = 9.7 * len(words)
        picture.text(x + width / 2, 268, words, size=16, align="center", mono=True)
        picture.text(x + width / 2, 294, value, "blue", 16, "center", bold=True, mono=True)
        x += width + 16
    picture.save(__file__)


if __name__ == "__main__":
    main()
