"""Draw 39-save.svg: the three stages of a save, and what a kill leaves behind in each."""

from figure import Figure

STAGES = [  # what happens, the folder at this moment, what is left after a kill
    ("1. write the files", "step_000250.partial", "half a .partial,", "which is never opened"),
    ("2. fsync each file", "step_000250.partial", "a whole .partial,", "which is never opened"),
    ("3. rename the folder", "step_000250", "a whole checkpoint", "under its final name"),
]


def main():
    picture = Figure(
        720, 232, "Written under another name and renamed at the end, a checkpoint is whole or absent"
    )
    picture.text(20, 196, "a kill", "muted", 13)
    picture.text(20, 213, "leaves", "muted", 13)
    for number, (action, name, *left) in enumerate(STAGES):
        x = 84 + number * 216
        color = "green" if number == 2 else "orange"
        picture.text(x + 92, 34, action, align="center", bold=True, size=15)
        picture.box(x, 50, 184, 66, name, color, mono=True)
        if number < 2:
            picture.arrow(x + 187, 83, x + 213, 83)
        picture.arrow(x + 92, 120, x + 92, 172, color, dash="4 4")
        for line, words in enumerate(left):
            picture.text(x + 92, 194 + 18 * line, words, color, 14, "center")
    picture.save(__file__)


if __name__ == "__main__":
    main()
