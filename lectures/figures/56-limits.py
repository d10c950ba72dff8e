"""Step 56: two settings on their number lines: what was accepted before, and where the limits are now.

The endings are those of `python train_gpt2.py --steps ...` and `--lr ...` at steps 55 and 56. Not to scale.
"""

from figure import Figure

LOW, HIGH = 210, 570  # where the limits are on the line
ROWS = [  # y, flag, minimum, default, maximum, value beyond, its ending before
    (
        70,
        "--steps",
        "0",
        ("19,073", 400),
        "1,000,000,000",
        "9,223,372,036,854,775,808",
        "traceback, after the start",
    ),
    (226, "--lr", "0", ("6e-4", 330), "1000", "inf", "NaN in step 2"),
]


def main():
    picture = Figure(
        760, 346, "Every number has a minimum and a maximum; before, only the minimum was checked"
    )
    for y, flag, low, (default, place), high, beyond, ending in ROWS:
        picture.text(20, y - 30, flag, "ink", 16, mono=True, bold=True)
        picture.line([(20, y), (740, y)], "muted", 1.5)
        picture.line([(LOW, y), (HIGH, y)], "green", 7)
        for x, words, name in ((LOW, low, "minimum"), (HIGH, high, "maximum")):
            picture.line([(x, y - 10), (x, y + 10)], "green", 3)
            picture.text(x, y - 18, words, "green", 13, "center", bold=True)
            picture.text(x, y + 28, name, "green", 13, "center")
        picture.circle(place, y, 5, "ink")
        picture.text(place, y + 28, f"default {default}", "ink", 13, "center")
        picture.circle(110, y, 5, "orange")
        picture.text(110, y - 18, "-1", "orange", 13, "center", bold=True)
        picture.circle(680, y, 5, "orange")
        if beyond == "inf":
            picture.text(680, y - 18, beyond, "orange", 13, "center", bold=True)
        else:
            picture.text(740, y - 40, beyond, "orange", 13, "right", bold=True)
        picture.text(20, y + 62, "before", "muted", 13)
        picture.text(20, y + 86, "now", "muted", 13)
        picture.text(110, y + 62, "refused", "ink", 13, "center")
        picture.text(110, y + 86, "refused", "ink", 13, "center")
        picture.text((LOW + HIGH) / 2, y + 62, "accepted", "ink", 13, "center")
        picture.text((LOW + HIGH) / 2, y + 86, "accepted", "ink", 13, "center")
        picture.text(740, y + 62, ending, "orange", 13, "right", bold=True)
        picture.text(740, y + 86, "refused", "ink", 13, "right")
    picture.save(__file__)


if __name__ == "__main__":
    main()
