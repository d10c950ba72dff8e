"""Draw 86-laptop.svg: the validation losses of the laptop run before this step, and since.

Before: the run of the README of step 64, on the same machine. Since: reference/laptop.jsonl.
"""

import json
from pathlib import Path

from figure import Figure

LOG = Path(__file__).resolve().parents[2] / "reference" / "laptop.jsonl"
BEFORE = {250: 2.2238, 500: 2.0809, 750: 1.9735, 1000: 1.8835}
BEFORE |= {1250: 1.8186, 1500: 1.7383, 1750: 1.7182, 2000: 1.6812}


def main():
    events = [json.loads(line) for line in LOG.read_text(encoding="utf-8").splitlines()]
    since = {event["step"]: event["loss"] for event in events if event["event"] == "validation"}
    crossing = 50 + max(step for step in since if since[step] > BEFORE[2000])  # from there on it is below
    title = f"With Muon the laptop run passes AdamW's last loss after {crossing:,} of 2,000 steps"
    picture = Figure(720, 360, title)
    ticks = [(0, "0"), (500, "500"), (1000, "1,000"), (1500, "1,500"), (2000, "2,000")]
    losses = [1.6, 1.8, 2.0, 2.2, 2.4]
    at = picture.axes(
        60, 40, 590, 260, (0, 2000), (1.45, 2.5), "step", "validation loss, nats per byte", ticks, losses
    )
    picture.line([at(0, BEFORE[2000]), at(2000, BEFORE[2000])], "muted", 1.2, "5 5")
    picture.line([at(*point) for point in BEFORE.items()], "muted", 2.5)
    picture.line([at(step, loss) for step, loss in sorted(since.items()) if loss < 2.5], "blue", 3)
    picture.circle(*at(crossing, since[crossing]), 5, "blue")
    x, y = at(700, 2.05)
    picture.text(x, y, "AdamW, 5e-3", "ink", 15)
    x, y = at(400, 1.735)
    picture.text(x, y, "Muon, 1e-2", "blue", 15, "right", bold=True)
    for found, color in ((BEFORE, "ink"), (since, "blue")):
        x, y = at(2000, found[2000])
        picture.text(x + 8, y + 5, f"{found[2000]:.2f}", color, 15, bold=color == "blue")
    picture.save(__file__)


if __name__ == "__main__":
    main()
