"""The folder of a run: log.jsonl, a line for each event, and step_000250/, a checkpoint after 250 steps."""

import datetime
import itertools
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import torch

from curve import draw, find_reference, leaves_band
from errors import UserError, one_line, warn

PEAK_FLOPS = {  # of one GPU, a second: bfloat16 with float32 sums, dense (NVIDIA's data sheets)
    "A10": 125e12,
    "A100": 312e12,
    "B200": 2250e12,
    "H100": 989e12,
    "H100 PCIe": 756e12,
    "H200": 989e12,
    "L4": 121e12,
    "L40S": 362e12,
    "RTX 3090": 71e12,
    "RTX 4090": 165e12,
}


def peak_flops(machine):
    """What all GPUs of a run could do at their best, in operations a second; None where that is not known."""
    if machine.device.type != "cuda" or machine.dtype != torch.bfloat16:
        return None
    words = set(torch.cuda.get_device_name(machine.device).replace("-", " ").split())
    if words & {"Laptop", "Ti", "SUPER", "D", "NVL", "MIG"}:  # slower or faster than their name
        return None
    known = [name for name in PEAK_FLOPS if words.issuperset(name.split())]
    return machine.world * PEAK_FLOPS[max(known, key=len)] if known else None


def checkpoints(folder):
    """The checkpoints in a folder, the oldest first."""
    found = [path for path in Path(folder).glob("step_*") if path.name.removeprefix("step_").isdecimal()]
    return sorted(found, key=lambda path: int(path.name.removeprefix("step_")))


def holds_run(folder):
    """Whether somebody has run in this folder."""
    return (folder / "log.jsonl").exists() or bool(checkpoints(folder))


def choose_folder(out, name, resume=False):
    """The folder `out`; without it, of runs/NAME, runs/NAME-2, ... the first free one, or the last to resume.

    Raises UserError where a run would be written over.
    """
    if out:
        if holds_run(Path(out)) and not resume:
            raise UserError(f"--out {out} holds a run: go on with it (--resume), or choose another --out")
        return Path(out)
    folder = Path("runs", name)
    for number in itertools.count(2):
        following = Path("runs", f"{name}-{number}")
        if not holds_run(following if resume else folder):
            return folder
        folder = following


def environment_info(config, machine):
    """Return what explains a run to somebody who has only its log: command, commit, versions, settings."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        commit = subprocess.run(git, capture_output=True, text=True).stdout.strip()
    except OSError:  # no git
        commit = ""
    versions = dict(python=platform.python_version(), torch=torch.__version__, cuda=torch.version.cuda)
    facts = dict(command=sys.argv, commit=commit, versions=versions, machine=str(machine))
    return facts | dict(config=asdict(config))


def newest_whole(folder, load):
    """load(path) of the newest checkpoint that can be loaded; None if there is no checkpoint at all.

    A torn one is passed over with a warning. Raises UserError if all are torn.
    """
    found = checkpoints(folder)
    for path in reversed(found):
        try:
            return load(path)
        except Exception as error:  # what is torn fails in many ways
            warn(f"{path} is not a whole checkpoint: {one_line(error)}")
    if found:
        raise UserError(f"no checkpoint in {folder} is whole (choose another --out to start afresh)")
    return None


class Run:
    """The folder of a run that goes on: rank 0 writes, the others do nothing."""

    def __init__(self, folder, config, machine, flops_per_token, data=None):
        self.folder, self.config, self.peak = folder, config, peak_flops(machine)
        self.reference = find_reference(asdict(config), data or {}) if machine.rank == 0 else {}
        self.flops_per_token = flops_per_token
        self.saved = -1  # steps in the last checkpoint
        self.first = None  # time and step of the first report
        self.file = None
        if machine.rank == 0:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self.file = (folder / "log.jsonl").open("a+b")
                self.end_torn_line()
            except OSError as error:
                raise UserError(f"cannot write to {folder}: {error} (choose another --out)") from error
            for left in folder.glob("step_*.partial"):  # from a run that was killed while it saved
                shutil.rmtree(left, ignore_errors=True)

    def end_torn_line(self):
        """A run that was killed may have left half a line: the next event gets a line of its own."""
        if self.file.seek(0, os.SEEK_END) > 0:
            self.file.seek(-1, os.SEEK_END)
            if self.file.read(1) != b"\n":
                self.file.write(b"\n")

    def log(self, event, **values):
        """Append an event to log.jsonl: {"event": ..., name: value, ...}."""
        if self.file:
            try:
                self.file.write(json.dumps({"event": event, **values}).encode() + b"\n")
                self.file.flush()
            except OSError as error:  # the disk is full: that must not end the run
                warn(f"cannot write {self.folder / 'log.jsonl'}: {error}")

    def report(self, step, loss, norm, lr, seconds):
        """Log a finished step, and show it: loss in nats a token, norm of the gradient, seconds it took."""
        speed, now = self.config.batch_tokens / seconds, time.perf_counter()
        event = dict(step=step, loss=loss, norm=norm, lr=lr, seconds=seconds, tokens_per_second=speed)
        line = f"step {step:4d}   loss {loss:.4f}   norm {norm:.4f}   lr {lr:.2e}   {1000 * seconds:.0f} ms"
        line += f"   {speed:,.0f} tokens/s"
        if self.peak:
            event["mfu"] = self.flops_per_token * speed / self.peak
            line += f"   MFU {100 * event['mfu']:.1f} %"
        self.log("step", **event)
        begins = self.first is None
        self.first = self.first or (now - seconds, step - 1)
        pace = (now - self.first[0]) / (step - self.first[1])  # seconds a step, with all that lies between
        left = datetime.timedelta(seconds=round(pace * (self.config.steps - step)))
        every = self.config.print_every
        if every and (begins or step % every == 0 or step == self.config.steps):
            print(f"{line}   {left} left")

    def report_validation(self, step, loss):
        """Log a validation loss and show it; tell it if it is not what others had at this step."""
        self.log("validation", step=step, loss=loss)
        print(f"step {step:4d}   validation loss {loss:.4f}")
        if line := leaves_band(self.reference, step, loss):
            warn(line)

    def draw(self):
        """Draw the log as curve.png. A failure is told, and ends nothing."""
        if self.file:
            try:
                print(f"{draw([self.folder])} is the curve")
            except Exception as error:  # a full disk, a log of another program, ...
                warn(f"cannot draw the curve: {one_line(error)}")

    def save(self, step, model, state, keep):
        """Write a checkpoint: whole, or not at all; then delete all but the newest `keep` (0: keep all).

        state goes to train_state.pt. A failure is told and does not end the run: .saved stays as it was.
        """
        if not self.file:
            self.saved = step
            return
        path = self.folder / f"step_{step:06d}"
        partial = path.with_name(f"{path.name}.partial")
        try:
            model.save_pretrained(partial)
            torch.save(state, partial / "train_state.pt")
            for file in partial.iterdir():
                with file.open("rb+") as opened:
                    os.fsync(opened.fileno())
            shutil.rmtree(path, ignore_errors=True)  # a torn one, if there is any
            partial.rename(path)
        except Exception as error:  # the disk is full, and each library says it in its own way
            shutil.rmtree(partial, ignore_errors=True)
            warn(f"cannot save {path}: {one_line(error)} (make room; older checkpoints are kept)")
            return
        self.saved = step
        self.log("save", step=step)
        print(f"saved {path}")
        if keep:
            older = [other for other in checkpoints(self.folder) if int(other.name[5:]) <= step]
            for other in older[:-keep]:
                shutil.rmtree(other, ignore_errors=True)
