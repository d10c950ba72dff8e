"""Draw 70-ahead.svg: host and device in two micro-batches and the step after them, before and after."""

from figure import Figure

WIDTH, HEIGHT = 720, 396
LEFT = 84
QUEUE, WORK, READ = 26, 150, 40  # widths: the host queues work, the device does it, the host reads a batch


def row(picture, top, ahead):
    """Two micro-batches, the wait, and the next step's first one."""
    picture.text(12, top + 22, "host", "muted", 14)
    picture.text(12, top + 62, "GPU", "muted", 14)
    x, busy = LEFT, LEFT
    for number in range(3):
        if not (ahead and number):
            picture.rect(x, top + 4, READ, 28, "orange", 0.85, radius=1)
            x += READ
        picture.rect(x, top + 4, QUEUE, 28, "blue", 0.85, radius=1)
        x += QUEUE
        start = max(busy, x)
        if start > busy + 2 and number == 2:
            picture.rect(busy, top + 44, start - busy, 28, "line", radius=1)
            picture.text((busy + start) / 2, top + 92, "waits", "ink", 14, "center")
        picture.rect(start, top + 44, WORK, 28, "blue", 0.16, border="blue", radius=1)
        name = ("micro-batch 0", "micro-batch 1", "next step")[number]
        picture.text(start + WORK / 2, top + 63, name, size=14, align="center")
        busy = start + WORK
        if ahead and number < 2:
            picture.rect(x, top + 4, READ, 28, "orange", 0.85, radius=1)
            x += READ
        if number == 1:  # the end of a step: the host waits for the GPU
            picture.line([(x, top + 18), (busy, top + 18)], "muted", 1.5, "4 4")
            picture.text((x + busy) / 2, top + 12, "synchronize()", "muted", 13, "center", mono=True)
            picture.line([(busy, top - 4), (busy, top + 76)], "muted", 1.5, "5 4")
            x = busy
    return busy


def draw():
    """The picture: the same work of the host, between two steps and during the step before."""
    title = "Before, the GPU waits while the host reads a batch; after, it was read during the step before"
    picture = Figure(WIDTH, HEIGHT, title)
    picture.text(12, 30, "Step 69: read, then compute", size=16, bold=True)
    row(picture, 52, ahead=False)
    picture.text(12, 198, "Step 70: compute, and read meanwhile", size=16, bold=True)
    row(picture, 220, ahead=True)
    y = HEIGHT - 22
    for x, words, color, strength in (
        (LEFT, "read a batch", "orange", 0.85),
        (220, "queue its work", "blue", 0.85),
        (370, "the GPU computes (not to scale)", "blue", 0.16),
    ):
        picture.rect(x, y - 13, 16, 16, color, strength, radius=1)
        picture.text(x + 24, y, words, size=14)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
