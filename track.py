"""Show a run in TensorBoard, Trackio or Weights & Biases: a copy of its log, made beside the training.

python track.py runs/gpt2 --to tensorboard      writes it; then: tensorboard --logdir runs
python track.py runs/gpt2 --to trackio          ... trackio show
python track.py runs/gpt2 --to wandb            ... offline, without an account; wandb sync uploads it

--follow continues until the run ends, or until Ctrl-C. The training knows nothing of it: log.jsonl has all.
The package is not among the requirements. An older copy of a run of that name is replaced.
"""

import contextlib
import json
import os
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from curve import beginning, read_log
from errors import UserError, run_program
from files import remove_folder

# In the order in which the events of a step are logged.
NAMES = {"overflow": "overflow", "step": "train", "validation": "validation", "hellaswag": "hellaswag"}
PROJECT = "gpt2-124m"
SECONDS = 5  # between two looks at the log


class TensorBoard:
    """Event files beside the log."""

    def __init__(self, folder, config):
        from torch.utils.tensorboard import SummaryWriter

        for path in folder.glob("events.out.tfevents.*"):
            path.unlink()
        self.writer = SummaryWriter(folder)
        self.writer.add_text("config", f"```\n{json.dumps(config, indent=2)}\n```")
        self.place = f"tensorboard --logdir {folder.parent} shows it"

    def add(self, step, values):
        """Add the values {name: number} of a step."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def flush(self):
        """Write what has been added."""
        self.writer.flush()

    def finish(self):
        """Write the rest."""
        self.writer.close()


class Trackio:
    """A run in Trackio's database on this computer."""

    def __init__(self, folder, config):
        import trackio

        with contextlib.suppress(ValueError):  # there is no such project yet
            for run in list(trackio.Api().runs(PROJECT)):
                if run.name == folder.name:
                    run.delete()
        settings = dict(embed=False, auto_log_gpu=False, auto_log_cpu=False)
        self.run = trackio.init(project=PROJECT, name=folder.name, config=config, **settings)
        self.close = trackio.finish  # the run's own method leaves it to be finished again at exit
        self.place = f"trackio show --project {PROJECT} shows it"

    def add(self, step, values):
        """Add the values {name: number} of a step."""
        self.run.log(values, step=step)

    def flush(self):
        """Do nothing: it writes by itself."""

    def finish(self):
        """Write the rest."""
        self.close()


class Wandb:
    """A run of Weights & Biases: offline, in the folder wandb beside the log, unless WANDB_MODE is set."""

    def __init__(self, folder, config):
        import wandb

        mode = os.environ.get("WANDB_MODE", "offline")
        if mode == "offline":
            remove_folder(folder / "wandb")
        settings = wandb.Settings(silent=True, x_disable_stats=True, x_disable_meta=True, console="off")
        options = dict(project=PROJECT, name=folder.name, config=config, dir=folder, mode=mode)
        self.run = wandb.init(**options, settings=settings)
        self.run.define_metric("*", step_metric="step")
        place = Path(self.run.dir).parent
        self.place = f"wandb sync {place} uploads it" if mode == "offline" else f"{self.run.url} shows it"

    def add(self, step, values):
        """Add the values {name: number} of a step."""
        self.run.log(values | dict(step=step))

    def flush(self):
        """Do nothing: it writes by itself."""

    def finish(self):
        """Write the rest."""
        self.run.finish()


TARGETS = {"tensorboard": TensorBoard, "trackio": Trackio, "wandb": Wandb}


def read_rows(log):
    """Return the numbers in a log as a list of (step, {name: number}), in the order of the steps."""
    rows = []
    for order, (kind, name) in enumerate(NAMES.items()):
        for event in log.get(kind, []):
            numbers = {key: value for key, value in event.items() if type(value) in (int, float)}
            rows.append((numbers.pop("step"), order, {f"{name}/{key}": numbers[key] for key in numbers}))
    return [(step, values) for step, _, values in sorted(rows, key=lambda row: row[:2])]


def has_ended(folder):
    """Return whether the last event of a run is its end."""
    lines = (folder / "log.jsonl").read_bytes().splitlines()[-1:]
    return any(line.startswith((b'{"event": "end"', b'{"event": "diverged"')) for line in lines)


def copy(folder, target, follow):
    """Copy the log of a run to a target; with `follow` until the run ends. Returns what shows the copy."""
    ended, log = has_ended(folder), read_log(folder)
    writer, sent = None, []
    try:
        while True:
            rows = read_rows(log)
            same = repr(rows[: len(sent)]) == repr(sent)  # as text, a NaN equals itself
            if writer is None or not same:  # the run was resumed: some steps were again
                if writer:
                    writer.finish()
                writer, sent = target(folder, beginning(log)[0]), []
            for step, values in rows[len(sent) :]:
                writer.add(step, values)
            writer.flush()
            sent = rows
            if ended or not follow:
                break
            time.sleep(SECONDS)
            ended, log = has_ended(folder), read_log(folder)
    except KeyboardInterrupt:
        if writer is None:
            raise
        print("stopped following")
    writer.finish()
    return f"{len(sent)} events of {folder}: {writer.place}"


def main(arguments=None):
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("run", type=Path, help="folder of a run")
    parser.add_argument("--to", choices=TARGETS, default="tensorboard", help="(default: tensorboard)")
    parser.add_argument("--follow", action="store_true", help="continue until the run ends")
    options = parser.parse_args(arguments)
    read_log(options.run)
    try:
        print(copy(options.run, TARGETS[options.to], options.follow))
    except ImportError as error:
        fix = f"python -m pip install {options.to}"
        raise UserError(f"--to {options.to} needs the package {options.to} ({fix})") from error


if __name__ == "__main__":
    run_program(main)
