"""What a process runs on, decided once: its device, its precision, and its rank among the others."""

import ctypes
import functools
import gc
import os
import signal
import sys

import torch
import torch.distributed as dist

from fineweb import UserError


class Machine:
    """What this process runs on, decided once: its device, its precision, and its rank among the others."""

    def __init__(self, config):
        self.device = pick_device(config.device)
        self.dtype = pick_dtype(config.dtype, self.device)
        mixed = self.dtype != torch.float32
        self.autocast = functools.partial(torch.autocast, self.device.type, self.dtype, enabled=mixed)
        self.compile = config.compile == "true" or (config.compile == "auto" and self.device.type == "cuda")
        if self.device.type == "cpu" and sys.platform == "linux":
            keep_freed_memory()
        self.synchronize = torch.get_device_module(self.device).synchronize
        self.rank = int(os.environ.get("RANK", 0))  # torchrun sets these
        self.world = int(os.environ.get("WORLD_SIZE", 1))
        self.stopping = False  # see stop_on_signals
        if config.deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS wants that
            torch.use_deterministic_algorithms(True, warn_only=True)
        if self.world > 1:
            self.join()
        torch.set_float32_matmul_precision("high")  # TF32: CUDA multiplies matrices with 10 bits of mantissa

    def __str__(self):
        ranks = f"{self.world} x " if self.world > 1 else ""
        name = f" ({torch.cuda.get_device_name(self.device)})" if self.device.type == "cuda" else ""
        return f"{ranks}{self.device}{name} in {str(self.dtype).removeprefix('torch.')}"

    def join(self):
        """Take this process's own device of the computer, and meet the other ranks."""
        if self.device.type != "cpu":
            module = torch.get_device_module(self.device)
            here, count = int(os.environ.get("LOCAL_WORLD_SIZE", self.world)), module.device_count()
            if here > count:
                remedy = f"use --nproc_per_node={count}, or --device cpu"
                raise UserError(f"{here} processes on this computer, but {count} x {self.device} ({remedy})")
            module.set_device(int(os.environ.get("LOCAL_RANK", self.rank)))
        # DDP needs this module, whose functions keep a group that is there when it is imported: see leave.
        from torch.distributed.nn import functional  # noqa: F401

        store, rank, world = next(dist.rendezvous("env://"))
        if os.environ.get("LOCAL_WORLD_SIZE") == os.environ["WORLD_SIZE"]:  # one computer
            # torchrun keeps its store over restarts: so that no rank finds the address of a dead one.
            store = dist.PrefixStore(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"), store)
        backend = dist.get_default_backend_for_device(self.device)  # nccl, or gloo on CPUs
        dist.init_process_group(backend, store=store, rank=rank, world_size=world)

    def leave(self):
        """Part from the other ranks, when all have come here and nobody holds a DDP any more."""
        if self.world > 1:
            dist.barrier()
            dist.destroy_process_group()
            gc.collect()  # DDP holds the group in a cycle, and with it threads that may abort as Python ends

    def mean(self, tensor):
        """Replace a tensor by its mean over the ranks, on every rank."""
        if self.world > 1:
            dist.all_reduce(tensor)
            tensor /= self.world
        return tensor

    def sum(self, *numbers):
        """The sums of some numbers over the ranks, in float64, on every rank."""
        if self.world > 1:
            tensor = torch.tensor(numbers, dtype=torch.float64, device=self.device)
            dist.all_reduce(tensor)
            numbers = tensor.tolist()
        return numbers

    def from_rank_0(self, function):
        """What function() returns on rank 0, on every rank."""
        answer = [function() if self.rank == 0 else None]
        if self.world > 1:
            dist.broadcast_object_list(answer)
        return answer[0]

    def stop_on_signals(self):
        """Let the first SIGTERM or Ctrl-C set .stopping, so that a run ends in order; a second kills it."""
        names = ("SIGTERM", "SIGINT", "SIGHUP")  # the last one: the terminal is gone; not on Windows
        numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]

        def stop(number, frame):
            self.stopping = True
            for number in numbers:
                signal.signal(number, signal.SIG_DFL)
            os.write(2, b"stopping after this step; a second signal stops at once\n")  # print may be busy

        for number in numbers:
            signal.signal(number, stop)


def keep_freed_memory():
    """Make glibc reuse large blocks of memory, instead of returning each to the kernel: see mallopt(3)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt:
        M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)


def pick_device(name):
    """The device of that name; auto is the accelerator that PyTorch finds (CUDA, MPS, ...), else the CPU."""
    best = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    known = {"auto": best, "cpu": torch.device("cpu"), best.type: best}
    if name not in known:
        raise UserError(f"--device {name} is not here (there is {', '.join(known)})")
    return known[name]


def pick_dtype(name, device):
    """The precision of that name; auto is bfloat16 where the hardware multiplies in it, else float32."""
    if name != "auto":
        return getattr(torch, name)
    native = False
    if device.type == "cuda":
        native = torch.cuda.get_device_capability(device) >= (8, 0)  # older GPUs only emulate it
    elif device.type == "cpu":
        features = getattr(torch.cpu, "get_capabilities", dict)()
        native = features.get("avx512_bf16", False) or features.get("amx_bf16", False)
    return torch.bfloat16 if native else torch.float32
