"""Draw the curves of runs: loss, validation loss and HellaSwag over the steps.

python curve.py runs/gpt2              draws runs/gpt2/curve.png, as the training does at its end
python curve.py runs/gpt2 runs/mine    compares runs, in runs/gpt2/compared.png

The loss is shown from where it is after a tenth of the steps, so that late differences are visible, and
with --full from its beginning. The dashed lines are OpenAI's GPT-2 (124M), as build-nanogpt reports it:
3.2924 nats per token on the validation shard of FineWeb-Edu, 29.55 % of HellaSwag. A gray band is the curve
in reference/ of the same recipe on the same data.
"""

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from statistics import fmean

from pydantic import Field
from pydantic.dataclasses import dataclass

from errors import UserError, printable, run_program, warn
from files import parse_json, parse_values, whole_file


@dataclass
class Event:
    """What lines of log.jsonl must be, if they have it."""

    event: str
    step: int = Field(0, ge=0, le=10**12, strict=True)
    config: dict = Field(default_factory=dict)
    data: dict = Field(default_factory=dict)


GPT2_LOSS, GPT2_HELLASWAG = 3.2924, 0.2955
SAMPLE = "FineWeb-Edu, sample-10BT"
SOURCES = ["HuggingFaceFW/fineweb-edu", "sample-10BT"], ["kjj0/finewebedu10B-gpt2"]  # see fineweb.py
FORMATS = ".png", ".svg", ".pdf"
REFERENCE = Path(__file__).parent / "reference"  # logs, each with the recipe that a run must have


def read_log(folder):
    """Read a run's log.jsonl: for each kind of event ("start", "step", ...) a list of them, by their step.

    A resumed run has logged some steps twice: the last one counts. Lines that were torn are left out.
    """
    try:
        path = Path(folder) / "log.jsonl"
        if not path.is_file():
            raise FileNotFoundError("it has no log.jsonl")
        return read_events(path)
    except OSError as error:
        raise UserError(f"{folder} is not the folder of a run: {error}") from error


def read_events(path):
    """Read the events of a file like log.jsonl; see read_log."""
    events = {}
    for line in path.read_bytes().splitlines():
        try:
            event = parse_json(line, dict)
            known = parse_values(event, Event)
        except ValueError:  # the run was killed while it wrote
            continue
        event.pop("event")
        events.setdefault(known.event, {})[known.step] = event | dict(step=known.step)
    return {kind: [by_step[step] for step in sorted(by_step)] for kind, by_step in events.items()}


def columns(events, name):
    """Return the steps of events, and one of their values; events without a number there are left out."""
    found = [(event["step"], event[name]) for event in events if type(event.get(name)) in (int, float)]
    found = [(step, value) for step, value in found if abs(value) < 1e30]  # matplotlib fails above, and nan
    return [step for step, _ in found], [value for _, value in found]


def beginning(log):
    """Return the configuration of a run and the description of its data, from its log; {} if not there."""
    event = log.get("start", [{}])[0]
    return event.get("config", {}), event.get("data", {})


def name_data(data):
    """Return what the tokens are that a log's first event describes, as text; "" if it does not say.

    Ready-made shards of FineWeb-Edu have no description, and are recognized by their numbers of tokens.
    """
    source, train = data.get("source"), data.get("train_tokens")
    known = isinstance(source, list) and any(source[: len(start)] == start for start in SOURCES)
    if (data.get("vocab_size"), data.get("val_tokens")) == (50257, 100_000_000) and type(train) is int:
        if 9.85e9 < train < 9.86e9 and (known or not source):  # 98 shards, and one that is half full
            return SAMPLE
        if known:
            return f"{SAMPLE}, {train:,} tokens"
    return source if isinstance(source, str) else json.dumps(source) if source else ""


def read_references():
    """Yield the name, the recipe and the events of each file in reference/."""
    for path in sorted(REFERENCE.glob("*.jsonl")):
        log = read_events(path)
        if log.keys() & {"ablation", "scaling"}:  # results of ablate.py, of scaling.py
            continue
        recipe = log.get("recipe", [{}])[0]
        if recipe.get("config"):
            yield path.name, recipe, log
        else:
            warn(f"{path} has no recipe in its first line, and is not used as a reference")


def find_reference(config, data):
    """Return the curve to compare a run with, {step: (validation loss, tolerance)}; {} if there is none.

    config and data are dictionaries, as in a log's first event. Both recipe and data must be the same.
    """
    for _, recipe, log in read_references():
        if recipe.get("source") in (None, name_data(data)) and not differences(config, recipe):
            losses, widths = (columns(log.get("validation", []), name) for name in ("loss", "tolerance"))
            widths = dict(zip(*widths, strict=True))
            return {step: (loss, widths.get(step, 0)) for step, loss in zip(*losses, strict=True)}
    return {}


def differences(config, recipe):
    """List the settings of a run that differ from those of a reference, with both values."""
    pairs = [(name, config.get(name), value) for name, value in recipe["config"].items()]
    return [f"--{name} {mine} instead of {value}" for name, mine, value in pairs if mine != value]


def explain_missing(config, data):
    """Return why a run has no reference; config and data as for find_reference."""
    recipes = {name: recipe for name, recipe, _ in read_references()}
    mine = name_data(data)
    same = {name: recipe for name, recipe in recipes.items() if recipe.get("source") in (None, mine)}
    if not same:
        others = [f"reference/{name} ({recipe['source']:.40})" for name, recipe in recipes.items()]
        return f"the run has other data ({mine[:60] or 'unknown'}) than {' and '.join(others) or 'any'}"
    found = {name: differences(config, recipe) for name, recipe in same.items()}
    name = min(found, key=lambda name: len(found[name]))
    more = f" and {len(found[name]) - 3} more settings" if len(found[name]) > 3 else ""
    return f"the run has {', '.join(found[name][:3])}{more}, unlike reference/{name}"


def leaves_band(reference, step, loss):
    """Return a line if a validation loss is outside the band of the reference at this step, else ""."""
    if step not in reference:
        return ""
    expected, tolerance = reference[step]
    if abs(loss - expected) <= tolerance:
        return ""
    band = f"{expected} +- {tolerance} of the reference at step {step}"
    return f"validation loss {loss:.4f} is outside {band} (see ERRATA.md, 'Is my loss right?')"


def smooth(steps, losses, points=200):
    """Return the means of consecutive steps and losses, at least so many if there are more."""
    size = max(len(steps) // points, 1)
    parts = [slice(start, start + size) for start in range(0, len(steps), size)]
    return [fmean(steps[part]) for part in parts], [fmean(losses[part]) for part in parts]


def zoom(curves):
    """Return the lowest and the highest loss to show of curves (steps, losses); None if there are no losses.

    What is higher in the first tenth of the longest curve is cut off: at its end no difference is visible
    beside a fall from 11.
    """
    begin = max((steps[-1] for steps, _ in curves if steps), default=0) / 10
    late = [loss for curve in curves for step, loss in zip(*curve, strict=True) if step >= begin]
    if not late:
        return None
    margin = max(max(late) - min(late), 0.01) / 20
    return min(late) - margin, max(late) + margin


def why_incomparable(logs):
    """Return why the losses in some logs cannot be compared, or ""."""
    described = [beginning(log)[1] for log in logs]
    sources = {(name_data(data), data.get("vocab_size")) for data in described}
    return "different data: their losses cannot be compared" if len(sources) > 1 else ""


def draw(folders, out=None, full=False):
    """Draw the runs of some folders into the file `out`; returns its path. Raises UserError.

    By default it is curve.png of a single run, or compared.png of the first of several.
    """
    from matplotlib.figure import Figure  # takes a second to import

    path = Path(out or Path(folders[0], "curve.png" if len(folders) == 1 else "compared.png"))
    if path.suffix not in FORMATS:
        raise UserError(f"--out {path} is no picture (the name must end in {', '.join(FORMATS)})")
    logs = {str(folder): read_log(folder) for folder in folders}
    scored = any("hellaswag" in log for log in logs.values())
    figure = Figure(figsize=(12 if scored else 7, 4.5), layout="constrained")
    left, *right = figure.subplots(1, 1 + scored, squeeze=False)[0]
    curves = []
    for number, (name, log) in enumerate(logs.items()):
        color, label = f"C{number}", printable(name if len(logs) > 1 else Path(name).resolve().name)
        training, validation = (columns(log.get(kind, []), "loss") for kind in ("step", "validation"))
        curves += [training if full else smooth(*training), validation]
        last = f": {validation[1][-1]:.4f}" if validation[1] else ""
        left.plot(*curves[-2], color=color, alpha=0.4, linewidth=0.8)
        left.plot(*validation, ".-", color=color, label=label + last)
        for axes in right:
            axes.plot(*columns(log.get("hellaswag", []), "accuracy"), ".-", color=color, label=label)
    if reference := find_reference(*beginning(logs[str(folders[0])])):
        low, high = ([loss + sign * width for loss, width in reference.values()] for sign in (-1, 1))
        left.fill_between([*reference], low, high, color="gray", alpha=0.4, label="reference")
    left.set(xlabel="step", ylabel="loss: training (pale), validation")
    left.set_title(why_incomparable(logs.values()), fontsize="medium")
    if full:
        left.set_xscale("symlog", linthresh=1)  # there may be a loss before step 1
    elif limits := zoom(curves):
        left.set_ylim(limits)
    if any(name_data(beginning(log)[1]).startswith(SAMPLE) for log in logs.values()):
        left.axhline(GPT2_LOSS, color="gray", linestyle="--", label="OpenAI's GPT-2 (124M)")
    for axes in right:
        axes.set(xlabel="step", ylabel="HellaSwag accuracy")
        axes.axhline(GPT2_HELLASWAG, color="gray", linestyle="--", label="OpenAI's GPT-2 (124M)")
        axes.axhline(0.25, color="gray", linestyle=":", label="random guess")
    for axes in (left, *right):
        axes.grid(alpha=0.3)
        axes.legend()
    with whole_file(path) as file:
        figure.savefig(file, dpi=150, format=path.suffix[1:])
    return path


def main(arguments=None):
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("runs", nargs="+", help="folders of runs")
    parser.add_argument("--out", metavar="FILE", help=f"where to draw: a file in {', '.join(FORMATS)}")
    parser.add_argument("--full", action="store_true", help="all losses, with a logarithmic axis of steps")
    options = parser.parse_args(arguments)
    print(draw(options.runs, options.out, options.full))
    logs = [read_log(folder) for folder in options.runs]
    begun = [beginning(log) for log in logs]
    if reason := why_incomparable(logs):
        print(f"these runs have {reason}")
    if len(begun) == 1 and not find_reference(*begun[0]):
        print(f"no reference curve, because {explain_missing(*begun[0])}")


if __name__ == "__main__":
    run_program(main)
