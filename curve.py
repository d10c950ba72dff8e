"""Draw the curves of runs: the loss over the steps.

python curve.py runs/gpt2              draws runs/gpt2/curve.png, as the training does at its end
python curve.py runs/gpt2 runs/mine    compares runs, in the first one's curve.png
"""

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from fineweb import UserError


def read_log(folder):
    """The events in a run's log.jsonl: for each kind ("start", "step", ...) a list of them, by their step."""
    try:
        lines = (Path(folder) / "log.jsonl").read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(f"{folder} is not the folder of a run: {error}") from error
    events = {}
    for line in lines:
        event = json.loads(line)
        events.setdefault(event.pop("event"), {})[event.get("step", 0)] = event
    return {kind: [by_step[step] for step in sorted(by_step)] for kind, by_step in events.items()}


def columns(events, name):
    """The steps of some events, and one of their values."""
    return [event["step"] for event in events], [event[name] for event in events]


def draw(folders):
    """Draw the runs in some folders into curve.png of the first one; returns its path."""
    from matplotlib.figure import Figure  # takes a second, and the training may do without

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for folder in folders:
        axes.plot(*columns(read_log(folder).get("step", []), "loss"), linewidth=0.8, label=str(folder))
    axes.set(xlabel="step", ylabel="loss")
    axes.grid(alpha=0.3)
    axes.legend()
    path = Path(folders[0]) / "curve.png"
    figure.savefig(path, dpi=150)
    return path


def main(arguments=None):
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("runs", nargs="+", help="folders of runs")
    print(draw(parser.parse_args(arguments).runs))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
