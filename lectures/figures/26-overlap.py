"""Draws 26-overlap.svg: the backward pass and the all-reduce of its gradients, by hand and with DDP.

The buckets are those that DDP makes for this model (answers/26.md, exercise 2): 9 MiB, eleven times 27 MiB,
and 166 MiB with the tied table. How fast the network is beside the backward pass is assumed, not measured.
"""

from figure import Figure

BUCKETS = (9, *[27] * 11, 166)  # MiB, in the order in which they are ready
LEFT, SIDE, BLOCKS = 110, 25, 12  # pixels: the lanes' beginning, and the backward pass of a block
WIDE = 0.6  # pixels for a MiB on the network: an assumption


def backward(picture, y, title):
    """A panel's title, the names of its lanes, and the backward pass of the 12 blocks."""
    picture.text(20, y, title, size=17, bold=True)
    picture.text(20, y + 46, "compute", "muted", 15)
    picture.text(20, y + 92, "network", "muted", 15)
    for at in range(BLOCKS):
        x = LEFT + at * SIDE
        picture.box(x, y + 24, SIDE - 3, 34, f"{BLOCKS - 1 - at}", "blue", size=14, strength=0.25)


def draw():
    title = (
        "DDP sends the gradients of one block while it computes those of the next; the tied table comes last"
    )
    picture = Figure(720, 370, title)
    end = LEFT + SIDE * BLOCKS
    backward(picture, 34, "by hand: compute, then average")
    picture.rect(end, 104, sum(BUCKETS) * WIDE, 34, "orange", 0.35, "orange")
    picture.text(end + sum(BUCKETS) * WIDE / 2, 126, "all gradients", size=15, align="center")

    backward(picture, 204, "DDP: average while computing")
    free = LEFT  # when the network has sent the bucket before
    for at, size in enumerate(BUCKETS):
        ready = LEFT + SIDE * min(at + 0.3, BLOCKS)  # a bucket ends with a matrix of the next block
        last = at == len(BUCKETS) - 1
        start = end if last else max(free, ready)
        free = start + size * WIDE
        color = "orange" if last else "green"
        picture.rect(start, 274, free - start - (0 if last else 1), 34, color, 0.35, color, 3)
    picture.text(end + BUCKETS[-1] * WIDE / 2, 296, "tied table", size=15, align="center")
    picture.text(LEFT, 338, "hidden behind the arithmetic", "green", 15)
    picture.text(end + 8, 338, "not hidden: ready last", "orange", 15)
    picture.line([(end, 50), (end, 100)], "muted", 1.2, "5 5")
    picture.line([(end, 220), (end, 270)], "muted", 1.2, "5 5")
    picture.text(end + 8, 80, "end of the backward pass", "muted", 15)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
