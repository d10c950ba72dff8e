"""Draws 25-ring.svg: a ring all-reduce on four ranks; the counts come from passing the parts on."""

from figure import Figure

RANKS = 4
SIDE, GAP = 38, 4  # of a cell


def states():
    """For each stage a table [rank][part]: how many ranks' numbers the part holds there."""
    held = [[1] * RANKS for _ in range(RANKS)]
    yield [row[:] for row in held]
    for turn in range(RANKS - 1):  # collect
        mail = [((rank - turn) % RANKS, held[rank][(rank - turn) % RANKS]) for rank in range(RANKS)]
        for rank, (part, count) in enumerate(mail):
            held[(rank + 1) % RANKS][part] += count
    yield [row[:] for row in held]
    for turn in range(RANKS - 1):  # spread
        mail = [((rank + 1 - turn) % RANKS, held[rank][(rank + 1 - turn) % RANKS]) for rank in range(RANKS)]
        for rank, (part, count) in enumerate(mail):
            held[(rank + 1) % RANKS][part] = count
    assert all(count == RANKS for row in held for count in row)
    yield held


def draw():
    title = (
        "A ring all-reduce: each rank passes a quarter to its neighbour three times, then three times more"
    )
    picture = Figure(720, 330, title)
    left, top = 92, 84
    width = RANKS * (SIDE + GAP)
    for rank in range(RANKS):
        y = top + rank * (SIDE + GAP + 8)
        picture.text(20, y + 25, f"rank {rank}", size=15, bold=True)
        if rank < RANKS - 1:
            picture.arrow(44, y + 32, 44, y + SIDE + GAP + 16, "muted", 1.5)
    last = top + (RANKS - 1) * (SIDE + GAP + 8) + 20
    picture.line([(18, last), (8, last), (8, top + 20)], "muted", 1.5)
    picture.arrow(8, top + 20, 18, top + 20, "muted", 1.5)
    titles = (("start", "each has its own"), ("3 turns: collect", "one part is complete"))
    titles += (("3 more: spread", "all parts everywhere"),)
    for stage, held in enumerate(states()):
        x = left + stage * (width + 50)
        picture.text(x, 36, titles[stage][0], size=16, bold=True)
        picture.text(x, 60, titles[stage][1], "muted", 14)
        for rank, row in enumerate(held):
            for part, count in enumerate(row):
                at = (x + part * (SIDE + GAP), top + rank * (SIDE + GAP + 8))
                done = count == RANKS
                picture.rect(*at, SIDE, SIDE, "green" if done else "blue", 0.12 + 0.1 * count, None)
                picture.text(at[0] + SIDE / 2, at[1] + 25, f"{count}", size=16, align="center", bold=done)
        if stage:
            y = top + 1.5 * (SIDE + GAP + 8) + 16
            picture.arrow(x - 42, y, x - 12, y, "muted", 2)
    picture.text(left, 308, "a number: how many ranks have been added into this quarter", "muted", 15)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
