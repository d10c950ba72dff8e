"""Draw 85-combinations.svg: what the three changes do alone, all together, and without one of them.

The numbers are the differences in lectures/LOG.md, of runs in reference/ablations.jsonl.
"""

from figure import Figure

ROWS = [  # laptop model, model with GPT-2's vocabulary
    ("higher rate", 0.086, 0.100),
    ("linear", 0.006, 0.014),
    ("Muon", -0.028, -0.236),
    ("all three", -0.216, -0.499),
    ("all but the rate", -0.007, -0.206),
    ("all but linear", -0.218, -0.521),
    ("all but Muon", 0.112, 0.069),
]


def main():
    picture = Figure(
        720, 346, "The higher rate hurts without Muon, Muon gains little without it, and both gain much"
    )
    for column, (title, scale) in enumerate([("laptop model, bytes", 480), ("GPT-2's vocabulary", 208)]):
        zero = (330, 640)[column]
        picture.text(zero - 52, 22, title, "ink", 15, "center", bold=True)
        picture.line([(zero, 36), (zero, 318)], "line", 1)
        for number, row in enumerate(ROWS):
            y = 42 + 39 * number + 8 * (number > 2)
            difference = row[1 + column]
            width = abs(difference) * scale
            color = "green" if difference < -0.01 else "orange" if difference > 0.01 else "muted"
            picture.rect(zero - width if difference < 0 else zero, y, max(width, 2), 26, color, 0.7, radius=2)
            end = zero - width - 6 if difference < 0 else zero - 6
            picture.text(end, y + 18, f"{difference:+.2f}".replace("-", "−"), "ink", 13, "right")
            if column == 0:
                picture.text(148, y + 18, row[0], "ink", 14, "right")
    picture.text(
        360,
        338,
        "difference of the loss from gpt2's recipe at that size, three seeds each",
        "muted",
        13,
        "center",
    )
    picture.save(__file__)


if __name__ == "__main__":
    main()
