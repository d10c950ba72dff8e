"""Draw 96-records.svg: the steps after a warm-up are recorded, as a trace and a table."""

from figure import Figure

CALLS = [  # name, begin, end; and what it calls
    ("linear", 36, 182, ("addmm", 52, 166)),
    ("gelu", 190, 246, None),
    ("linear", 254, 364, ("addmm", 270, 348)),
]


def own_times():
    """The own time of each operator, summed over its calls."""
    times = {}
    for name, begin, end, inner in CALLS:
        called = inner[2] - inner[1] if inner else 0
        times[name] = times.get(name, 0) + end - begin - called
        if inner:
            times[inner[0]] = times.get(inner[0], 0) + called
    return sorted(times.items(), key=lambda row: -row[1])


def main():
    picture = Figure(720, 312, "After a warm-up each call is recorded: a trace, and a table")
    for number in range(1, 6):
        color = "blue" if number > 3 else "muted"
        picture.box(24 + 136 * (number - 1), 20, 128, 38, f"step {number}", color, size=16)
    for x, words, color in (
        (156, "no records", "muted"),
        (360, "discarded", "muted"),
        (564, "a record per call", "blue"),
    ):
        picture.text(x, 82, words, color, 16, "center", bold=color == "blue")
    picture.arrow(500, 92, 200, 132, "blue", 2)
    picture.arrow(564, 92, 564, 132, "blue", 2)

    picture.text(200, 156, "trace: every call on a time line", size=16, align="center", bold=True)
    picture.text(564, 156, "table: own time, summed", size=16, align="center", bold=True)
    for name, begin, end, inner in CALLS:
        picture.box(begin, 176, end - begin, 34, name, "muted" if inner else "green", size=15)
        if inner:
            picture.box(inner[1], 214, inner[2] - inner[1], 34, inner[0], "orange", size=15)
    picture.arrow(36, 270, 364, 270)
    picture.text(200, 294, "time", "muted", 15, "center")
    for row, (name, time) in enumerate(own_times()):
        y, color = 176 + 38 * row, {"addmm": "orange", "gelu": "green", "linear": "muted"}[name]
        picture.text(494, y + 22, name, size=15, align="right")
        picture.rect(504, y + 4, time * 0.95, 26, color, 0.75)
    picture.save(__file__)


if __name__ == "__main__":
    main()
