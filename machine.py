"""What a process runs on: its device and its precision."""

import ctypes

import torch

from fineweb import UserError


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
    choices = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if name != "auto":
        if name not in choices:
            raise UserError(f"--dtype {name} is unknown (auto, {', '.join(choices)})")
        return choices[name]
    native = False
    if device.type == "cuda":
        native = torch.cuda.get_device_capability(device) >= (8, 0)  # older GPUs only emulate it
    elif device.type == "cpu":
        features = getattr(torch.cpu, "get_capabilities", dict)()
        native = features.get("avx512_bf16", False) or features.get("amx_bf16", False)
    return torch.bfloat16 if native else torch.float32
