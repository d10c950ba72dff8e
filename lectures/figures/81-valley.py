"""Draw 81-valley.svg: the final loss of AdamW over its learning rate, from reference/ablations.jsonl."""

import json
import statistics
from pathlib import Path

from figure import Figure

LOG = Path(__file__).resolve().parents[2] / "reference" / "ablations.jsonl"
RATES = {8.3e-4: "8.3e-4", 1.67e-3: "1.67e-3", 5e-3: "5e-3", 1.5e-2: "1.5e-2"}


def main():
    results = [json.loads(line) for line in LOG.read_text(encoding="utf-8").splitlines()]
    plain = [
        result
        for result in results
        if result["steps"] == 500 and not {"schedule", "optimizer"} & result["recipe"].keys()
    ]
    losses = {rate: [r["loss"] for r in plain if r["recipe"]["lr"] == rate] for rate in RATES}
    title = "AdamW's loss over the learning rate is a valley, and 5e-3 is already on its far side"
    picture = Figure(720, 360, title)
    at = picture.axes(
        60,
        40,
        630,
        254,
        (6e-4, 2e-2),
        (1.98, 2.5),
        "learning rate (logarithmic)",
        "validation loss after 500 steps, nats per byte",
        [*RATES.items()],
        [2.0, 2.1, 2.2, 2.3, 2.4, 2.5],
        xlog=True,
    )
    picture.line([at(rate, statistics.mean(found)) for rate, found in losses.items()], "blue", 2)
    for rate, found in losses.items():
        for loss in found:
            picture.circle(*at(rate, loss), 5, "blue", 0.7)
    x, y = at(5e-3, statistics.mean(losses[5e-3]))
    picture.text(x + 12, y + 26, "the laptop preset", "ink", 15)
    x, y = at(1.5e-2, statistics.mean(losses[1.5e-2]))
    picture.text(x - 14, y + 4, "three times higher", "orange", 15, "right", bold=True)
    x, y = at(1.67e-3, statistics.mean(losses[1.67e-3]))
    picture.text(x + 16, y + 12, "three times lower", "green", 15, bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
