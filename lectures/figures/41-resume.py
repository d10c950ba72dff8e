"""Draw 41-resume.svg: three ways to end a run, and how many steps the next --resume computes again.

The moments are those of pages 40 and 41: SIGTERM in step 31, SIGKILL after step 50 with a checkpoint every
20 steps, and a torn checkpoint of step 100 beside that of step 80.
"""

from figure import Figure

ROWS = [  # what happened, last step done, checkpoints that are left, step to start from
    ("SIGTERM in step 31", "0 steps again", 31, (20, 31), 31),
    ("SIGKILL after step 50", "10 steps again", 50, (20, 40), 40),
    ("step 100 damaged", "20 steps again", 100, (80, 100), 80),
]
LEFT, RIGHT = 212, 560


def at(step):
    """The place of a step on the axis."""
    return LEFT + (RIGHT - LEFT) * step / 100


def main():
    picture = Figure(
        720, 250, "A signal costs no steps; a kill or a damaged checkpoint costs those since the last one"
    )
    for step in range(0, 101, 20):
        picture.line([(at(step), 40), (at(step), 204)], "line", 0.8)
        picture.text(at(step), 222, f"{step}", "muted", 13, "center")
    picture.text((LEFT + RIGHT) / 2, 242, "step", "muted", 13, "center")
    picture.circle(LEFT + 6, 18, 6, "green")
    picture.text(LEFT + 20, 23, "checkpoint", "green", 14)
    for number, (what, result, last, kept, start) in enumerate(ROWS):
        y = 64 + 56 * number
        picture.text(20, y + 5, what, size=15)
        picture.rect(at(0), y - 9, at(start) - at(0), 18, "blue", 0.3, radius=0)
        if last > start:
            picture.rect(at(start), y - 9, at(last) - at(start), 18, "orange", 0.75, radius=0)
        for step in kept:
            torn = what.endswith("damaged") and step == 100
            if torn:
                for sign in (-1, 1):
                    picture.line([(at(step) - 6, y - 6 * sign), (at(step) + 6, y + 6 * sign)], "ink", 3)
            else:
                picture.circle(at(step), y, 7, "green")
        picture.text(580, y + 5, result, "green" if last == start else "orange", 15, bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
