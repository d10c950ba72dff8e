"""The machine a process runs on, decided once: its device, its precision, and its rank among the others."""

import ctypes
import datetime
import functools
import gc
import os
import re
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

import torch
import torch.distributed as dist
from torch.amp import GradScaler
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import bf16_compress_hook

from errors import UserError

# The limit of a container, in version 2 of Linux's control groups and in version 1.
CGROUP_LIMITS = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
FASTEST = {torch.bfloat16: (8, 0), torch.float16: (7, 0)}  # CUDA: from which compute capability on
TIMEOUT = datetime.timedelta(minutes=30)  # for ranks that wait while rank 0 downloads, samples or saves


def read_ranks():
    """Return rank, world size, and rank and world size on this computer, as torchrun sets them. UserError."""
    names = {"RANK": "0", "WORLD_SIZE": "1"}
    names |= {
        "LOCAL_RANK": os.environ.get("RANK", "0"),
        "LOCAL_WORLD_SIZE": os.environ.get("WORLD_SIZE", "1"),
    }
    values = {name: os.environ.get(name, default) for name, default in names.items()}
    for name, value in values.items():
        if not re.fullmatch("0|[1-9][0-9]{0,5}", value):
            raise UserError(
                f"{name} is {value!r} in the environment, not a number (unset it, or use torchrun)"
            )
    rank, world, local_rank, local_world = map(int, values.values())
    limits = [("RANK", "WORLD_SIZE", world - 1), ("LOCAL_RANK", "LOCAL_WORLD_SIZE", local_world - 1)]
    for name, count, most in [*limits, ("LOCAL_WORLD_SIZE", "WORLD_SIZE", world)]:
        if int(values[name]) > most:
            reason = f"{name} is {values[name]} in the environment, but {count} {values[count]}"
            raise UserError(f"{reason} (unset both, or use torchrun)")
    if world > 1 and "MASTER_ADDR" not in os.environ:
        raise UserError(
            f"WORLD_SIZE is {world} in the environment, but MASTER_ADDR is not set (use torchrun)"
        )
    return rank, world, local_rank, local_world


class Machine:
    """A process's device, precision and rank, for a Config.

    Of the Config it reads device, dtype, compile and deterministic, and decides the first three. autocast()
    is a context for the forward pass, scaler keeps the gradients of float16 in its range (other types need
    none), synchronize() waits for the device, stopping is whether a signal has asked the run to end.
    """

    def __init__(self, config):
        self.rank, self.world, self.local_rank, self.local_world = read_ranks()
        self.device = pick_device(config.device)
        self.dtype = pick_dtype(config.dtype, self.device)
        mixed = self.dtype != torch.float32
        self.autocast = functools.partial(torch.autocast, self.device.type, self.dtype, enabled=mixed)
        # Micikevicius et al. 2018, section 3.2: the loss times a scale, halved when a gradient overflows.
        self.scaler = GradScaler(self.device.type, enabled=self.dtype == torch.float16)
        self.compile = config.compile == "true" or (config.compile == "auto" and self.device.type == "cuda")
        if self.device.type == "cpu" and sys.platform == "linux":
            keep_freed_memory()
        self.synchronize = torch.get_device_module(self.device).synchronize
        self.stopping = False  # see stop_on_signals
        if config.deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS needs it
            torch.use_deterministic_algorithms(True, warn_only=True)
        if self.world > 1:
            self.init_process_group()
        torch.set_float32_matmul_precision("high")  # TF32: CUDA multiplies matrices with 10 bits of mantissa

    def __str__(self):
        ranks = f"{self.world} x " if self.world > 1 else ""
        name = f" ({torch.cuda.get_device_name(self.device)})" if self.device.type == "cuda" else ""
        return f"{ranks}{self.device}{name} in {str(self.dtype).removeprefix('torch.')}"

    def init_process_group(self):
        """Take this process's own device of the computer, and connect to the other ranks. Or UserError."""
        device = None
        if self.device.type != "cpu":
            module = torch.get_device_module(self.device)
            if self.local_world > module.device_count():
                fix = f"use --nproc_per_node={module.device_count()}, or --device cpu"
                found = f"{module.device_count()} x {self.device}"
                raise UserError(f"{self.local_world} processes on this computer, but {found} ({fix})")
            module.set_device(self.local_rank)
            device = torch.device(self.device.type, self.local_rank)
        # DDP imports this module, whose functions keep the group that exists at that moment: see shutdown.
        from torch.distributed.nn import functional  # noqa: F401

        try:
            if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True":  # torchrun: it has the store open
                die_with_parent()
                address = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
                socket.create_connection(address, timeout=60).close()  # rendezvous would retry for TIMEOUT
            store, rank, world = next(dist.rendezvous("env://", timeout=TIMEOUT))
        except (OSError, ValueError, RuntimeError) as error:  # dist.DistError is a RuntimeError
            raise UserError(f"cannot connect to the other ranks: {error} (use torchrun)") from error
        if self.local_world == self.world:  # one computer
            # torchrun keeps its store over restarts: do not let a rank find the address of a dead one.
            store = dist.PrefixStore(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"), store)
        backend = dist.get_default_backend_for_device(self.device)  # nccl, or gloo on CPUs
        more = dict(timeout=TIMEOUT, device_id=device if backend == "nccl" else None)
        dist.init_process_group(backend, store=store, rank=rank, world_size=world, **more)

    def shutdown(self):
        """Leave the process group, when all ranks have come here and nothing refers to a DDP any more."""
        if self.world > 1:
            dist.barrier()
            dist.destroy_process_group()
            gc.collect()  # DDP holds the group in a cycle, and with it threads that may abort as Python ends

    def place(self, *tensors):
        """Copy tensors to the device. CUDA copies from pinned memory while this process goes on."""
        if self.device.type != "cuda":  # MPS would read memory that may be free again
            return [tensor.to(self.device) for tensor in tensors]
        return [tensor.contiguous().pin_memory().to(self.device, non_blocking=True) for tensor in tensors]

    def mean(self, tensor):
        """Replace a tensor by its mean over the ranks, on every rank."""
        if self.world > 1:
            dist.all_reduce(tensor)
            tensor /= self.world
        return tensor

    def sum(self, *numbers):
        """Return the sums of numbers over the ranks, in float64, on every rank."""
        if self.world > 1:
            tensor = torch.tensor(numbers, dtype=torch.float64, device=self.device)
            dist.all_reduce(tensor)
            numbers = tensor.tolist()
        return numbers

    def from_rank_0(self, function):
        """Return on every rank what function() returns on rank 0."""
        answer = [function() if self.rank == 0 else None]
        if self.world > 1:
            dist.broadcast_object_list(answer)
        return answer[0]

    def gather(self, value):
        """Return the value of each rank, on every rank."""
        values = [value] * self.world
        if self.world > 1:
            dist.all_gather_object(values, value)
        return values

    def stop_on_signals(self):
        """Let the first SIGTERM or Ctrl-C set .stopping, so that a run ends cleanly; a second kills it."""
        names = ["SIGTERM", "SIGINT"]
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # not under nohup
            names.append("SIGHUP")  # the terminal is gone
        numbers = [getattr(signal, name) for name in names]

        def stop(number, frame):
            self.stopping = True
            for number in numbers:
                signal.signal(number, signal.SIG_DFL)
            with suppress(OSError):
                os.write(2, b"stopping after this step; a second signal stops at once\n")  # print may be busy

        for number in numbers:
            signal.signal(number, stop)


def average_in_bf16(group, bucket):
    """Average a bucket of gradients over the ranks as DDP does, but send bfloat16: a hook of DDP."""
    return bf16_compress_hook(group, bucket)  # DDP refuses that name without CUDA, though gloo can do it


def share_work(function, batch):
    """Return function(batch) on every rank, where each rank has worked on its share of the batch.

    function maps a tensor (count, ...) to one of the same shape, row by row.
    """
    if not dist.is_initialized():
        return function(batch)
    size = -(-len(batch) // dist.get_world_size())  # the last shares are smaller, or empty
    mine = function(batch[dist.get_rank() * size :][:size])
    mine = torch.cat([mine, mine.new_zeros(size - len(mine), *batch.shape[1:])])
    shares = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
    dist.all_gather(shares, mine)
    return torch.cat(shares)[: len(batch)]


def die_with_parent():
    """Let Linux kill this process when its parent ends: without torchrun nobody would end a rank."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform == "linux" else None
    if prctl:
        PR_SET_PDEATHSIG = 1
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def keep_freed_memory():
    """Make glibc reuse large blocks of memory instead of returning each to the kernel: see mallopt(3)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt:
        M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)


def check_memory(size):
    """Raise UserError if weights of that many bytes do not fit into the memory of computer and container."""
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):  # not on Windows
        here = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        for limit in CGROUP_LIMITS:
            with suppress(OSError, ValueError):  # no such file, or "max"
                here = min(here, int(Path(limit).read_text()))
        if size > here:
            reason = (
                f"the weights need {size / 2**30:,.0f} GiB, and this computer has {here / 2**30:,.0f} GiB"
            )
            raise UserError(f"{reason} (use smaller --n_layer, --n_embd or --context)")


def pick_device(name):
    """Return the device of that name; auto is the accelerator that PyTorch finds, else the CPU. UserError."""
    best = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    known = {"auto": best, "cpu": torch.device("cpu"), best.type: best}
    if name not in known:
        raise UserError(f"--device {name} is not available (there is {', '.join(known)})")
    return known[name]


def check_device(device, config, world):
    """List why a run should not start on this device: a CPU that nobody asked for, a GPU that is too old."""
    if device.type == "cpu" and config.device == "auto":
        fix = "check the GPU with nvidia-smi, or add --device cpu"
        if config.preset.startswith("gpt"):
            return [f"--preset {config.preset} on a CPU would take months: PyTorch finds no GPU ({fix})"]
        if world > 1 and torch.version.cuda:
            return [f"{world} ranks, and PyTorch finds no GPU ({fix})"]
    if device.type == "cuda" and torch.version.cuda:  # AMD's GPUs are of that type, too
        major, minor = torch.cuda.get_device_capability(device)
        built = re.findall(r"sm_(\d+)(\d)a?\b", " ".join(torch.cuda.get_arch_list()))
        if not any(int(first) == major and int(second) <= minor for first, second in built):
            reason = f"{torch.cuda.get_device_name(device)} has compute capability {major}.{minor}"
            return [f"{reason}, which this PyTorch was not built for (see ERRATA.md, 'T4, V100')"]
    return []


def pick_dtype(name, device):
    """Return the precision of that name; auto is the best of those that are fast on this hardware.

    That is bfloat16 where the hardware has it, else float16 on a GPU with tensor cores, else float32.
    """
    if name != "auto":
        return getattr(torch, name)
    if device.type == "cuda":
        capability = torch.cuda.get_device_capability(device)  # GPUs before 8.0 only emulate bfloat16
        return next((t for t, least in FASTEST.items() if capability >= least), torch.float32)
    features = getattr(torch.cpu, "get_capabilities", dict)() if device.type == "cpu" else {}
    native = any(features.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))  # x86, Arm
    return torch.bfloat16 if native else torch.float32
