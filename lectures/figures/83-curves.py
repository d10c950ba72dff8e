"""Draw 83-curves.svg: AdamW and Muon on the laptop model over the seeds, from reference/ablations.jsonl."""

import json
import statistics
from pathlib import Path

from figure import Figure

LOG = Path(__file__).resolve().parents[2] / "reference" / "ablations.jsonl"


def curves(results, optimizer, rate):
    """The validation losses of the cosine runs with an optimizer and a rate: {step: [loss of each seed]}."""
    found = {}
    for result in results:
        recipe = result["recipe"]
        mine = recipe.get("optimizer", "adamw") == optimizer and recipe["lr"] == rate
        if mine and "schedule" not in recipe and result["steps"] == 500:
            for step, loss in result["curve"]:
                found.setdefault(step, []).append(loss)
    return found


def main():
    results = [json.loads(line) for line in LOG.read_text(encoding="utf-8").splitlines()]
    adamw, muon = curves(results, "adamw", 1.67e-3), curves(results, "muon", 1e-2)
    goal = statistics.mean(adamw[500])
    picture = Figure(720, 360, "Muon reaches AdamW's last loss in less than half of the steps")
    at = picture.axes(
        60,
        40,
        600,
        260,
        (100, 500),
        (1.7, 2.5),
        "step",
        "validation loss, nats per byte",
        [100, 200, 300, 400, 500],
        [1.8, 2.0, 2.2, 2.4],
    )
    picture.line([at(100, goal), at(500, goal)], "muted", 1.2, "5 5")
    for color, found in (("muted", adamw), ("blue", muon)):
        means = [(step, statistics.mean(losses)) for step, losses in found.items()]
        for step, losses in found.items():
            picture.line([at(step, min(losses)), at(step, max(losses))], color, 5)
        picture.line([at(*point) for point in means], color, 2.5)
    x, y = at(350, statistics.mean(adamw[300]) + 0.03)
    picture.text(x, y - 14, "AdamW, its best rate", "ink", 15)
    x, y = at(300, statistics.mean(muon[300]))
    picture.text(x - 12, y + 26, "Muon", "blue", 15, "right", bold=True)
    x, y = at(500, statistics.mean(muon[500]))
    picture.text(x + 8, y + 5, f"{statistics.mean(muon[500]):.2f}", "blue", 15, bold=True)
    x, y = at(500, goal)
    picture.text(x + 8, y + 5, f"{goal:.2f}", "ink", 15)
    picture.save(__file__)


if __name__ == "__main__":
    main()
