"""Draw 73-positions.svg: which positions are computed for eight new tokens, without and with a cache."""

from figure import Figure

PROMPT, NEW, SIDE = 4, 8, 20


def grid(picture, left, color, title, computed):
    """Draw a row for each new token and a square for each position; the filled ones are computed."""
    picture.text(left, 36, title, size=15, bold=True)
    count = 0
    for row in range(NEW):
        for position in range(PROMPT + row):
            fresh = computed(row, position)
            count += fresh
            place = left + position * SIDE, 76 + row * SIDE, SIDE - 3, SIDE - 3
            picture.rect(*place, color if fresh else "panel", 0.75 if fresh else 1, "line", 2)
    picture.text(left, 62, "position →", "muted", 13)
    picture.text(left, 76 + NEW * SIDE + 24, f"{count} positions are computed", color, 15, bold=True)


def main():
    picture = Figure(
        640, 280, "Without a cache each new token computes a whole row again; with it, one position"
    )
    grid(picture, 90, "orange", "without a cache", lambda row, position: True)
    grid(picture, 390, "blue", "with a cache", lambda row, position: row == 0 or position == PROMPT + row - 1)
    for row in range(NEW):
        picture.text(76, 90 + row * SIDE, f"{row + 1}", "muted", 13, "right")
    picture.text(20, 62, "token", "muted", 13)
    picture.save(__file__)


if __name__ == "__main__":
    main()
