"""Step 54: six programs with five endings of their own, and the one frame that they share since then.

The endings on the left are the last lines of each program at step 53; those on the right are run_program's.
"""

from figure import Figure

BEFORE = [  # program, how it ended at step 53
    (("train_gpt2.py",), "UserError; one rank; any terminal"),
    (("plan.py",), "UserError; one rank"),
    (("curve.py", "hellaswag.py"), "UserError; every rank"),
    (("fineweb.py",), "UserError; OSError; Ctrl-C"),
    (("bench.py",), "nothing: each error is a traceback"),
]
AFTER = [  # what happens in main(), what the user sees, the exit code
    ("main() returns", "no message", "0", "green"),
    ("UserError", "a line per problem", "2", "orange"),
    ("OSError, memory used up", "one line", "2", "orange"),
    ("Ctrl-C", "“interrupted”", "130", "orange"),
    ("anything else: a bug", "the traceback", "1", "blue"),
]


def main():
    picture = Figure(
        740,
        380,
        "Six programs had five ways to end; now all run under run_program, which has one rule for each case",
    )
    picture.text(20, 30, "step 53", "muted", 14, bold=True)
    picture.text(420, 30, "step 54: what happens in main()", "muted", 14, bold=True)
    picture.text(720, 30, "exit code", "muted", 14, "right", bold=True)
    for row, (names, ending) in enumerate(BEFORE):
        y = 46 + 64 * row
        picture.box(20, y, 236, 50, " · ".join(names), "line", note=ending)
        picture.arrow(258, y + 25, 298, 205 + (y + 25 - 205) * 0.45, "muted")
    picture.rect(300, 46, 86, 306, "green", 0.16, border="green", radius=6)
    picture.text(343, 205, "run_program(main)", "ink", 15, "center", bold=True, mono=True, turn=-90)
    for row, (case, shown, code, color) in enumerate(AFTER):
        y = 46 + 64 * row
        picture.arrow(388, y + 25, 418, y + 25, color)
        picture.box(420, y, 246, 50, case, color, note=shown)
        picture.text(720, y + 32, code, color, 20, "right", bold=True, mono=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
