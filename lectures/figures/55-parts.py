"""Step 55: what train_gpt2.py and flags.py hold at step 54, in lines, and what moves to config.py.

The lines are counted in the files of both steps, each section with its title and its blank lines.
"""

from figure import Figure

LEFT, SCALE, HEIGHT = 140, 0.82, 38  # where the bars begin, pixels per line of code, pixels
TOP, DATA = ("", 33, "line"), ("", 32, "line")
MODEL, PROGRAM = ("model", 140, "blue"), ("training", 319, "blue")
SETTINGS = ("settings", 81, "green")
BARS = [  # y, file, its parts: name, lines, color
    (66, "train_gpt2.py", [TOP, ("", 13, "orange"), MODEL, ("", 21, "orange"), SETTINGS, DATA, PROGRAM]),
    (120, "flags.py", [("", 61, "line")]),
    (196, "train_gpt2.py", [TOP, MODEL, SETTINGS, DATA, PROGRAM]),
    (250, "config.py", [("", 98 - 37, "line"), ("", 37, "orange")]),
]


def main():
    picture = Figure(
        760,
        312,
        "GPTConfig and the presets leave train_gpt2.py; flags.py, which they join, becomes config.py",
    )
    picture.text(20, 40, "step 54", "muted", 14, bold=True)
    picture.text(20, 184, "step 55", "muted", 14, bold=True)
    for y, file, parts in BARS:
        picture.text(20, y + 24, file, "ink", 13, mono=True)
        x = LEFT
        for name, lines, color in parts:
            picture.rect(x, y, lines * SCALE, HEIGHT, color, 0.3 if color != "orange" else 0.9, color, 2)
            picture.text(x + lines * SCALE / 2, y + 24, name, "ink", 14, "center")
            x += lines * SCALE
        picture.text(x + 8, y + 24, f"{sum(lines for _, lines, _ in parts)} lines", "ink", 14, bold=True)
    model, presets = LEFT + 39.5 * SCALE, LEFT + 196.5 * SCALE
    picture.text(model, 56, "GPTConfig", "orange", 14, "center", mono=True)
    picture.text(presets, 56, "PRESETS", "orange", 14, "center", mono=True)
    picture.text(LEFT + 110 * SCALE + 68, 274, "orange: moved", "orange", 14)
    picture.save(__file__)


if __name__ == "__main__":
    main()
