"""Draw 87-isoflop.svg: loss over parameters at four equal costs, from reference/scaling.jsonl."""

import json
from pathlib import Path

from figure import Figure

LOG = Path(__file__).resolve().parents[2] / "reference" / "scaling.jsonl"
BUDGETS = {2e11: "200 billion", 4e11: "400 billion", 8e11: "800 billion", 1.6e12: "1.6 trillion"}


def main():
    lines = [json.loads(line) for line in LOG.read_text(encoding="utf-8").splitlines()]
    runs = [line for line in lines if line["event"] == "scaling" and line["recipe"]["lr"] == 0.02]
    title = "For each budget one size is best, and it grows with the budget"
    picture = Figure(720, 400, title)
    sizes, losses = (3e4, 6e5), (1.5, 2.7)
    ticks = [(5e4, "50,000"), (1e5, "100,000"), (2e5, "200,000"), (4e5, "400,000")]
    words = "parameters (logarithmic)", "validation loss, nats per byte"
    at = picture.axes(60, 30, 560, 310, sizes, losses, *words, ticks, [1.6, 1.8, 2, 2.2, 2.4, 2.6], xlog=True)
    for (budget, name), color in zip(BUDGETS.items(), ["muted", "green", "blue", "orange"], strict=True):
        near = [run for run in runs if abs(6 * run["parameters"] * run["tokens"] / budget - 1) < 0.05]
        points = sorted((run["parameters"], run["loss"]) for run in near)
        picture.line([at(*point) for point in points], color, 2.2)
        best = min(points, key=lambda point: point[1])
        for point in points:
            picture.circle(*at(*point), 7 if point == best else 4, color)
        x, y = at(*points[-1])
        picture.text(x + 10, y + 5, name, color, 14, bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
