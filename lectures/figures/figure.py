"""Draw the lecture's pictures: SVG that is readable in light and in dark mode.

A picture is a script beside its SVG, and running the script writes the SVG again:

    from figure import Figure

    picture = Figure(640, 200, "A row of tokens and its targets, shifted by one")
    picture.box(20, 40, 120, 36, "idx", color="blue")
    picture.arrow(140, 58, 200, 58)
    picture.text(210, 62, "targets", color="orange", bold=True)
    picture.save(__file__)

Colors are names: ink, muted, line, blue, orange, green. The pages' background is drawn, so that a picture
that GitHub shows in the other mode stays readable.
"""

import math
from html import escape
from pathlib import Path

COLORS = {  # name: on white, on black
    "paper": ("#ffffff", "#0d1117"),
    "panel": ("#f3f4f6", "#1b222c"),
    "line": ("#c4c9d1", "#444c56"),
    "muted": ("#5a6472", "#9aa5b1"),
    "ink": ("#1c2128", "#e6edf3"),
    "blue": ("#1f6fb2", "#6cb6ff"),
    "orange": ("#b8500f", "#ff9f5a"),
    "green": ("#1a7f56", "#5fd39f"),
}
SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace"
ANCHORS = {"left": "start", "center": "middle", "right": "end"}


def style():
    """The CSS of every picture: f- fills with a color, s- strokes with it."""
    light, dark = (
        "".join(
            f".f-{name}{{fill:{pair[mode]}}}.s-{name}{{stroke:{pair[mode]}}}" for name, pair in COLORS.items()
        )
        for mode in (0, 1)
    )
    fonts = f"text{{font-family:{SANS}}}.mono{{font-family:{MONO}}}"
    return f"{fonts}{light}@media (prefers-color-scheme:dark){{{dark}}}"


def number(value):
    """A coordinate with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


class Figure:
    """A picture of some size in pixels, x to the right and y down. The title is its alternative text."""

    def __init__(self, width, height, title):
        self.width, self.height, self.title = width, height, title
        self.parts = []

    def add(self, tag, text=None, **attributes):
        """Add an SVG element; attribute names with _ are written with -, numbers are rounded."""
        written = []
        for name, value in attributes.items():
            if value is not None:
                value = number(value) if isinstance(value, int | float) else escape(str(value))
                written.append(f' {name.rstrip("_").replace("_", "-")}="{value}"')
        end = "/>" if text is None else f">{escape(text)}</{tag}>"
        self.parts.append(f"<{tag}{''.join(written)}{end}")

    def text(self, x, y, words, color="ink", size=14, align="left", bold=False, mono=False, turn=0):
        """Words whose baseline is at y; turn is in degrees, clockwise."""
        self.add(
            "text",
            words,
            x=x,
            y=y,
            class_=f"f-{color}" + (" mono" if mono else ""),
            font_size=size,
            font_weight="600" if bold else None,
            text_anchor=ANCHORS[align],
            transform=f"rotate({turn} {number(x)} {number(y)})" if turn else None,
        )

    def rect(self, x, y, width, height, color="panel", strength=1.0, border=None, radius=4):
        """A filled rectangle; strength is its opacity, from 0 to 1."""
        self.add(
            "rect",
            x=x,
            y=y,
            width=width,
            height=height,
            rx=radius,
            class_=f"f-{color}" + (f" s-{border}" if border else ""),
            fill_opacity=strength if strength < 1 else None,
        )

    def box(self, x, y, width, height, words="", color="blue", note="", size=14, mono=False, strength=0.16):
        """A tinted box with a label in its middle, and a smaller note below the label."""
        self.rect(x, y, width, height, color, strength, border=color, radius=6)
        middle = y + height / 2 + (size * 0.35 if not note else -2)
        self.text(x + width / 2, middle, words, size=size, align="center", mono=mono)
        if note:
            self.text(x + width / 2, middle + size + 2, note, "muted", size - 2, "center", mono=mono)

    def line(self, points, color="line", width=1.5, dash=None):
        """A line through points, pairs of x and y."""
        path = "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)
        self.add("path", d=path, class_=f"s-{color}", fill="none", stroke_width=width, stroke_dasharray=dash)

    def circle(self, x, y, radius, color="blue", strength=1.0):
        """A filled circle."""
        self.add(
            "circle",
            cx=x,
            cy=y,
            r=radius,
            class_=f"f-{color}",
            fill_opacity=strength if strength < 1 else None,
        )

    def arrow(self, x1, y1, x2, y2, color="muted", width=1.5, dash=None):
        """A straight arrow from the first point to the second."""
        angle = math.atan2(y2 - y1, x2 - x1)
        back = (x2 - 7 * math.cos(angle), y2 - 7 * math.sin(angle))
        self.line([(x1, y1), back], color, width, dash)
        side = (4 * math.sin(angle), -4 * math.cos(angle))
        corners = [(x2, y2), (back[0] + side[0], back[1] + side[1]), (back[0] - side[0], back[1] - side[1])]
        self.add(
            "path",
            d="M" + "L".join(f"{number(x)} {number(y)}" for x, y in corners) + "Z",
            class_=f"f-{color}",
        )

    def axes(
        self, x, y, width, height, xs, ys, xlabel="", ylabel="", xticks=(), yticks=(), xlog=False, ylog=False
    ):
        """Draw axes for data in the ranges xs and ys; returns a function from data to a point of the picture.

        Ticks are values, or pairs of a value and its label. (x, y) is the upper left corner of the plot.
        """

        def share(value, limits, log):
            low, high = map(math.log, limits) if log else limits
            return ((math.log(value) if log else value) - low) / (high - low)

        def place(horizontal, vertical):
            return x + width * share(horizontal, xs, xlog), y + height * (1 - share(vertical, ys, ylog))

        for tick in yticks:
            value, words = tick if isinstance(tick, tuple) else (tick, f"{tick:g}")
            _, at = place(xs[0], value)
            self.line([(x, at), (x + width, at)], "line", 0.7)
            self.text(x - 8, at + 4, words, "muted", 12, "right")
        for tick in xticks:
            value, words = tick if isinstance(tick, tuple) else (tick, f"{tick:g}")
            at, _ = place(value, ys[0])
            self.line([(at, y + height), (at, y + height + 4)], "muted", 1)
            self.text(at, y + height + 18, words, "muted", 12, "center")
        self.line([(x, y), (x, y + height), (x + width, y + height)], "muted", 1.2)
        if xlabel:
            self.text(x + width / 2, y + height + 38, xlabel, "muted", 13, "center")
        if ylabel:
            self.text(x, y - 10, ylabel, "muted", 13)
        return place

    def svg(self):
        """The picture as text."""
        size = f'viewBox="0 0 {self.width} {self.height}" width="{self.width}" height="{self.height}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
        paper = f'<rect width="{self.width}" height="{self.height}" class="f-paper"/>'
        return "\n".join(
            [
                head,
                f"<title>{escape(self.title)}</title>",
                f"<style>{style()}</style>",
                paper,
                *self.parts,
                "</svg>\n",
            ]
        )

    def save(self, script):
        """Write the picture beside its script, with the script's name."""
        Path(script).with_suffix(".svg").write_text(self.svg(), encoding="utf-8", newline="\n")
