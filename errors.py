"""Errors and warnings for the user, and the frame in which every program of this repository runs."""

import contextlib
import os
import re
import signal
import sys
import time
import traceback

LOST = re.compile(
    "(closed|reset) by peer|timed out waiting|ncclRemoteError|remote process exit", re.IGNORECASE
)
MEMORY = re.compile(
    "out of memory|can't allocate memory|not enough memory|unable to allocate"
    "|memoryerror|alloc_failed|invalid buffer size",  # of Python in a compiler, of cuBLAS, of MPS
    re.IGNORECASE,
)


class UserError(Exception):
    """A problem that the user can fix: one or more lines, each with what to do. The exit code is 2."""


def one_line(error, limit=300):
    """Return an exception as one line, without terminal colors, cut at a word after `limit` characters."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", f"{type(error).__name__}: {error}")
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit].rpartition(' ')[0]} ..."


def printable(text):
    """Return text with escapes in place of control characters, which could move the cursor of a terminal."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def is_out_of_memory(error):
    """Return whether an exception says that the CPU's or a GPU's memory is used up."""
    return isinstance(error, MemoryError) or bool(MEMORY.search(str(error)))


def collect_error(problems, function, *arguments):
    """Return function(*arguments), or None after appending its UserError or OSError to `problems`."""
    try:
        return function(*arguments)
    except UserError as error:
        problems.append(str(error))
    except OSError as error:
        problems.append(one_line(error))


def warn(text):
    """Print a warning on stderr, on rank 0 only."""
    if os.environ.get("RANK", "0") == "0":
        print(f"warning: {printable(text)}", file=sys.stderr, flush=True)


class Output:
    """A text stream that drops its output once it cannot be written: a run must outlive its terminal."""

    def __init__(self, stream):
        self.stream = stream or open(os.devnull, "w", encoding="utf-8")  # None: closed by the shell
        self.stream.reconfigure(errors="backslashreplace", line_buffering=True)
        self.error = None

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        """Write text, unless writing has failed before."""
        self.attempt(self.stream.write, text)
        return len(text)

    def flush(self):
        """Flush the stream, unless writing has failed before."""
        self.attempt(self.stream.flush)

    def attempt(self, function, *arguments):
        """Call function(*arguments); after its first OSError send everything to the null device."""
        try:
            function(*arguments)
        except OSError as error:
            self.error = error
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())


def run_program(main, interrupted="interrupted"):
    """Call main() and exit: 0, 2 after a UserError, 130 after Ctrl-C, 1 with a traceback after a bug.

    Only rank 0 has a standard output. Errors go to stderr. If all ranks fail in the same way, rank 0 prints
    the error: the others wait for 3 seconds, and torchrun ends them when rank 0 ends.
    """
    rank, world = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
    sys.stdout, sys.stderr = Output(sys.stdout if rank == "0" else None), Output(sys.stderr)
    code, lines = 0, []
    try:
        main()
    except SystemExit as error:  # of argparse, after --help or a usage
        code = error.code
    except UserError as error:
        code, lines = 2, [printable(line) for line in str(error).split("\n")]
    except KeyboardInterrupt:
        code, lines = 130, [interrupted]
    except Exception as error:
        if is_out_of_memory(error):
            lines = [f"out of memory: {one_line(error, 120)} (a smaller model, --context or --micro_batch)"]
        elif isinstance(error, OSError):
            lines = [one_line(error)]
        elif world != "1" and LOST.search(str(error)):  # its own lines say why
            lines = ["another rank has ended, or does not answer"]
        else:
            lines = traceback.format_exc().splitlines()
        code = 2 if len(lines) == 1 else 1
    sys.stdout.flush()
    broken = sys.stdout.error
    if not lines and broken and not isinstance(broken, BrokenPipeError):  # `| head` is not an error
        code, lines = 2, [f"cannot write the output: {broken}"]
    if lines and rank != "0":
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        time.sleep(3)
    for line in lines:
        print(line if code == 1 else f"error: {line}", file=sys.stderr)
    if code and world != "1":
        os._exit(code)  # Python's way out would wait for ranks that wait for this one
    sys.exit(code)
