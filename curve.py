"""Draw the curves of runs: loss, validation loss and HellaSwag over the steps.

python curve.py runs/gpt2              draws runs/gpt2/curve.png, as the training does at its end
python curve.py runs/gpt2 runs/mine    compares runs, in the first one's curve.png

The dashed lines are OpenAI's GPT-2 (124M), as build-nanogpt reports it: 3.2924 nats a token on the validation
shard of FineWeb-Edu, 29.55 % of HellaSwag. A gray band is the same recipe's curve in reference/.
"""

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from errors import UserError, run_program

GPT2_LOSS, GPT2_HELLASWAG = 3.2924, 0.2955
REFERENCE = Path(__file__).parent / "reference"  # logs, each with the recipe that a run must have


def read_log(folder):
    """The events in a run's log.jsonl: for each kind ("start", "step", ...) a list of them, by their step.

    A run that was resumed has told some steps twice: the last word counts. Lines that were torn are left out.
    """
    try:
        return read_events(Path(folder) / "log.jsonl")
    except OSError as error:
        raise UserError(f"{folder} is not the folder of a run: {error}") from error


def read_events(path):
    """The events in a file like log.jsonl; see read_log."""
    lines, events = path.read_text(encoding="utf-8").splitlines(), {}
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:  # the run was killed while it wrote
            continue
        events.setdefault(event.pop("event"), {})[event.get("step", 0)] = event
    return {kind: [by_step[step] for step in sorted(by_step)] for kind, by_step in events.items()}


def columns(events, name):
    """The steps of some events, and one of their values."""
    return [event["step"] for event in events], [event[name] for event in events]


def is_fineweb(log):
    """Whether a run reads FineWeb-Edu: its folder of data is named so."""
    data = log["start"][0]["config"]["data"] if "start" in log else ""
    return "finewebedu" in data.replace("-", "").lower()


def find_reference(config, data):
    """The curve to compare a run with: steps -> (validation loss, tolerance), {} where there is none.

    config and data are dictionaries, as in a log's first event; the recipe must be the same, and the data.
    """
    for path in sorted(REFERENCE.glob("*.jsonl")):
        log = read_events(path)
        (recipe,) = log["recipe"]
        same = all(config.get(name) == value for name, value in recipe["config"].items())
        if same and recipe["source"] in (None, data.get("source")):
            return {event["step"]: (event["loss"], event["tolerance"]) for event in log["validation"]}
    return {}


def leaves_band(reference, step, loss):
    """One line if a validation loss is not what the reference has after so many steps, else ""."""
    if step not in reference:
        return ""
    expected, tolerance = reference[step]
    if abs(loss - expected) <= tolerance:
        return ""
    words = f"validation loss {loss:.4f}, but the reference has {expected} +- {tolerance} after {step} steps"
    return f"{words} (ERRATA.md, 'Is my loss right?')"


def draw(folders):
    """Draw the runs in some folders into curve.png of the first one; returns its path."""
    from matplotlib.figure import Figure  # takes a second, and the training may do without

    logs = {str(folder): read_log(folder) for folder in folders}
    scored = any("hellaswag" in log for log in logs.values())
    figure = Figure(figsize=(12 if scored else 7, 4.5), layout="constrained")
    left, *right = figure.subplots(1, 1 + scored, squeeze=False)[0]
    for number, (name, log) in enumerate(logs.items()):
        color, steps = f"C{number}", log.get("step", [])
        left.plot(*columns(steps, "loss"), color=color, alpha=0.4, linewidth=0.8)
        left.plot(*columns(log.get("validation", []), "loss"), ".-", color=color, label=name)
        for axes in right:
            axes.plot(*columns(log.get("hellaswag", []), "accuracy"), ".-", color=color, label=name)
    begun = logs[str(folders[0])].get("start", [{}])[0]
    if reference := find_reference(begun.get("config", {}), begun.get("data", {})):
        low, high = ([loss + sign * width for loss, width in reference.values()] for sign in (-1, 1))
        left.fill_between([*reference], low, high, color="gray", alpha=0.4, label="reference")
    left.set(xlabel="step", ylabel="loss: training (pale), validation")
    if any(map(is_fineweb, logs.values())):
        left.axhline(GPT2_LOSS, color="gray", linestyle="--", label="OpenAI's GPT-2 (124M)")
    for axes in right:
        axes.set(xlabel="step", ylabel="HellaSwag accuracy")
        axes.axhline(GPT2_HELLASWAG, color="gray", linestyle="--", label="OpenAI's GPT-2 (124M)")
        axes.axhline(0.25, color="gray", linestyle=":", label="a guess")
    for axes in (left, *right):
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
    run_program(main)
