"""The folder of a run: log.jsonl, one line per event, and step_000250/, a checkpoint after 250 steps."""

import contextlib
import datetime
import hashlib
import itertools
import json
import math
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict, field
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field, JsonValue
from pydantic.dataclasses import dataclass

from config import RECIPE, Config, as_word
from curve import draw, find_reference, leaves_band, read_events
from errors import UserError, one_line, warn
from files import lock_folder, name_some, parse_json, parse_values, regular_file, remove_folder, sync_folder
from progress import show_wait

PEAK_FLOPS = {  # per second, of one GPU: bfloat16 or float16, dense (NVIDIA's data sheets)
    "A10": 125e12,
    "A100": 312e12,
    "A10G": 70e12,
    "B200": 2250e12,
    "H100": 989e12,
    "H100 PCIe": 756e12,
    "H200": 989e12,
    "L4": 121e12,
    "L40S": 362e12,
    "RTX 3060": 25e12,  # of its 112 tensor cores at 1.78 GHz, each as fast as one of a 3090
    "RTX 3090": 71e12,
    "RTX 4090": 165e12,
    "T4": 65e12,
}


def peak_flops(machine):
    """Return the peak of all GPUs of a run in operations per second, or None where it is not known."""
    if machine.device.type != "cuda" or machine.dtype == torch.float32:
        return None
    words = set(torch.cuda.get_device_name(machine.device).replace("-", " ").split())
    if words & {"Laptop", "Ti", "SUPER", "D", "NVL", "MIG"}:  # slower or faster than their name
        return None
    known = [name for name in PEAK_FLOPS if words.issuperset(name.split())]
    return machine.world * PEAK_FLOPS[max(known, key=len)] if known else None


def checkpoints(folder):
    """List the checkpoints in a folder, the oldest first."""
    if not os.path.isdir(folder):  # its name may even be too long
        return []
    found = [path for path in Path(folder).glob("step_*") if path.name.removeprefix("step_").isdecimal()]
    return sorted(found, key=number_of)


def holds_model(folder):
    """Return whether a folder is a checkpoint, or has some."""
    return bool(checkpoints(folder)) or os.path.exists(Path(folder, "config.json"))


def number_of(path):
    """Return the number of finished steps in a checkpoint's name."""
    return int(path.name.removeprefix("step_"))


def holds_run(folder):
    """Return whether a run has written to this folder."""
    return (folder / "log.jsonl").exists() or bool(checkpoints(folder))


def name_others(folder):
    """Return the runs with a checkpoint beside a folder, as the end of what to do: "; ..." or ""."""
    found = []
    with contextlib.suppress(OSError):  # there is no such folder, or it may not be read
        found = [str(path) for path in sorted(folder.parent.iterdir()) if checkpoints(path)]
    return f"; --out can be {name_some(found)}" if found else ""


def choose_folder(out, name, existing=False):
    """Return the folder `out`; without it the first free one, or the last `existing` one, of runs/NAME,
    runs/NAME-2, ... Raises UserError where a run would be overwritten.
    """
    if out:
        if holds_run(Path(out)) and not existing:
            raise UserError(f"--out {out} holds a run (continue it with --resume, or choose another --out)")
        return Path(out)
    folder = Path("runs", name)
    for number in itertools.count(2):
        following = Path("runs", f"{name}-{number}")
        if not holds_run(following if existing else folder):
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


def compare_ranks(config, machine, meta, start):
    """Raise UserError on all ranks unless they have the same settings, data and finished steps."""
    values = asdict(config) | dict(compile=machine.compile, dtype=str(machine.dtype).removeprefix("torch."))
    other_names = {"data", "out", "device"}  # on another computer
    plan = {f"--{name}": value for name, value in values.items() if name not in other_names}
    first, *others = machine.gather(plan | meta | {"finished steps": start})
    for rank, plan in enumerate(others, 1):
        different = [
            f"{name} {as_word(plan.get(name))!s:.60} where rank 0 has {as_word(first.get(name))!s:.60}"
            for name in first | plan
            if plan.get(name) != first.get(name)
        ]
        if different:
            fix = "start all ranks with the same flags and data, and --out on a shared disk"
            raise UserError(f"rank {rank} has {', '.join(different)} ({fix})")


def find_divergence(folder):
    """Return the event with which the run in a folder diverged; None if it did not, or was resumed since."""
    found = None
    if (folder / "log.jsonl").is_file():
        for line in (folder / "log.jsonl").read_bytes().splitlines():
            try:
                event = parse_json(line, dict)
            except ValueError:  # the run was killed while it wrote
                continue
            kind = event.get("event")
            found = event if kind == "diverged" else None if kind in ("start", "resume") else found
    return found


def after_divergence(dtype):
    """Return what to do about a run that diverged in a precision, given as text."""
    again = "start again with a lower --lr and another --out"
    if dtype == str(torch.float32):
        return again
    older = "if need be after deleting the newest step folder"
    return f"--resume --dtype float32, {older}; or {again}"


# ---- Checkpoints -------------------------------------------------------------------------------------------

MANIFEST = "manifest.json"  # {"files": {name: [bytes, sha256]}} of all other files of a checkpoint


@dataclass
class State:
    """train_state.pt: plain values and the optimizer's tensors, after `step` finished steps."""

    step: Annotated[int, Field(ge=0, strict=True)]
    config: Config
    data: dict[str, JsonValue]
    optimizer: dict
    scaler: dict[str, int | float] = field(default_factory=dict)  # of float16, see Machine


@dataclass
class Manifest:
    """manifest.json: size and sha256 of each file."""

    files: dict[str, tuple[int, str]]


def describe_file(path):
    """Return the size and the sha256 of a file, as a manifest has them."""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def verify_manifest(path):
    """Return whether a checkpoint has a manifest. Raises ValueError if it or a file that it lists is torn."""
    if not os.path.lexists(path / MANIFEST):  # made by a version without
        return False
    manifest = parse_json(regular_file(path / MANIFEST).read_bytes(), Manifest)
    if missing := {"config.json", "model.safetensors", "train_state.pt"} - manifest.files.keys():
        raise ValueError(f"{MANIFEST} does not list {', '.join(sorted(missing))}")
    for name, expected in manifest.files.items():
        if not (path / name).is_file() or describe_file(path / name) != expected:
            raise ValueError(f"{name} is not as {MANIFEST} has it")
    return True


def newest_whole(folder, load):
    """Return load(path) of the newest whole checkpoint in a folder; None if there is no checkpoint at all.

    A torn one is skipped with a warning. Raises UserError if all are torn, if the folder is itself a torn
    checkpoint, or if a whole one cannot be loaded.
    """
    try:
        verify_manifest(Path(folder))
    except (OSError, ValueError) as error:
        reason = f"{folder} is not a whole checkpoint: {one_line(error)}"
        raise UserError(f"{reason} (use an older one)") from error
    found = checkpoints(folder)
    for path in reversed(found):
        try:
            verified = verify_manifest(path)
        except (OSError, ValueError) as error:
            warn(f"{path} is not a whole checkpoint: {one_line(error)}")
            continue
        try:
            return load(path)
        except Exception as error:
            if verified:
                raise
            warn(f"{path} is not a whole checkpoint: {one_line(error)}")
    if found:
        raise UserError(f"no checkpoint in {folder} is whole (choose another --out to start again)")
    return None


def load_state(path):
    """Load train_state.pt of a checkpoint. Raises UserError if it is not what save() writes."""
    try:
        file = regular_file(path / "train_state.pt")
        values = torch.load(file, map_location="cpu", weights_only=True)
        state = parse_values(values, State)
        for name in values["config"].keys() & RECIPE:  # an older version's run has fewer settings
            if repr(values["config"][name]) != repr(getattr(state.config, name)):  # pydantic has cast it
                raise ValueError(f"its {name} is {values['config'][name]}")
        if path.name.startswith("step_") and int(path.name[5:]) != state.step:
            raise ValueError(f"it is of step {state.step}")
        if state.step > state.config.steps:
            raise ValueError(f"it is of step {state.step}, and its run has {state.config.steps}")
        heads = parse_json(regular_file(path / "config.json").read_bytes(), dict).get("n_head")
        if heads != state.config.n_head:  # no tensor's shape depends on it
            raise ValueError(f"its n_head is {state.config.n_head}, but config.json has {heads}")
        return state
    except Exception as error:  # torch has many errors of its own
        raise UserError(
            f"cannot load {path / 'train_state.pt'}: {one_line(error)} (--init uses weights alone)"
        ) from error


def restore_optimizer(optimizer, scaler, state):
    """Load the optimizer and the gradient scaler of a checkpoint. Raises UserError unless they fit."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    parts = [group.get("parts", 0) for group in optimizer.param_groups for _ in group["params"]]
    try:
        moments = state.optimizer["state"]
        if len(moments) != (len(weights) if state.step else 0):
            raise ValueError(f"it has the moments of {len(moments)} tensors, the model has {len(weights)}")
        for number, weight in enumerate(weights if state.step else []):
            names = ["momentum"] if parts[number] else ["exp_avg", "exp_avg_sq"]  # Muon's, AdamW's
            like = dict.fromkeys(names, weight) | dict(step=torch.tensor(0.0))
            for name, tensor in like.items():
                moment = moments[number][name]
                if (moment.shape, moment.dtype, moment.is_cpu) != (tensor.shape, tensor.dtype, True):
                    raise ValueError(f"{name} {number} is {moment.dtype} {tuple(moment.shape)}")
                if not moment.is_contiguous() or not moment.isfinite().all():
                    raise ValueError(f"{name} {number} is damaged")
            if moments[number]["step"].item() != state.step:
                raise ValueError(f"tensor {number} has taken {moments[number]['step'].item():g} steps")
        settings = optimizer.state_dict()["param_groups"]  # from the Config
        optimizer.load_state_dict(dict(state=moments, param_groups=settings))
        if state.scaler:  # the run was in float16
            if not 0 < state.scaler["scale"] < math.inf:
                raise ValueError(f"its scale is {state.scaler['scale']}")
            scaler.load_state_dict(state.scaler)
    except Exception as error:  # whatever a value of another type raises
        fix = "resume from an older checkpoint, or use the weights alone with --init"
        raise UserError(
            f"the optimizer state of step {state.step} does not fit: {one_line(error)} ({fix})"
        ) from error


# ---- A run that is active ----------------------------------------------------------------------------------


class Run:
    """The folder of an active run: rank 0 writes, the others do nothing."""

    def __init__(self, folder, config, machine, flops_per_token, data=None):
        self.folder, self.config, self.peak = folder, config, peak_flops(machine)
        self.reference = find_reference(asdict(config), data or {}) if machine.rank == 0 else {}
        self.flops_per_token = flops_per_token
        self.saved = -1  # steps in the last checkpoint
        self.last = None  # time of the last report
        self.working = self.pausing = 0.0  # seconds since the first report: of steps, and between steps
        self.steps = self.pauses = 0  # since the first report
        self.file = None
        if machine.rank == 0:
            self.lock = contextlib.ExitStack()  # until the process ends
            self.lock.enter_context(lock_folder(folder))
            try:
                self.file = (folder / "log.jsonl").open("a+b")
                self.end_torn_line()
                events = read_events(folder / "log.jsonl").get("validation", [])
            except OSError as error:
                raise UserError(f"cannot write to {folder}: {error} (choose another --out)") from error
            pairs = [(event["step"], event.get("loss")) for event in events]
            self.losses = {step: loss for step, loss in pairs if isinstance(loss, float)}
            for left in folder.glob("step_*.partial"):  # from a run that was killed while it saved
                remove_folder(left)

    def end_torn_line(self):
        """Give the next event a line of its own, if a killed run has left half a line."""
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
            except OSError as error:  # a full disk must not end the run
                warn(f"cannot write {self.folder / 'log.jsonl'}: {error}")

    def report(self, step, loss, norm, lr, seconds):
        """Log a finished step and print it: loss in nats per token, norm of the gradient, its duration."""
        speed, first = self.config.batch_tokens / seconds, self.last is None
        event = dict(step=step, loss=loss, norm=norm, lr=lr, seconds=seconds, tokens_per_second=speed)
        line = f"step {step:4d}  loss {loss:.4f}  norm {norm:.4f}  lr {lr:.2e}  {1000 * seconds:.0f} ms"
        line += f"  {speed:,.0f} tokens/s"
        if self.peak:
            event["mfu"] = self.flops_per_token * speed / self.peak
            line += f"  MFU {100 * event['mfu']:.1f} %"
        self.log("step", **event)
        left, every = self.seconds_left(step, seconds), self.config.print_every
        if not first:
            line += f"  {datetime.timedelta(seconds=round(left))} left"
        if every and (first or step % every == 0 or step == self.config.steps):
            print(line)

    def count_pauses(self, step):
        """Return how many validations, scores, samples and checkpoints are due up to a finished step."""
        config, last = self.config, step == self.config.steps  # where all of them are due
        intervals = config.eval_every, config.hellaswag_every, config.sample_every, config.save_every
        return sum(-(-step // every) if last else step // every for every in intervals if every)

    def seconds_left(self, step, seconds):
        """Estimate the time after a finished step: the mean step and the mean pause, as often as they come.

        The first step of a process is slower than the others, and does not count.
        """
        now, before = time.perf_counter(), self.count_pauses(step - 1)
        if self.last is not None:
            passed, pauses = now - self.last, before - self.count_pauses(step - 2)
            self.steps, self.pauses = self.steps + 1, self.pauses + pauses
            self.working += seconds if pauses else passed  # a hook's time is that of a step
            self.pausing += passed - seconds if pauses else 0.0
        self.last = now
        steps, pauses = self.config.steps - step, self.count_pauses(self.config.steps) - before
        return steps * self.working / max(self.steps, 1) + pauses * self.pausing / max(self.pauses, 1)

    def report_overflow(self, step, scale):
        """Log and print that a step is repeated, and with which scale of the loss."""
        self.log("overflow", step=step, scale=scale)
        print(f"step {step:4d}  the gradient overflowed; repeated with a scale of {scale:,.0f}")

    def report_validation(self, step, loss):
        """Log a validation loss and print it; warn if it is outside the band of the reference."""
        self.log("validation", step=step, loss=loss)
        print(f"step {step:4d}  validation loss {loss:.4f}")
        if self.file:
            self.losses[step] = loss
            self.link_best()
        if line := leaves_band(self.reference, step, loss):
            warn(line)

    def best_checkpoint(self):
        """Return the checkpoint with the lowest validation loss, or None."""
        losses = {step: loss for step, loss in self.losses.items() if math.isfinite(loss)}
        # What is newer than .saved is torn, or from before the run was resumed.
        known = [path for path in checkpoints(self.folder) if number_of(path) in losses]
        known = [path for path in known if number_of(path) <= self.saved]
        return min(known, key=lambda path: losses[number_of(path)], default=None)

    def link_best(self):
        """Let the link `best` lead to the best checkpoint. Where links are not permitted there is none."""
        best, link, new = self.best_checkpoint(), self.folder / "best", self.folder / "best.partial"
        if best and (link.is_symlink() or not link.exists()):
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)
                new.symlink_to(best.name, target_is_directory=True)
                new.replace(link)

    def report_best(self):
        """Print where the best checkpoint is, if validation losses are known."""
        if self.file and (best := self.best_checkpoint()):
            loss = self.losses[number_of(best)]
            line = f"the checkpoint with the lowest validation loss ({loss:.4f}) is {best}"
            before = self.losses.get(0, math.inf)  # of a run that began with trained weights
            print(f"{line}; before the training it was lower, {before:.4f}" if before < loss else line)

    def draw(self):
        """Draw the log as curve.png, or print a warning."""
        if self.file:
            try:
                print(f"{draw([self.folder])} shows the curve")
            except Exception as error:  # a full disk, a log of another program, ...
                warn(f"cannot draw the curve: {one_line(error)}")

    @show_wait("saving a checkpoint")
    def save(self, step, model, state, keep):
        """Write a checkpoint: whole, or not at all; then delete others, if `keep` is not 0.

        The newest `keep` remain, and the one with the lowest validation loss. state, a dictionary with the
        fields of State, goes to train_state.pt. A failure prints a warning, leaves .saved unchanged, and does
        not end the run.
        """
        if not self.file:
            self.saved = step
            return
        path = self.folder / f"step_{step:06d}"
        partial = path.with_name(f"{path.name}.partial")
        try:
            remove_folder(partial)
            partial.mkdir()
            model.save_pretrained(partial)
            torch.save(state, partial / "train_state.pt")
            manifest = dict(files={file.name: describe_file(file) for file in partial.iterdir()})
            (partial / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")
            for file in partial.iterdir():
                with file.open("rb+") as opened:
                    os.fsync(opened.fileno())
            sync_folder(partial)
            remove_folder(path)  # a torn one, if there is any
            partial.rename(path)
            sync_folder(self.folder)
        except Exception as error:  # a full disk, and each library reports it in its own way
            remove_folder(partial)
            foreign = [other for other in (partial, path) if other.is_symlink() or other.is_file()]
            fix = f"delete {foreign[0]}" if foreign else "make room"
            warn(f"cannot save {path}: {one_line(error)} ({fix}; older checkpoints are kept)")
            return
        self.saved = step
        self.log("save", step=step)
        print(f"saved {path}")
        if keep:  # a torn checkpoint may be newer than this one, and must not push out a whole one
            older = [other for other in checkpoints(self.folder) if number_of(other) <= step]
            for other in older[:-keep]:
                if other != self.best_checkpoint():
                    remove_folder(other)
