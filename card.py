"""The report card of a machine: is it right, and how fast is it? Make one before you pay for a long run.

    python card.py                                  all parts; a CPU takes them in small
    python card.py speed scaling                    some of them, again
    python card.py --against reports/other.json     beside the card of another machine

facts       GPUs, driver, links between GPUs, versions, speed of the disk with the data
precision   logits of each precision against float64 on the CPU
gradients   8 micro-batches of 1 = 1 of 8; compiled = eager
ranks       all GPUs together = one alone
resume      a run that goes on from its checkpoint = one that was not interrupted
ladder      steps 13 to 23 of the history, the video's A100 beside them
speed       micro-batches with memory and MFU, compile modes, the time a GPU waits for the host
run         validation, HellaSwag, samples, a checkpoint
scaling     1, 2, 4, 8 GPUs

Every part is a process of its own with a time limit. Each number goes to reports/NAME.json when it is there,
and a part that is complete is not repeated. reports/NAME.md is the same as tables.
"""

import contextlib
import copy
import functools
import gc
import io
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass

import hellaswag
import train_gpt2
from config import Config
from data import Shards
from errors import UserError, one_line, run_program
from files import read_json, write_json
from machine import Machine
from plan import peak_memory, random_tokens
from runs import Run, peak_flops

ROOT = Path(__file__).parent
PYTHON = sys.executable
VIDEO = {13: 1000, 14: 333, 15: 300, 16: 130, 17: 96, 18: 93, 23: 90}  # ms per step, A100, 16 x 1024
SMALL = dict(vocab_size=257, tokenizer="bytes", context=64, n_layer=2, n_head=4, n_embd=64)


@dataclass
class Part:
    """What a part has found: {name: number or text}, the limits that some numbers must keep, its error."""

    numbers: dict[str, float | str] = Field(default_factory=dict)
    limits: dict[str, float] = Field(default_factory=dict)
    seconds: float = 0
    error: str = "not finished"

    def wrong(self):
        """List the names of the numbers that are above their limits."""
        return [name for name, limit in self.limits.items() if not float(self.numbers[name]) <= limit]


# ---- What the parts share ----------------------------------------------------------------------------------


def settings(small, rows=8, world=1, **more):
    """Return the Config of steps with so many rows on each rank, of GPT-2 (124M) or of a small model."""
    shape = SMALL if small else dict(context=1024)
    quiet = dict(eval_every=0, hellaswag_every=0, sample_every=0, save_every=0, warmup_steps=1, steps=100)
    sizes = dict(preset="gpt2", micro_batch=rows, batch_tokens=rows * world * shape["context"])
    return Config(**(shape | quiet | sizes | more))


def prepare(config, exact=False):
    """Return the machine, a new model on it, random tokens, and what make_replica returns."""
    machine, tokens = Machine(config), random_tokens(config)
    if exact:
        torch.set_float32_matmul_precision("highest")
    model = train_gpt2.make_model(config).to(machine.device)
    return machine, model, tokens, *train_gpt2.make_replica(model, tokens, config, machine)


def gradient(model, replica, tokens, config, machine):
    """Return the gradient of a step, float32 (parameters,)."""
    model.zero_grad()
    train_gpt2.accumulate_gradients(replica, tokens, config, 0, machine)
    return torch.cat([weight.grad.flatten() for weight in model.parameters()]).clone()


def distance(found, expected):
    """Return how far two tensors are apart, relative to the second."""
    expected = expected.double()
    return ((found.double() - expected).norm() / expected.norm()).item()


def take_steps(config, count=6):
    """Take steps; return tokens/s, the host's milliseconds before it asks for work, the peak of memory in
    bytes, MFU in percent if it is known, and the micro-batch that fits.
    """
    gc.collect()  # the model before
    torch._dynamo.reset()
    machine, model, tokens, replica, config = prepare(config)
    optimizer, seconds, gaps, since = train_gpt2.make_optimizer(model, config, machine), [], [], [0.0]
    replica.register_forward_pre_hook(lambda *_: gaps.append(time.perf_counter() - since[0]))
    for step in range(count):
        since[0] = time.perf_counter()
        train_gpt2.take_step(model, replica, optimizer, tokens, config, step, machine)
        seconds.append(time.perf_counter() - since[0])
    speed, peak = config.batch_tokens / statistics.median(seconds[2:]), peak_flops(machine)
    mfu = 100 * model.flops_per_token(config.context) * speed / peak if peak else None
    gap = 1000 * statistics.median(gaps[2:])
    return speed, gap, peak_memory(machine.device), mfu, config.micro_batch


def program(*words):
    """Run a Python program of this folder to its end; return what it prints. Raises UserError."""
    done = subprocess.run([PYTHON, *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        raise UserError(one_line(UserError((done.stderr or done.stdout).strip()[-300:])))
    return done.stdout


# ---- The parts: each yields (name, number or text), or (name, number, the highest that is right) -----------


def facts(small, data):
    """What is here."""
    machine = Machine(settings(small))
    yield "device", str(machine)
    yield "model", f"{SMALL['n_layer']} layers of {SMALL['n_embd']} channels" if small else "GPT-2 (124M)"
    yield "torch", torch.__version__
    yield "Python", sys.version.split()[0]
    yield "CPU cores", os.cpu_count()
    if torch.cuda.is_available():
        yield "GPUs", torch.cuda.device_count()
        yield "CUDA", str(torch.version.cuda)
        yield "NCCL", ".".join(map(str, torch.cuda.nccl.version()))
    if shutil.which("nvidia-smi"):
        query = ["nvidia-smi", "--query-gpu=driver_version,memory.total", "--format=csv,noheader"]
        yield "driver, memory", subprocess.run(query, capture_output=True, text=True).stdout.split("\n")[0]
        links = subprocess.run(["nvidia-smi", "topo", "-m"], capture_output=True, text=True).stdout
        rows = [line for line in links.splitlines() if line.startswith("GPU")]
        kinds = set(re.findall(r"\b(NV\d+|PIX|PXB|PHB|NODE|SYS)\b", " ".join(rows)))
        yield "links between GPUs", ", ".join(sorted(kinds)) or "none"
    yield "free disk, GB", shutil.disk_usage(".").free / 1e9
    if list(Path(data).glob("*train*.bin")):
        tokens = Shards(data, "train")
        draw, begin = np.random.default_rng(0), time.perf_counter()
        places = draw.integers(len(tokens) - 1025, size=2000).tolist()
        for place in places:
            tokens.read(place, 1025)
        yield "windows of 1,025 tokens per second", len(places) / (time.perf_counter() - begin)


def precision(small, data):
    """Logits against float64 on the CPU."""
    config = settings(small, dtype="float32")
    machine, model = Machine(config), train_gpt2.make_model(config)
    idx = torch.from_numpy(random_tokens(config).read(0, 512).astype(np.int64)).view(-1, 64)  # (8, 64)
    with torch.no_grad():
        expected = model.double()(idx)[0]
        model.float().to(machine.device)
        modes = [("float32", "highest", torch.float32, 1e-4), ("bfloat16", "high", torch.bfloat16, 0.03)]
        modes.append(("float16", "high", torch.float16, 0.005))
        if machine.device.type == "cuda":
            modes.insert(1, ("TF32", "high", torch.float32, 0.003))
        for name, matmul, dtype, limit in modes:
            torch.set_float32_matmul_precision(matmul)
            with torch.autocast(machine.device.type, dtype, enabled=dtype != torch.float32):
                found = model(idx.to(machine.device))[0]
            yield f"logits in {name}: relative error", distance(found.cpu(), expected), limit


def gradients(small, data):
    """Gradients that must be equal, in float32."""
    machine, model, tokens, replica, config = prepare(settings(small, dtype="float32", compile="false"), True)
    whole = gradient(model, replica, tokens, config, machine)
    parts = gradient(model, replica, tokens, replace(config, micro_batch=1), machine)
    yield "8 micro-batches of 1 against 1 of 8", distance(parts, whole), 1e-4
    yield "the same again", distance(gradient(model, replica, tokens, config, machine), whole), 1e-4
    begin, fast = time.perf_counter(), torch.compile(model, dynamic=False)
    yield "compiled against eager", distance(gradient(model, fast, tokens, config, machine), whole), 1e-4
    yield "seconds to compile", time.perf_counter() - begin


def ranks(small, data):
    """The gradient of all ranks against that of one, in float32."""
    world = int(os.environ["WORLD_SIZE"])
    config = settings(small, max(8 // world, 1), world, dtype="float32", compile="false")
    machine, model, tokens, replica, config = prepare(config, True)
    together = gradient(model, replica, tokens, config, machine)
    single = copy.copy(machine)  # batches are remembered by machine
    single.rank, single.world = 0, 1
    model = train_gpt2.make_model(config).to(machine.device)
    alone = gradient(model, model, tokens, config, single)
    yield f"{world} ranks against one", distance(together, alone), 1e-4


def resume(small, data):
    """A resumed run against an uninterrupted one."""
    size = {} if small else dict(n_layer=12, n_head=12, n_embd=768, context=1024, batch_tokens=16384)
    size |= dict(steps=8, save_every=4, keep=0, eval_every=0, sample_every=0, print_every=0)
    words = [word for name, value in size.items() for word in (f"--{name}", value)]
    for mode in ("", " --deterministic"):
        with tempfile.TemporaryDirectory() as folder:
            whole, torn = Path(folder, "whole"), Path(folder, "torn")
            start = [ROOT / "train_gpt2.py", "--data", "laptop", *words, *mode.split()]
            program(*start, "--out", whole)
            shutil.copytree(whole / "step_000004", torn / "step_000004")
            program(*start, "--out", torn, "--resume")
            models = [train_gpt2.GPT.from_pretrained(out / "step_000008") for out in (whole, torn)]
        ends = [torch.nn.utils.parameters_to_vector(model.parameters()) for model in models]
        same = "bit for bit" if torch.equal(*ends) else "not bit for bit"
        yield f"resumed after 4 of 8 steps{mode}", same
        yield f"weights apart{mode}", distance(*ends), 1e-3


def ladder(small, data):
    """The programs of steps 13 to 23 as they are in the history."""
    sizes = "--context 64 --n_layer 1 --n_head 2 --n_embd 64 --batch 2" if small else "--batch 16"
    for number, video in VIDEO.items():
        git = ["git", "-C", str(ROOT)]
        find = [*git, "log", "-1", "--format=%H", "--extended-regexp", f"--grep=^step {number}:"]
        commit = subprocess.run(find, capture_output=True, text=True).stdout.strip()
        if not commit:
            raise UserError("the ladder needs the history of the repository (git clone it without --depth)")
        text = subprocess.run([*git, "show", f"{commit}:train_gpt2.py"], capture_output=True).stdout
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            Path("train_gpt2.py").write_bytes(text)
            Path("input.txt").write_text("All the world's a stage, and all the men merely players. " * 9999)
            words = f"{sizes} --init scratch --samples 0 --steps {4 if small else 10}".split()
            try:
                out = program("train_gpt2.py", *words)
                found = float(re.search(r"median ([\d,]+) ms", out)[1].replace(",", ""))
            except UserError as error:  # the first ones need much memory
                found = str(error)[-100:]
        yield f"step {number}, ms" + ("" if small else f" (video: {video})"), found


def speed(small, data):
    """One GPU: micro-batches, then compile modes with the fastest of them."""
    best, compiler = (0, 0), torch.compile
    for size in (4, 8) if small else (8, 16, 32, 64):
        rate, gap, memory, mfu, fits = take_steps(settings(small, size))
        if fits < size:
            yield f"micro-batch {size}", f"does not fit, {fits} does"
            best = best if best[1] else (rate, fits)
            break
        best = max(best, (rate, size))
        yield f"micro-batch {size}: tokens/s", rate
        if mfu:
            yield f"micro-batch {size}: MFU, %", mfu
        yield f"micro-batch {size}: peak memory, GiB", memory / 2**30
        yield f"micro-batch {size}: host before the first launch, ms", gap
    for mode in ("eager", "default") if small else ("eager", "default", "max-autotune-no-cudagraphs"):
        torch.compile = functools.partial(compiler, mode=None if mode == "eager" else mode)
        begin, choice = time.perf_counter(), "false" if mode == "eager" else "true"
        yield f"{mode}: tokens/s", take_steps(settings(small, best[1], compile=choice))[0]
        yield f"{mode}: seconds with start", time.perf_counter() - begin


def run(small, data):
    """What a run does between steps."""
    config = settings(
        small, 8 if small else 64, val_tokens=2**14 if small else 2**20, samples=4, compile="false"
    )
    machine, model, tokens, replica, config = prepare(config)
    optimizer = train_gpt2.make_optimizer(model, config, machine)
    row = hellaswag.Row("a" * 45, ["b" * 28] * 4, 0)  # 45 + 29 tokens: HellaSwag's means
    examples = [hellaswag.Example(row, lambda text: [*text.encode()], config.context)] * (
        64 if small else 2048
    )
    prompt = torch.zeros(config.samples, 8, dtype=torch.int64, device=machine.device)

    def sample():
        with machine.autocast():
            model.generate(prompt, config.sample_tokens, top_k=50)

    def seconds(function, *arguments):
        begin = time.perf_counter()
        function(*arguments)
        machine.synchronize()
        return time.perf_counter() - begin

    train_gpt2.take_step(model, replica, optimizer, tokens, config, 0, machine)
    model.eval()
    sample()  # warm
    batch = max(config.micro_batch // 4, 1)  # as in training
    yield (
        "validation, tokens/s",
        config.val_tokens / seconds(train_gpt2.validate, model, tokens, config, machine),
    )
    yield (
        "HellaSwag, examples/s",
        len(examples) / seconds(hellaswag.evaluate, model, examples, machine, batch),
    )
    yield "samples, tokens/s", config.samples * config.sample_tokens / seconds(sample)
    with tempfile.TemporaryDirectory(dir=".") as folder:
        saved = Run(Path(folder), config, machine, 1)
        state = dict(step=1, config=asdict(config), data={}, optimizer=optimizer.state_dict())
        yield "checkpoint, seconds", seconds(saved.save, 1, model, state, 0)
        saved.file.close()
        saved.lock.close()


def scaling(small, data):
    """Tokens per second of so many ranks, each with the same work."""
    world = int(os.environ["WORLD_SIZE"])
    yield (
        f"{world} rank{'s' * (world > 1)}, tokens/s",
        take_steps(settings(small, 8 if small else 32, world))[0],
    )


PARTS = {facts: 120, precision: 120, gradients: 240, ranks: 180, resume: 420}  # seconds that it may take
PARTS |= {ladder: 400, speed: 600, run: 240, scaling: 240}


# ---- The driver --------------------------------------------------------------------------------------------


def launch(name, world, limit, options):
    """Run a part in processes of its own, and yield the lines that it prints. Raises UserError."""
    words = [__file__, "--only", name, "--data", options.data] + ["--small"] * options.small
    starter = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={world}"] if world else []
    ended, begin = threading.Event(), time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        pipes = dict(stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True)
        child = subprocess.Popen([PYTHON, *starter, *words], **pipes)

        def watch():
            while not ended.wait(min(8, limit)):
                print(f"  ... {time.monotonic() - begin:.0f} s", flush=True)
                if time.monotonic() - begin > limit:
                    child.terminate()  # torchrun ends its processes

        threading.Thread(target=watch, daemon=True).start()
        try:
            yield from child.stdout
        finally:
            if sys.exc_info()[0]:  # Ctrl-C
                child.terminate()
            code = child.wait()
            ended.set()
            with contextlib.suppress(OSError, AttributeError):  # what is left of it; not on Windows
                os.killpg(child.pid, signal.SIGKILL)
        said.seek(0)
        lines = [line for line in said.read().splitlines() if line.strip()]
    if code and time.monotonic() - begin > limit:
        raise UserError(f"stopped after {limit} s")
    if code:
        errors = [line for line in lines if re.match(r"error: |[\w.]*(Error|Exception)\b", line)]
        raise UserError((errors or lines or [f"exit code {code}"])[0][:300])


def measure(title, function, world, options, card):
    """Run a part and put what it finds into the card, number by number."""
    part, begin = Part(), time.monotonic()
    card[title] = part
    print(f"{title}: {function.__doc__}", flush=True)
    try:
        for line in launch(function.__name__, world, PARTS[function], options):
            if not line.startswith("["):  # what a library prints
                continue
            label, value, *limit = json.loads(line)
            part.numbers[label] = value
            part.limits |= {label: limit[0]} if limit else {}
            state = (" (wrong)" if label in part.wrong() else " (right)") if limit else ""
            print(f"  {label:52} {show(value)}{state}", flush=True)
            save(options.path, card)
        part.error = ""
    except UserError as error:
        part.error = str(error)
        print(f"  {error}", flush=True)
    part.seconds = time.monotonic() - begin
    save(options.path, card)


def save(path, card):
    """Write a card as JSON."""
    write_json(path, {title: asdict(part) for title, part in card.items()})


def show(value):
    """Return a number or a text as the card prints it."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{value:.3g}"


def table(card, other, name, against):
    """Return the card as Markdown, beside another one if there is any."""
    head = ["number", name] + (["against", "ratio"] if other else [])
    lines = [f"# {name}"] + [f"\nagainst: {against}"] * bool(other)
    for title, part in card.items():
        lines += ["", f"## {title} ({part.seconds:.0f} s)", ""] + [f"**{part.error}**\n"] * bool(part.error)
        lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        for label, value in part.numbers.items():
            limit = f" (limit {part.limits[label]:g})" if label in part.limits else ""
            cells = [label + limit, show(value) + " **wrong**" * (label in part.wrong())]
            if other:
                theirs = other[title].numbers.get(label, "") if title in other else ""
                both = isinstance(value, float) and isinstance(theirs, float) and theirs
                cells += [show(theirs), f"{value / theirs:.2f}" if both else ""]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main(arguments=None):
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    names = {function.__name__: function for function in PARTS}
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help="repeat these parts (default: what is missing)"
    )
    parser.add_argument("--name", help="of the card (default: that of the device)")
    parser.add_argument("--against", type=Path, help="another card, a JSON file, to compare with")
    parser.add_argument("--small", action="store_true", help="a small model on a GPU, too")
    parser.add_argument("--data", default="data/fineweb-edu-10B", help="(default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("reports"), help="folder (default: reports)")
    parser.add_argument("--only", choices=names, help="run this part in this process, and print JSON")
    options = parser.parse_args(arguments)
    if options.only:
        return run_part(names[options.only], options)
    if unknown := set(options.parts) - names.keys():
        raise UserError(f"{', '.join(sorted(unknown))} is not a part (the parts are {', '.join(names)})")
    device = torch.accelerator.current_accelerator(check_available=True)
    count = torch.accelerator.device_count() if device else 0
    options.small = options.small or not device
    found = device.type if device else "cpu"
    found = torch.cuda.get_device_name() if found == "cuda" else found
    slug = re.sub(r"[^a-z0-9]+", "-", found.lower()).strip("-")
    name = options.name or f"{slug}-{f'x{count}' if count else f'{os.cpu_count()}-cores'}"
    options.out.mkdir(parents=True, exist_ok=True)
    options.path = options.out / f"{name}.json"
    schema, fix = dict[str, Part], "delete it, and make it again"
    card = read_json(options.path, schema, fix) if options.path.exists() else {}
    other = read_json(options.against, schema, fix) if options.against else {}
    most = count or min(os.cpu_count(), 2)
    for part, function in names.items():
        worlds = [size for size in (1, 2, 4, 8) if size <= most] if part == "scaling" else [0]
        for world in [most] * (most > 1) if part == "ranks" else worlds:
            title = f"{part} {world}" if part == "scaling" else part
            if part in options.parts or not (options.parts or (title in card and not card[title].error)):
                measure(title, function, world, options, card)
    text = table(card, other, name, options.against)
    (options.out / f"{name}.md").write_text(text, encoding="utf-8")
    print(f"{options.out / name}.md is the card")
    problems = [f"{title}: {part.error}" for title, part in card.items() if part.error]
    for title, part in card.items():
        problems += [f"{title}: {label} is {show(part.numbers[label])}" for label in part.wrong()]
    if problems:
        raise UserError("\n".join(problems))


def run_part(function, options):
    """Run a part in this process, and print what it yields as lines of JSON."""
    out = sys.stdout
    with contextlib.redirect_stdout(io.StringIO()):  # what the training prints
        for found in function(options.small, options.data):
            print(json.dumps(found), file=out, flush=True)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        os._exit(0)  # it may hold a DDP: see Machine.shutdown


if __name__ == "__main__":
    run_program(main)
