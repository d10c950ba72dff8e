"""Draw readme-terminal.svg: a recorded run of `make train`, played again as a terminal.

readme-terminal.txt holds what `python train_gpt2.py` printed on one of 2 shared cores of an AMD EPYC, with
torch 2.13 and OMP_NUM_THREADS=1, and `time` after it: 2:54 on the clock, 2:19 of processor time. No line is
changed; "..." stands for those that are left out.

A line appears when its time has come: lines of the log at the pace of their steps, all in 16 seconds. CSS
plays it, so that it moves in an <img>; where less motion is preferred, the end stands still.
"""

from html import escape
from pathlib import Path

from figure import COLORS, MONO

COLUMNS, ROWS, SIZE, LEADING = 90, 19, 13, 19  # of the terminal; pixels of a line
SECONDS, HOLD, STEPS = 16, 6, 2000  # of the run, of its end, of training
SHOWN = (1, 50, 100, 150, 200, 250, 500, 750, 1000, 1250, 1500, 1750, 1950, 2000)
ADVANCE = 7.82  # of a character of this size; textLength makes every font keep to it


def read_lines():
    """Return (line, step) for each line to show: None as long as nothing is trained."""
    lines, step, kept = (
        Path(__file__).with_suffix(".txt").read_text("utf-8").split("\n"),
        None,
        [("$ make train", None)],
    )
    for number, line in enumerate(lines[: lines.index("real\t2m54.266s")]):
        if line.startswith("step "):
            step = int(line.split()[1])
        sample = (
            line.startswith("> ")
            and not lines[number - 1].startswith((" ", ">"))
            and step in (500, 1000, 1500, 2000)
        )
        wanted = step is None or sample or line.startswith(("the checkpoint", "runs/laptop/curve"))
        if line and (wanted or line.startswith("step ") and step in SHOWN):
            kept.append((line, step))
        elif kept[-1][0] != "..." and line.startswith("step "):
            kept.append(("...", step))
    return kept


def color(line):
    """Return the class of a line: what is typed, said by the model, measured on unseen text, or printed."""
    if line.startswith("$"):
        return "typed"
    if line.startswith(">"):
        return "said"
    return "unseen" if "  validation loss" in line else "plain"


def draw():
    """Return the SVG as text."""
    lines, total = read_lines(), SECONDS + HOLD
    times, now = [], 0.0
    for number, (_, step) in enumerate(lines):
        now = max(now + 0.12, 0.8 + 0.12 * number if step is None else 2 + (SECONDS - 2.5) * step / STEPS)
        times.append(now)
    width, height = 40 + round(COLUMNS * ADVANCE), 58 + ROWS * LEADING
    css, body = [], []
    for number, ((line, _), start) in enumerate(zip(lines, times, strict=True)):
        text = line[:COLUMNS]
        at = f'x="20" y="{number * LEADING}" textLength="{len(text) * ADVANCE:.1f}"'
        body.append(f'<text class="{color(line)} l{number}" {at} xml:space="preserve">{escape(text)}</text>')
        share = 100 * start / total
        css.append(
            f"@keyframes k{number}{{0%,{share:.2f}%{{opacity:0}}{share + 0.01:.2f}%,100%{{opacity:1}}}}"
        )
        css.append(f".l{number}{{animation:k{number} {total}s infinite}}")
    last = max(0, len(lines) - ROWS)
    frames = ["0%{transform:none}"]
    for number in range(ROWS, len(lines)):
        share, up = 100 * times[number] / total, (number + 1 - ROWS) * LEADING
        frames += [
            f"{share:.2f}%{{transform:translateY({LEADING - up}px)}}",
            f"{share + 0.01:.2f}%{{transform:translateY({-up}px)}}",
        ]
    end = f"transform:translateY({-last * LEADING}px)"
    css.append(f"@keyframes up{{{''.join(frames)}100%{{{end}}}}}.page{{animation:up {total}s infinite}}")
    still = f"text{{animation:none!important}}.page{{animation:none;{end}}}"
    css.append(f"@media (prefers-reduced-motion:reduce){{{still}}}")
    names = dict(typed="ink", said="orange", unseen="blue", plain="muted")
    for mode, start in ((0, ""), (1, "@media (prefers-color-scheme:dark){")):
        rules = "".join(f".{name}{{fill:{COLORS[shade][mode]}}}" for name, shade in names.items())
        panel, line = COLORS["panel"][mode], COLORS["line"][mode]
        rules += f".paper{{fill:{panel};stroke:{line}}}.dot{{fill:{line}}}"
        css.append(start + rules + "}" * mode)
    title = (
        "make train, a recorded run: the loss falls from 5.30 to 1.14, and samples begin to look like Python"
    )
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    screen = f'<rect x="0" y="34" width="{width}" height="{ROWS * LEADING + 8}"/>'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"<title>{title}</title>",
            f"<style>text{{font:{SIZE}px {MONO};white-space:pre}}.typed,.unseen{{font-weight:600}}",
            *css,
            "</style>",
            f'<rect class="paper" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>',
            *(f'<circle class="dot" cx="{20 + 16 * number}" cy="17" r="5"/>' for number in range(3)),
            f'<clipPath id="screen">{screen}</clipPath>',
            '<g clip-path="url(#screen)"><g transform="translate(0 50)"><g class="page">',
            *body,
            "</g></g></g>",
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    Path(__file__).with_suffix(".svg").write_text(draw(), encoding="utf-8", newline="\n")
