"""Draw 38-padding.svg: padding in batches of 8 examples, as they come and sorted by length.

The lengths are those of the first 40 examples of the page's rows.jsonl, in bytes: four rows for each example.
"""

from figure import Figure

LENGTHS = """
156 150 164 139 | 158 157 140 139 | 140 139 134 142 | 122 135 120 147 | 119 123 141 143
163 143 130 152 | 157 151 141 140 | 132 111 112 121 | 149 139 139 153 | 138 153 160 137
138 152 150 153 | 132 156 151 163 | 130 128 123 141 | 128 147 141 154 | 148 162 149 146
138 142 148 155 | 173 164 149 167 | 129 140 138 128 | 134 133 118 117 | 146 159 149 141
136 147 154 144 | 134 150 146 150 | 141 155 161 139 | 132 130 120 128 | 165 132 138 146
143 125 134 124 | 115 118 139 140 | 148 142 143 127 | 154 159 152 151 | 174 157 157 159
132 138 135 165 | 116 133 137 136 | 140 124 142 146 | 119 126 125 137 | 173 161 167 156
160 162 156 150 | 140 134 144 149 | 129 147 144 141 | 138 135 125 146 | 166 160 150 167
"""
TOP, ROW, GAP, SCALE = 76, 1.7, 8, 1.68


def draw(picture, left, title, examples):
    """Draw the batches of some examples as rectangles; returns the number of cells that are padding."""
    picture.text(left, 28, title, bold=True, size=15)
    wasted, y = 0, TOP
    for first in range(0, len(examples), 8):
        rows = [length for example in examples[first : first + 8] for length in example]
        widest, height = max(rows), ROW * len(rows)
        picture.rect(left, y, SCALE * widest, height, "orange", 0.85, radius=0)
        corners = [(left, y)]
        for number, length in enumerate(rows):
            corners += [(left + SCALE * length, y + ROW * (number + step)) for step in (0, 1)]
        corners.append((left, y + height))
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners) + "Z"
        picture.add("path", d=path, class_="f-paper")
        picture.add("path", d=path, class_="f-blue", fill_opacity=0.55)
        wasted += sum(widest - length for length in rows)
        y += height + GAP
    picture.text(left, 54, f"{wasted:,} padded cells", "orange", 15, bold=True)
    return wasted


def main():
    examples = [
        [int(length) for length in row.split()]
        for row in LENGTHS.replace("\n", "|").split("|")
        if row.strip()
    ]
    picture = Figure(640, 420, "Five batches of 8 examples: sorting them by length halves the padding")
    before = draw(picture, 16, "As they come", examples)
    after = draw(picture, 332, "Longest first", sorted(examples, key=lambda rows: -max(rows)))
    assert (before, after) == (4255, 2207)
    picture.text(16, 408, "blue: tokens", "blue", 14, bold=True)
    picture.text(130, 408, "orange: padding", "orange", 14, bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
