"""Processes for tests: programs and ranks that start in milliseconds, and torchrun.

A server imports PyTorch and the programs once; each process is a fork of it (multiprocessing's forkserver).
Where that is not safe, each process is a new Python.
"""

import contextlib
import functools
import multiprocessing
import os
import runpy
import subprocess
import sys
import time
from multiprocessing import connection, forkserver
from pathlib import Path
from unittest import mock

from torch import distributed

ROOT = Path(__file__).parent.parent
TIMEOUT = 120  # seconds, for whatever a test waits for
PRELOAD = ["processes", "train_gpt2", "fineweb", "datasets", "matplotlib.backends.backend_agg"]
PRELOAD += ["matplotlib.figure", "torch.distributed.launcher"]
PRELOAD += ["torch._dynamo"]  # AdamW and DDP import it
QUICK = ["--run_path", "--start_method=fork"]  # options of torchrun: its ranks are forks, not new Pythons
QUICK = QUICK if sys.platform == "linux" else []
# A fork inherits torchrun's handlers, which do not run while PyTorch waits for another rank; a new Python
# has none. Without this a rank that waits would be killed 30 seconds after torchrun has asked it to end.
FRESH = "import signal\nfor number in 1, 2, 3, 15:\n    signal.signal(number, signal.SIG_DFL)\n"


@functools.cache
def server():
    """Return the multiprocessing context of the server, and start it."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    with mock.patch.dict(os.environ, PYTHONPATH=path):  # it says nothing of modules that it does not find
        forkserver.ensure_running()
    return context


def run_program(program, words, folder, output, variables):
    """Run a program in this process as its main program; see start."""
    os.chdir(folder)
    os.environ.update(variables)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(file, descriptor)
    sys.argv = [str(program), *map(str, words)]
    if isinstance(program, Path):
        runpy.run_path(str(program), run_name="__main__")
    else:
        runpy.run_module(program, run_name="__main__", alter_sys=True)


@contextlib.contextmanager
def start(program, *words, folder, output=os.devnull, **variables):
    """Start a program, a Path or the name of a module, in a folder; at the end of the block it is killed.

    It has the words on its command line and the variables in its environment, and appends its standard output
    and its errors to the file `output`. The value of the block is a multiprocessing.Process.
    """
    process = server().Process(target=run_program, args=(program, words, folder, output, variables))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def run_ranks(folder, script, ranks, *words):
    """Run a script on so many ranks in a folder: returns an exit code and all output.

    The environment is that of torchrun, but there is no launcher. If a rank fails, the others are killed.
    """
    path, output = Path(folder, "worker.py"), Path(folder, "output.txt")
    path.write_text(script, encoding="utf-8")
    output.write_text("")
    store = distributed.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    shared = dict(WORLD_SIZE=str(ranks), LOCAL_WORLD_SIZE=str(ranks), TORCHELASTIC_USE_AGENT_STORE="True")
    shared |= dict(MASTER_ADDR="localhost", MASTER_PORT=str(store.port), folder=folder, output=output)
    with contextlib.ExitStack() as stack:
        processes = []
        for rank in map(str, range(ranks)):
            process = start(path, *words, RANK=rank, LOCAL_RANK=rank, **shared)
            processes.append(stack.enter_context(process))
        end = time.monotonic() + TIMEOUT
        while running := [process for process in processes if process.exitcode is None]:
            connection.wait([process.sentinel for process in running], timeout=1)
            assert time.monotonic() < end, f"after {TIMEOUT} s: {output.read_text(encoding='utf-8')}"
            if any(process.exitcode for process in processes):
                break
        codes = [process.exitcode for process in processes if process.exitcode]
    return codes[0] if codes else 0, output.read_text(encoding="utf-8")


def torchrun(folder, script, ranks, *words, options=QUICK):
    """Run a script on so many ranks in a folder with torchrun: returns its exit code and all output."""
    path, output = Path(folder, "worker.py"), Path(folder, "output.txt")
    path.write_text((FRESH if options else "") + script, encoding="utf-8")
    output.write_text("")
    words = ["--standalone", f"--nproc_per_node={ranks}", *options, path, *words]
    options = dict(folder=folder, output=output, PYTHONPATH=str(ROOT))
    with start("torch.distributed.run", *words, **options) as process:
        process.join(TIMEOUT)
        if process.is_alive():
            process.terminate()  # it ends the ranks
            process.join(TIMEOUT)
            raise AssertionError(f"after {TIMEOUT} s: {output.read_text(encoding='utf-8')}")
    return process.exitcode, output.read_text(encoding="utf-8")


def living():
    """Return the parent of each process of this computer that has not ended: {pid: pid}."""
    table = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,state="], capture_output=True, text=True).stdout
    rows = map(str.split, table.splitlines())
    return {int(pid): int(parent) for pid, parent, state in rows if state[0] != "Z"}


def descendants(pid):
    """Return the processes that a process has started, and those that they have."""
    parents, found = living(), [pid]
    for member in found:
        found += [child for child, parent in parents.items() if parent == member]
    return found[1:]


def wait_for_end(pids):
    """Wait until none of these processes is left."""
    end = time.monotonic() + TIMEOUT
    while left := living().keys() & set(pids):
        assert time.monotonic() < end, f"these processes are left: {sorted(left)}"
        time.sleep(0.05)
