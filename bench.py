"""Measure what the README says: medians, and ratios of runs in turn, because machines are shared and noisy.

    python bench.py                             everything, in about ten minutes on two cores
    python bench.py training hellaswag          some of it
    python bench.py training --against "..."    against another program, whose last number is tokens/s

training    tokens/s of GPT-2 (124M) on random text, 2 rows of 256 tokens
fineweb     tokens/s of fineweb.py with one worker and with all, and of tiktoken alone on one core
hellaswag   examples/s of GPT-2 (124M) with random weights: batched, and one at a time
loader      MB of memory that stay when windows of 20 shards of 100 million tokens are read
start       seconds from the command to the first step of the laptop run
"""

import json
import os
import random
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

import numpy as np
import torch

from errors import run_program

ROOT = Path(__file__).parent
PYTHON = sys.executable


def in_turn(runs, rounds=3):
    """Call each of some functions in turn; print the numbers, their medians, and the ratios to the first."""
    numbers = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            numbers[name].append(run())
    base = next(iter(numbers.values()))
    for name, found in numbers.items():
        ratio = statistics.median(ours / theirs for ours, theirs in zip(found, base, strict=True))
        listed = ", ".join(f"{number:,.4g}" for number in found)
        print(
            f"  {name:32} median {statistics.median(found):>12,.4g}   ratio {ratio:.2f}   ({listed})",
            flush=True,
        )


def words(count, seed=0):
    """Text of so many words, which look a little like words."""
    draw = random.Random(seed)
    syllables = "the ing and er ion to in re at on ed is en al es or ar te ti an".split()
    return " ".join("".join(draw.choices(syllables, k=draw.randint(1, 4))) for _ in range(count))


def training(folder, against):
    (folder / "text.txt").write_text(words(60_000), encoding="utf-8")
    prepare = [PYTHON, "fineweb.py", "--input", folder / "text.txt", "--out", folder / "text"]
    subprocess.run(prepare, cwd=ROOT, check=True, capture_output=True)
    recipe = "--preset gpt2 --context 256 --micro_batch 2 --batch_tokens 512 --steps 6 --eval_every 0"
    recipe += " --sample_every 0 --hellaswag_every 0 --save_every 0"

    def run(*flags):
        def speed():
            with tempfile.TemporaryDirectory(dir=folder) as out:
                command = [
                    PYTHON,
                    "train_gpt2.py",
                    *recipe.split(),
                    "--data",
                    folder / "text",
                    "--out",
                    out,
                    *flags,
                ]
                subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
                events = map(json.loads, (Path(out) / "log.jsonl").read_text().splitlines())
                return statistics.median([e["tokens_per_second"] for e in events if e["event"] == "step"][1:])

        return speed

    def other():
        done = subprocess.run(shlex.split(against), check=True, capture_output=True, text=True)
        return float(re.findall(r"\d+\.?\d*", done.stdout.replace(",", ""))[-1])

    runs = {"against": other} if against else {}
    in_turn(
        runs
        | {"float32": run("--dtype", "float32"), "auto": run(), "auto, compiled": run("--compile", "true")}
    )


def fineweb(folder, against):
    with (folder / "documents.jsonl").open("w", encoding="utf-8") as file:
        for seed in range(20_000):
            file.write(json.dumps({"text": words(400, seed)}) + "\n")

    def alone():
        import tiktoken

        encoding = tiktoken.get_encoding("gpt2")
        texts = [words(400, seed) for seed in range(2000)]
        begin = time.perf_counter()
        count = sum(len(encoding.encode_ordinary(text)) for text in texts)
        return count / (time.perf_counter() - begin)

    def run(workers):
        def speed():
            with tempfile.TemporaryDirectory(dir=folder) as out:
                source = [
                    "--input",
                    folder / "documents.jsonl",
                    "--out",
                    Path(out) / "out",
                    "--workers",
                    str(workers),
                ]
                begin = time.perf_counter()
                done = subprocess.run(
                    [PYTHON, "fineweb.py", *source], cwd=ROOT, check=True, capture_output=True, text=True
                )
                seconds = time.perf_counter() - begin
                counts = re.findall(r"([\d,]+) (?:tokens )?to (?:train|validate)", done.stdout)
                return sum(int(count.replace(",", "")) for count in counts) / seconds

        return speed

    cores = os.cpu_count()
    in_turn({"tiktoken alone, one core": alone, "one worker": run(1), f"{cores} workers": run(cores)})


def hellaswag(folder, against):
    from config import Config
    from data import get_tokenizer
    from hellaswag import Example, Row, evaluate
    from machine import Machine
    from train_gpt2 import GPT

    draw = random.Random(0)
    encode = get_tokenizer("gpt2").encode_ordinary
    rows = [
        Row(words(draw.randint(5, 50), n), [words(draw.randint(5, 30), 9 * n + k) for k in range(4)], 0)
        for n in range(48)
    ]
    examples = [Example(row, encode, 1024) for row in rows]
    model = GPT(Config(), torch.Generator().manual_seed(0))

    def run(dtype, batch):
        machine = Machine(Config(dtype=dtype))

        def speed():
            begin = time.perf_counter()
            evaluate(model.to(machine.device), examples, machine, batch)
            return len(examples) / (time.perf_counter() - begin)

        return speed

    in_turn(
        {
            f"{dtype}, batch {batch}": run(dtype, batch)
            for dtype in ("float32", "auto")
            for batch in (1, 8, 32)
        },
        2,
    )


def loader(folder, against):
    for index in range(1, 21):
        with (folder / f"train_{index:06d}.bin").open("wb") as file:
            file.write(np.array([20240520, 1, 100_000_000] + [0] * 253, np.int32).tobytes())
            file.truncate(1024 + 200_000_000)  # holes: they take no disk
    tokens_of = f"from data import Shards; tokens = Shards({str(folder)!r}, 'train')"
    program = f"""
import re
{tokens_of}
def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+) kB", open("/proc/self/status").read()).group(1)) / 1024
before = resident()
for number in range(10_000):
    tokens.read(number * 199_999 % (len(tokens) - 1025), 1025)
print(resident() - before)
"""
    run = subprocess.run([PYTHON, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    print(f"  10,000 windows of 20 shards: {float(run.stdout):.1f} MB")


def start(folder, against):
    def seconds():
        with tempfile.TemporaryDirectory(dir=folder) as out:
            command = [PYTHON, "train_gpt2.py", "--out", out]
            begin = time.perf_counter()
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
                for line in process.stdout:
                    if line.startswith("step    1"):
                        break
                process.kill()
            return time.perf_counter() - begin

    in_turn({"seconds to the first step": seconds})


def main():
    parts = {function.__name__: function for function in (training, fineweb, hellaswag, loader, start)}
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument("--against", help="another program, for training")
    options = parser.parse_args()
    if set(options.parts) - parts.keys():
        parser.error(f"the parts are {', '.join(parts)}")
    for name in options.parts or parts:
        print(f"{name}: {torch.__version__}, {os.cpu_count()} cores", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            parts[name](Path(folder), options.against)


if __name__ == "__main__":
    run_program(main)
