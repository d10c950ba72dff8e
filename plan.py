"""Plan a run before you rent: parameters, operations, memory, hours and dollars.

    python plan.py --preset gpt2                        on eight GPUs of each kind
    python plan.py --preset gpt3-xl --gpus 1 --mfu 0.5  takes all flags of train_gpt2.py, and these two
    python plan.py --preset gpt2 --measure              takes some steps on this machine, on random tokens
    torchrun --standalone --nproc_per_node=8 plan.py --preset gpt2 --measure

The hours are those of the optimizer steps: validation, HellaSwag and samples are not included. Prices are
Lambda's (lambda.ai/instances, September 2026), per hour: for one of eight GPUs, or for a single A10. The T4
computes in float16. A V100 is missing: the pinned PyTorch does not support it. With --dtype float32 there are
only sizes: the speeds are of 16 bits.
"""

import statistics
import sys
import time
from dataclasses import replace

import numpy as np
import torch

from config import Config, find_problems, parse_config, setting, settings
from data import Tokens
from errors import UserError, collect_error, run_program
from machine import Machine, pick_device, read_ranks
from muon import count_moments
from runs import PEAK_FLOPS, peak_flops
from train_gpt2 import GPT, make_model, make_optimizer, make_replica, micro_steps, take_step

GPUS = {  # memory in GiB, dollars per hour
    "RTX 3060": (12, None),
    "T4": (15, None),
    "RTX 3090": (24, None),
    "RTX 4090": (24, None),
    "L4": (24, None),
    "A10G": (24, None),
    "A10": (24, 1.29),
    "A100 40 GB": (40, 1.99),
    "A100 80 GB": (80, 2.79),
    "H100": (80, 3.99),
    "B200": (180, 6.69),
}
# Bytes that training keeps: per token and channel of a layer (what the backward pass reads), per token and
# row of the table (logits, softmax, gradients), per parameter (itself, gradient, bfloat16 copy).
BYTES = {torch.bfloat16: (36, 14, 10), torch.float32: (64, 16, 8)}
ROOM = 0.83  # of a GPU, for these: then 64 rows of GPT-2 fit into 80 GB and 32 do not into 40, as published


@settings
class Plan(Config):
    """The settings of a run, and those of its plan."""

    gpus: int = setting(8, "number of GPUs", 1, 10**6)
    mfu: float = setting(0.4, "share of the GPUs' peak that the run reaches", 0.01, 1)
    measure: bool = setting(False, "take some steps on this machine, and print how long all would take")


def memory(model, micro_batch, dtype, moments):
    """Estimate the bytes that training takes on a GPU, without torch.compile, which takes less.

    moments are the numbers that the optimizer keeps there.
    """
    channel, row, parameter = BYTES[dtype]
    config = model.config
    token = channel * config.n_layer * config.n_embd + row * len(model.wte.weight)
    return parameter * model.num_parameters() + 4 * moments + micro_batch * config.context * token


def largest_micro_batch(model, rows, most, gib, dtype, moments):
    """Return the largest divisor of a GPU's rows, up to `most`, that fits so many GiB, or 0."""
    sizes = [size for size in range(1, most + 1) if rows % size == 0]
    fitting = [size for size in sizes if memory(model, size, dtype, moments) <= ROOM * gib * 2**30]
    return max(fitting, default=0)


def show(config):
    """Print what a run needs."""
    with torch.device("meta"):  # shapes only
        model = GPT(config)
    tokens, cost = config.steps * config.batch_tokens, model.flops_per_token(config.context)
    dtype = torch.float32 if config.dtype == "float32" else torch.bfloat16
    rows = config.batch_tokens // config.context // config.gpus
    moments = count_moments(model.named_parameters(), config, config.gpus)
    print(f"{config.preset}: {model.num_parameters():,} parameters")
    print(f"the optimizer keeps {moments / 1e6:,.0f} million numbers on a GPU: {4 * moments / 2**30:.1f} GiB")
    print(f"{config.steps:,} steps of {config.batch_tokens:,} tokens: {tokens / 1e9:.2f} billion tokens")
    print(f"{cost / 1e6:,.0f} million operations per token (6 N + 12 L C T): {tokens * cost:.2e} in all")
    print("\nmicro-batch    " + "".join(f"{size:8}" for size in (1, 2, 4, 8, 16, 32, 64)))
    needs = [memory(model, size, dtype, moments) / 2**30 for size in (1, 2, 4, 8, 16, 32, 64)]
    print("GiB of a GPU   " + "".join(f"{gib:8.1f}" for gib in needs))
    timed = dtype == torch.bfloat16  # the peaks are not those of float32
    columns = "    tokens/s     hours   dollars" if timed else "   (--dtype float32: no speeds)"
    print(f"\n{config.gpus} GPUs, {config.mfu:.0%} MFU   micro-batch{columns}")
    for name, (gib, price) in GPUS.items():
        size = largest_micro_batch(model, rows, config.micro_batch or 64, gib, dtype, moments)
        kind = max((kind for kind in PEAK_FLOPS if name.startswith(kind)), key=len)
        speed = config.gpus * config.mfu * PEAK_FLOPS[kind] / cost  # tokens/s
        hours = tokens / speed / 3600
        dollars = f"{hours * config.gpus * price:,.0f}" if price else "-"
        numbers = f" {speed:11,.0f} {hours:9.1f} {dollars:>9}" if timed else ""
        print(f"{name:12}" + (f"{size:16}{numbers}" if size else f"{'too small':>16}"))


def peak_memory(device):
    """Return the peak memory of this process on its device; on the CPU with Python and its libraries."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type != "cpu" or sys.platform == "win32":
        return float("nan")
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def random_tokens(config):
    """Return Tokens that look like nothing: the time of a step does not depend on them."""
    draw = np.random.default_rng(config.seed)
    return Tokens(draw.integers(config.vocab_size, size=2**20 + 1, dtype=np.uint16))


def measure(config, machine):
    """Take steps of one and of two micro-batches, and print what the run would take."""
    tokens = random_tokens(config)
    model = make_model(config).to(machine.device)
    print(f"{config.preset}: {model.num_parameters():,} parameters on {machine}")
    replica, config = make_replica(model, tokens, config, machine)
    optimizer = make_optimizer(model, config, machine)

    def seconds(count):
        size = count * config.micro_batch * config.context * machine.world
        small, times = replace(config, batch_tokens=size), []
        for step in range(4):
            begin = time.perf_counter()
            take_step(model, replica, optimizer, tokens, small, step, machine)
            times.append(time.perf_counter() - begin)
        return statistics.median(times[1:])  # the first one is slow

    one, two = seconds(1), seconds(2)
    step = one + (micro_steps(config, machine.world) - 1) * (two - one)
    speed, peak = config.batch_tokens / step, peak_flops(machine)
    share = f", MFU {model.flops_per_token(config.context) * speed / peak:.1%}" if peak else ""
    print(f"micro-batch {config.micro_batch}: {speed:,.0f} tokens/s{share}, {step:.2f} s per step")
    estimate = ""  # it is for a GPU: on a CPU the peak includes Python and its libraries
    if machine.device.type == "cuda":
        moments = count_moments(model.named_parameters(), config, machine.world)
        size = memory(model, config.micro_batch, machine.dtype, moments)
        estimate = f" (estimate: {size / 2**30:.1f})"
    print(f"peak memory {peak_memory(machine.device) / 2**30:.1f} GiB{estimate}")
    print(f"{config.steps:,} steps take {config.steps * step / 3600:,.1f} hours")


def main(arguments=None):
    config, _, problems = parse_config(arguments, Plan, __doc__)
    ranks = collect_error(problems, read_ranks)
    world = ranks[1] if config.measure and ranks else config.gpus
    problems += find_problems(config, world, {})
    if config.measure:
        collect_error(problems, pick_device, config.device)
    if problems:
        raise UserError("\n".join(problems))
    if not config.measure:
        return show(config)
    machine = Machine(config)
    measure(config, machine)
    machine.shutdown()


if __name__ == "__main__":
    run_program(main)
