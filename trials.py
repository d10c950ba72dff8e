"""Runs that are compared: each is a line of flags of train_gpt2.py, and its result a line of a log.

ablate.py and scaling.py share them. A run that was interrupted is continued, and one that is in the log is
not repeated.
"""

import contextlib
import functools
import hashlib
import io
import json
import math
import platform
import shutil
import signal
import statistics
import time
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Literal

import torch
from pydantic.dataclasses import dataclass

import fineweb
import ideas
import train_gpt2
from config import RECIPE, Config, parse_config
from curve import read_log
from data import open_data
from errors import UserError
from files import read_json_lines
from machine import pick_device, pick_dtype

FIXED = "--device cpu --print_every 0 --sample_every 0 --hellaswag_every 0 --save_every 0"


@dataclass
class Result:
    """A line of the log: what a run was, where it was made, and how it went."""

    event: Literal["ablation", "scaling"]
    recipe: dict  # the settings that matter and are not Config's defaults
    data_sha256: str  # of the tokens
    seed: int
    steps: int
    tokens: int
    loss: float  # the last validation loss, in nats per token
    bits_per_byte: float | None  # of data in bytes
    curve: list[tuple[int, float]]  # validation loss after so many steps
    seconds: float  # of all steps, without validations
    step_ms: float  # median
    cpu: str
    threads: int
    python: str
    torch: str
    parameters: int | None = None
    cpu_seconds: float | None = None  # of the processor, with validations: other programs do not count
    idea: str = ""  # one of ideas.py, if the run was changed by it


def describe(flags, seed):
    """Return the Config of a recipe with a seed, and its part that matters, as Result has it."""
    config, _, problems = parse_config([*flags.split(), *FIXED.split(), "--seed", str(seed)])
    if problems:
        raise UserError("\n".join(problems))
    plain, values = asdict(Config()), asdict(config)
    values["dtype"] = str(pick_dtype(config.dtype, pick_device(config.device))).removeprefix("torch.")
    names = [*RECIPE, "data", "dtype", "val_tokens", "eval_every"]
    names = [name for name in names if name != "preset" and values[name] != plain[name]]
    return config, {name: values[name] for name in names}


def read_sources(packages):
    """Return the Python files of installed packages, each text once, in the order of their hashes."""
    texts = {}
    for package in packages:
        for path in metadata.files(package) or []:
            if path.suffix == ".py":
                text = path.locate().read_text(encoding="utf-8", errors="replace")
                texts[hashlib.sha256(text.encode()).hexdigest()] = text
    return [texts[digest] for digest in sorted(texts)]


def make_data(folder, tokenizer, packages):
    """Make a folder of shards from the Python files of packages, if it is not there."""
    if not Path(folder, "meta.json").exists():
        path = Path(f"{folder}.jsonl")
        path.parent.mkdir(exist_ok=True)
        lines = [json.dumps(dict(text=text)) + "\n" for text in read_sources(packages)]
        path.write_text("".join(lines), encoding="utf-8")
        fineweb.main(["--input", str(path), "--tokenizer", tokenizer, "--out", folder])


@functools.cache
def hash_data(name):
    """Return the sha256 of all tokens of --data: those to train, then those to validate."""
    digest = hashlib.sha256()
    for tokens in open_data(name)[:2]:
        for start in range(0, len(tokens), 2**20):
            digest.update(tokens.read(start, min(2**20, len(tokens) - start)).tobytes())
    return digest.hexdigest()


def read_lines(log, schema=Result):
    """Return the lines of a log, in order; none if there is no log. Raises UserError."""
    try:
        return list(read_json_lines(log, schema)) if log.exists() else []
    except ValueError as error:
        raise UserError(f"cannot read {log}: {error} (repair or delete the line)") from error


def append_line(log, line):
    """Append a dataclass to a log."""
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(line)) + "\n")


def find_result(results, flags, seed, idea=""):
    """Return the newest Result of a recipe with a seed and an idea on this computer's data, or None."""
    config, recipe = describe(flags, seed)
    same = (recipe, hash_data(config.data), idea)
    return next((r for r in reversed(results) if (r.recipe, r.data_sha256, r.idea) == same), None)


def run(flags, seed, event, parent, idea=""):
    """Train a recipe with a seed in a folder in `parent`, or continue it; returns its Result. UserError.

    With an idea it begins anew: no checkpoint has what an idea remembers.
    """
    config, recipe = describe(flags, seed)
    key = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode() + idea.encode()).hexdigest()[:12]
    folder, before = parent / key, time.process_time()
    if idea:
        shutil.rmtree(folder, ignore_errors=True)
    names = [name for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)]
    handlers = {getattr(signal, name): signal.getsignal(getattr(signal, name)) for name in names}
    try:
        with contextlib.redirect_stdout(io.StringIO()), ideas.applied(idea):
            train_gpt2.main(
                [*flags.split(), *FIXED.split(), "--seed", str(seed), "--resume", "--out", str(folder)]
            )
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    log = read_log(folder)
    cpu_seconds = time.process_time() - before + sum(event["seconds"] for event in log.get("cpu", [])[-1:])
    with (folder / "log.jsonl").open("a", encoding="utf-8") as file:  # for a run that will be continued
        file.write(json.dumps(dict(event="cpu", step=len(log["step"]), seconds=cpu_seconds)) + "\n")
    seconds = [event["seconds"] for event in log["step"]]
    tokenizer = log["start"][0]["data"]["tokenizer"]
    if len(seconds) < config.steps:
        raise UserError(f"{folder} is not finished (the same command continues it)")
    curve = [(event["step"], round(event["loss"], 5)) for event in log["validation"]]
    loss = curve[-1][1]
    return Result(
        event=event,
        recipe=recipe,
        data_sha256=hash_data(config.data),
        seed=seed,
        steps=config.steps,
        tokens=config.steps * config.batch_tokens,
        loss=loss,
        bits_per_byte=round(loss / math.log(2), 5) if tokenizer == "bytes" else None,
        curve=curve,
        seconds=round(sum(seconds), 1),
        step_ms=round(1000 * statistics.median(seconds), 1),
        cpu=cpu_name(),
        threads=torch.get_num_threads(),
        python=platform.python_version(),
        torch=torch.__version__,
        parameters=count_parameters(config),
        cpu_seconds=round(cpu_seconds, 1),
        idea=idea,
    )


def count_parameters(sizes):
    """Return the number of parameters of a GPT with the sizes of a Config."""
    with torch.device("meta"):  # shapes only
        return train_gpt2.GPT(sizes).num_parameters()


def cpu_name():
    """Return the name of this computer's processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
