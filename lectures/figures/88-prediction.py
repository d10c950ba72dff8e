"""Draw 88-prediction.svg: predicted and measured losses of the larger runs, from reference/scaling.jsonl."""

import json
from pathlib import Path

from figure import Figure

LOG = Path(__file__).resolve().parents[2] / "reference" / "scaling.jsonl"


def main():
    lines = [json.loads(line) for line in LOG.read_text(encoding="utf-8").splitlines()]
    predictions = [line for line in lines if line["event"] == "prediction"]
    runs = [line for line in lines if line["event"] == "scaling"]
    targets = [line["recipe"] for line in predictions]
    best = min((run for run in runs if run["recipe"] not in targets), key=lambda run: run["loss"])
    outcomes = [next(run for run in runs if run["recipe"] == recipe) for recipe in targets]
    values = [best["loss"]] + [line[name] for line in predictions for name in ("low", "high")]
    values += [run["loss"] for run in outcomes]
    low, high = min(values) - 0.05, max(values) + 0.05
    picture = Figure(720, 330, "Two larger runs, predicted before they ran, and what they reached")

    def place(loss):
        return 210 + 470 * (loss - low) / (high - low)

    def row(y, name, note):
        picture.text(196, y, name, "ink", 15, "right")
        picture.text(196, y + 18, note, "muted", 13, "right")

    row(40, "best of the grid", f"{best['parameters']:,} parameters")
    picture.circle(place(best["loss"]), 42, 7, "muted")
    picture.text(place(best["loss"]), 70, f"{best['loss']:.3f}", "muted", 15, "center")
    for number, (line, run) in enumerate(zip(predictions, outcomes, strict=True)):
        y = 130 + 100 * number
        row(y, "three times the cost", f"{run['parameters']:,} parameters")
        left, right = place(line["low"]), place(line["high"])
        picture.rect(left, y - 10, right - left, 24, "blue", 0.25)
        picture.line([(place(line["loss"]), y - 10), (place(line["loss"]), y + 14)], "blue", 3)
        picture.text(place(line["loss"]), y - 18, f"predicted {line['loss']:.3f}", "blue", 15, "center")
        picture.circle(place(run["loss"]), y + 2, 7, "orange")
        picture.text(place(run["loss"]), y + 36, f"measured {run['loss']:.3f}", "orange", 15, "center", True)
    picture.line([(210, 285), (680, 285)], "line", 1.5)
    tick = round(low + 0.05, 1)
    while tick < high:
        if tick > low:
            picture.line([(place(tick), 285), (place(tick), 291)], "line", 1.5)
            picture.text(place(tick), 307, f"{tick:.1f}", "muted", 13, "center")
        tick += 0.1
    picture.text(680, 325, "validation loss, nats per byte", "muted", 13, "right")
    picture.save(__file__)


if __name__ == "__main__":
    main()
