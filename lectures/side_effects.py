"""Import train_gpt2 from every folder in a folder; per folder print a JSON list of the side effects.

check.py runs this file in a process of its own, because an import may hang or end Python. The first line of
the output is [] and shows that torch could be imported.
"""

import importlib
import json
import os
import socket
import sys
import tempfile
from pathlib import Path

import torch

ENVIRONMENT, THREADS = dict(os.environ), torch.get_num_threads()


def reset_settings() -> None:
    """Undo what the previous import changed, so that the same change is seen again."""
    torch.seed()  # a new random seed
    torch.set_default_dtype(torch.float32)
    torch.set_num_threads(THREADS)
    torch.set_float32_matmul_precision("highest")
    os.environ.clear()
    os.environ.update(ENVIRONMENT)


def read_settings(folder: Path) -> dict[str, object]:
    """Return what an import must not change."""
    return {
        "torch's random state": torch.get_rng_state().tolist(),
        "torch's default dtype": torch.get_default_dtype(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's matmul precision": torch.get_float32_matmul_precision(),
        "os.environ": dict(os.environ),
        "the files in the folder": sorted(folder.rglob("*")),
    }


def import_program(folder: Path) -> list[str]:
    """Import train_gpt2 from a folder and return the side effects."""
    effects, search_path = [], sys.path[:]

    def refuse(_, address):
        effects.append(f"opens a connection to {address}")
        raise OSError("no connections while train_gpt2 is imported")

    socket.socket.connect = socket.socket.connect_ex = refuse
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    reset_settings()
    before = read_settings(folder)
    try:
        importlib.import_module("train_gpt2")
    except BaseException as error:  # SystemExit, too
        effects.append(f"fails with {type(error).__name__}: {error}".replace("\n", " "))
    effects += [f"changes {name}" for name, value in read_settings(folder).items() if value != before[name]]
    sys.path[:] = search_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(f"{folder}{os.sep}"):
            del sys.modules[name]
    sys.stdout.flush()
    sys.stderr.flush()
    return effects


def main() -> None:
    """Report on each folder in the folder that the command line names."""
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    printed = tempfile.TemporaryFile(buffering=0)  # what the imports print, also below Python
    os.dup2(printed.fileno(), 1)
    os.dup2(printed.fileno(), 2)
    print("[]", file=report, flush=True)
    for folder in sorted(Path(sys.argv[1]).iterdir()):
        start = printed.seek(0, os.SEEK_END)
        effects = import_program(folder) if (folder / "train_gpt2.py").exists() else []
        printed.seek(start)
        if text := printed.read().decode("utf-8", "replace"):
            effects.append(f"prints {text[:60]!r}")
        print(json.dumps(effects), file=report, flush=True)


if __name__ == "__main__":
    main()
