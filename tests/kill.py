"""Kill the programs again and again with SIGKILL, at random moments, and compare what they leave.

    make kill          25 kills each of training, of 2 ranks under torchrun, of saving, of fineweb.py: minutes
    python tests/kill.py --kills 3 --seed 7 ranks

A program is killed and started again with the same command until it ends by itself. Then its checkpoints (or
its shards) must have the bytes, and its log the losses, of a run that was not killed. After each kill, no
process that it started may be left. Linux only. The moments are random: a failure prints the seed.
"""

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

os.environ["OMP_NUM_THREADS"] = "1"  # before PyTorch is imported

import numpy as np
import pyarrow.parquet
from processes import ROOT, TIMEOUT, descendants, start, wait_for_end
from test_program import make_data
from test_resume import same

MODEL = "--preset gpt2 --device cpu --dtype float32 --data ../inputs/data --context 32 --n_layer 1".split()
MODEL += "--n_head 2 --n_embd 32 --batch_tokens 256 --micro_batch 2 --lr 0.01 --dropout 0.1".split()
MODEL += "--warmup_steps 5 --hellaswag_every 0 --sample_every 0 --val_tokens 500 --resume --out out".split()
TRAIN = [ROOT / "train_gpt2.py", *MODEL, "--steps", "200", "--eval_every", "50", "--save_every", "20"]
SAVE = [ROOT / "train_gpt2.py", *MODEL, "--steps", "30", "--eval_every", "0", "--save_every", "1"]
RANKS = ["torch.distributed.run", "--standalone", "--nproc_per_node=2", *TRAIN]
SHARDS = "--tokenizer bytes --workers 2 --shard_tokens 400000 --out out".split()
PROGRAMS = dict(train=TRAIN, ranks=RANKS, save=SAVE)
PROGRAMS["fineweb"] = [ROOT / "fineweb.py", "--input", "../inputs/text.parquet", *SHARDS]


def kill(process, draw):
    """Kill a program, or one of the processes that it started; return all of them."""
    os.kill(process.pid, signal.SIGSTOP)  # it starts no other while we look
    members = [process.pid, *descendants(process.pid)]
    os.kill(draw.choice([process.pid, draw.choice(members)]), signal.SIGKILL)
    os.kill(process.pid, signal.SIGCONT)
    return members


def run(command, folder, moment=None, draw=None):
    """Run a program in a folder; returns whether it was killed.

    With a `draw` it is killed after `moment` seconds, or without a moment while it saves.
    """
    output = folder / "output.txt"
    with start(command[0], *command[1:], folder=folder, output=output, PYTHONPATH=str(ROOT)) as process:
        if draw:
            process.join(wait_for_save(process, folder, draw) if moment is None else moment)
            if process.is_alive():
                wait_for_end(kill(process, draw))
                return True
        process.join(5 * TIMEOUT)
        assert process.exitcode == 0, f"exit code {process.exitcode}:\n{output.read_text()[-3000:]}"
        return False


def wait_for_save(process, folder, draw):
    """Wait until a checkpoint is being written, not always the first; return the seconds until the kill."""
    skip, before = draw.randrange(8), None
    while process.is_alive():
        found = next(folder.glob("out/step_*.partial"), None)
        if found and found != before:
            if skip == 0:
                break
            skip, before = skip - 1, found
    return draw.uniform(0, 0.02)


def read_losses(folder):
    """Return the logged losses of each step; a line may be torn where the run was killed."""
    losses = {}
    for line in (folder / "out" / "log.jsonl").read_bytes().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event["event"] in ("step", "validation"):
            losses.setdefault((event["event"], event["step"]), set()).add(event["loss"])
    return losses


def read_shards(folder):
    """Return the bytes of all files in out."""
    return {path.name: path.read_bytes() for path in folder.glob("out/*") if path.name != ".lock"}


def check(name, whole, torn):
    """Fail if a run that was killed differs from the whole one."""
    left = [path.name for path in (torn / "out").glob("*") if path.name.endswith((".partial", "cache"))]
    assert not left, f"left: {left}"
    if name == "fineweb":
        assert read_shards(whole) == read_shards(torn), "other shards"
        return
    losses = read_losses(torn)
    assert losses == read_losses(whole), "other losses"  # each step is there, and has one loss only
    names = [sorted(path.name for path in (folder / "out").glob("step_*")) for folder in (whole, torn)]
    assert names[0] == names[1], f"other checkpoints: {names}"
    for name in names[0]:
        assert same(whole / "out" / name, torn / "out" / name), f"{name} has other bytes"


def make_inputs(folder):
    """Write what the programs read."""
    make_data(folder)
    draw = np.random.default_rng(0)
    texts = ["".join(map(chr, draw.integers(97, 123, size))) for size in draw.integers(1, 400, 20_000)]
    pyarrow.parquet.write_table(pyarrow.table({"text": texts}), folder / "text.parquet", row_group_size=1000)


def kill_many(name, kills, draw, base):
    """Kill a program so many times, in as many runs as this takes, and compare each run; print a line."""
    command, done, runs, torn = PROGRAMS[name], 0, 0, 0
    whole = base / "whole"
    whole.mkdir()
    run(command, whole)  # to warm up
    shutil.rmtree(whole / "out")
    begin = time.monotonic()
    run(command, whole)
    seconds = time.monotonic() - begin
    while done < kills:
        folder, runs = base / f"torn-{runs}", runs + 1
        folder.mkdir()
        moment = None if name == "save" else seconds
        while done < kills and run(command, folder, moment and draw.uniform(0, moment), draw):
            done += 1
            torn += any(path.suffix == ".partial" for path in folder.glob("out/*"))
            print(f"\r{name:8}  {done} kills", end="", flush=True)
        run(command, folder)  # to its end
        check(name, whole, folder)
        shutil.rmtree(folder)
    shutil.rmtree(whole)
    killed = f"{done} kills ({torn} while a file was written) in {runs} runs"
    print(f"\r{name:8}  {killed}: the same bytes, no process left")


def main():
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="*", choices=[[], *PROGRAMS], default=[], help="default: all")
    parser.add_argument("--kills", type=int, default=25, help="of each program, at least (default: 25)")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="default: a random one")
    options = parser.parse_args()
    print(f"seed {options.seed}")
    base = Path(tempfile.mkdtemp(prefix="kill-"))
    (base / "inputs").mkdir()
    make_inputs(base / "inputs")
    for name in options.programs or PROGRAMS:
        kill_many(name, options.kills, random.Random(f"{options.seed} {name}"), base)
    shutil.rmtree(base)


if __name__ == "__main__":
    main()
