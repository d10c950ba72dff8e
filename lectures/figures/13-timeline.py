"""Draw 13-timeline.svg: a GPU finishes after the host, so a clock without synchronize stops too early."""

from figure import Figure

WIDTH, LEFT, RIGHT = 720, 96, 690
START, HOST, DEVICE = 110, 92, 168  # x of the first clock reading; y of the two rows
LAUNCH, WORK = 54, 150  # width of a launch on the host, and of its work on the device
NAMES = ("forward", "backward", "optimizer")


def draw():
    """The picture: the host's row above the device's, and the two places to read the clock."""
    picture = Figure(
        WIDTH,
        262,
        "The host queues a step's work in a moment and the device finishes much later: read the clock after "
        "synchronize, not after the last launch",
    )
    picture.text(16, HOST + 23, "CPU", bold=True, size=15)
    picture.text(16, HOST + 40, "(host)", "muted", 13)
    picture.text(16, DEVICE + 23, "GPU", bold=True, size=15)
    picture.text(16, DEVICE + 40, "(device)", "muted", 13)
    for number, name in enumerate(NAMES):
        x, work = START + number * LAUNCH, START + 24 + number * WORK
        picture.box(x, HOST, LAUNCH - 3, 36, "launch", "blue", size=13)
        picture.box(work, DEVICE, WORK - 3, 40, name, "blue", size=15)
        if number == 0:
            picture.arrow(x + LAUNCH / 2, HOST + 38, work + 16, DEVICE - 3)
    early, right = START + len(NAMES) * LAUNCH, START + 24 + len(NAMES) * WORK
    picture.rect(early + 3, HOST, right - early - 6, 36, "panel")
    picture.text((early + right) / 2 + 8, HOST + 23, "synchronize(): wait", "muted", 14, "center")
    for x, color in ((START - 3, "muted"), (early, "orange"), (right, "green")):
        picture.line([(x, 62), (x, DEVICE + 52)], color, 2, "5 4" if color == "orange" else None)
    picture.text(START - 6, 48, "start", "muted", 14, "center")
    picture.text(early, 30, "clock read here:", "orange", 14, "center", bold=True)
    picture.text(early, 48, "time to launch", "orange", 14, "center")
    picture.text(right, 30, "clock read here:", "green", 14, "center", bold=True)
    picture.text(right, 48, "time of the step", "green", 14, "center")
    picture.arrow(START, 246, RIGHT, 246)
    picture.text(LEFT - 4, 250, "time", "muted", 13, "right")
    return picture


if __name__ == "__main__":
    draw().save(__file__)
