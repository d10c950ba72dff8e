"""Step 57: lines of train_gpt2.py and of the file with the settings, from step 53 to step 57.

The lines are counted in the files of each step; config.py is flags.py at steps 53 and 54.
"""

from figure import Figure

LINES = {53: (648, 70), 54: (639, 61), 55: (605, 98), 56: (550, 170), 57: (498, 235)}
WHAT = {
    53: "",
    54: "endings to errors.py",
    55: "presets, GPTConfig",
    56: "Config, its limits",
    57: "checks of combinations",
}
LEFT, SCALE = 70, 0.62


def main():
    picture = Figure(740, 300, "train_gpt2.py loses 150 lines from step 53 to step 57; the settings gain 165")
    picture.text(LEFT, 30, "train_gpt2.py", "blue", 14, mono=True, bold=True)
    picture.text(LEFT + 718 * SCALE, 30, "config.py (flags.py)", "orange", 14, "right", mono=True, bold=True)
    picture.text(720, 30, "what moved", "muted", 14, "right", bold=True)
    for row, (step, (program, settings)) in enumerate(LINES.items()):
        y = 44 + 50 * row
        middle = LEFT + program * SCALE
        picture.text(20, y + 24, f"{step}", "ink", 16, bold=True)
        picture.rect(LEFT, y, program * SCALE, 38, "blue", 0.3, "blue", 2)
        picture.rect(middle, y, settings * SCALE, 38, "orange", 0.5, "orange", 2)
        picture.text(LEFT + 12, y + 24, f"{program} lines", "ink", 14)
        picture.text(middle + settings * SCALE / 2, y + 24, f"{settings}", "ink", 14, "center")
        picture.text(720, y + 24, WHAT[step], "muted", 13, "right")
    picture.save(__file__)


if __name__ == "__main__":
    main()
