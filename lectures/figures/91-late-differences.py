"""Draw 91-late-differences.svg: two curves on the whole range of losses, and without the first tenth.

The lower curve is reference/laptop.jsonl; the upper one is it plus 0.1.
"""

import json
from pathlib import Path

from figure import Figure

LOG = Path(__file__).resolve().parents[2] / "reference" / "laptop.jsonl"


def main():
    events = [json.loads(line) for line in LOG.read_text(encoding="utf-8").splitlines()]
    first = next(event for event in events if event["event"] == "step")
    curve = [(1, first["loss"])]
    curve += [(event["step"], event["loss"]) for event in events if event["event"] == "validation"]
    picture = Figure(720, 330, "A difference of 0.1 is visible once the first tenth of the run is cut off")
    begin = next(loss for step, loss in curve if step >= 200)
    ranges = [
        ("before: all losses", (1, 5.6), [1, 2, 3, 4, 5]),
        ("now", (1.45, begin + 0.15), [1.6, 1.8, 2.0, 2.2]),
    ]
    for number, (title, limits, ticks) in enumerate(ranges):
        left = 50 + 350 * number
        at = picture.axes(left, 50, 280, 220, (0, 2000), limits, "step", "", [0, 1000, 2000], ticks)
        picture.text(left, 30, title, "ink", 15, bold=True)
        for color, more in (("orange", 0.1), ("blue", 0.0)):
            points = [(step, loss + more) for step, loss in curve if loss + more <= limits[1]]
            picture.line([at(*point) for point in points], color, 2)
    picture.text(*at(1000, 2.0), "0.1 higher", "orange", 14)
    picture.text(*at(950, 1.6), "reference", "blue", 14, "right")
    picture.save(__file__)


if __name__ == "__main__":
    main()
