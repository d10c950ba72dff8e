"""Run the steps, and compare the numbers that they print with lectures/steps.toml."""

import contextlib
import functools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from history import ROOT, Commit, UserError, by_number, find_step, git, print_table, read_history
from table import TABLE, read_table, table_problems

TESTS_LIMIT = 900  # seconds for the tests of a step

# Python code that finds, downloads or makes what a step needs. Each runs in a process of its own.
FIND_VOCABULARY = "import tiktoken; tiktoken.get_encoding('gpt2')"
FETCH_TEXT = """
import pathlib, urllib.request
url = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
pathlib.Path("input.txt").write_bytes(urllib.request.urlopen(url, timeout=10).read())
"""
FETCH_WEIGHTS = """
import os
os.environ.update(HF_HUB_ETAG_TIMEOUT="5", HF_HUB_DOWNLOAD_TIMEOUT="10")
from huggingface_hub import hf_hub_download
[hf_hub_download("gpt2", name) for name in ("config.json", "model.safetensors")]
"""
MAKE_WEIGHTS = """
import torch, transformers
torch.manual_seed(0)
transformers.GPT2LMHeadModel(transformers.GPT2Config()).save_pretrained("stand-in")
"""


@dataclass
class Result:
    """The outcome of a step; `losses` are those that it printed, None if its command did not succeed."""

    step: Commit
    verdict: str = "ok"
    seconds: float = 0.0
    losses: list[float] | None = None
    tests: str = ""
    remarks: list[str] = field(default_factory=list)

    def add(self, ok: bool, remark: str, output: str = "") -> None:
        """Add a remark; if it is about a failure, print the last 15 lines of `output`."""
        self.remarks.append(remark)
        if not ok:
            self.verdict = "FAILED"
            print("".join(f"\n    {line}" for line in output.splitlines()[-15:]), end="\n" * bool(output))


def replay(words: list[str], revision: str | None, tests: bool) -> int:
    """Run the steps that the words select and print a table of the results; return the exit code."""
    steps, table, results = by_number(read_history(revision)), read_table(revision), {}
    numbers = select(words, steps)
    for problem in table_problems(table):
        raise UserError(problem)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the worktrees are removed then, too
    try:
        with tempfile.TemporaryDirectory(prefix="replay-", ignore_cleanup_errors=True) as scratch:
            for number in numbers:
                results[number] = replay_step(steps[number], table, results, tests, Path(scratch))
    finally:
        git("worktree", "prune")
    rows = [["step", "title", "result", "seconds", *["tests"] * tests, "what"]]
    for number, done in results.items():
        ran = [done.verdict, f"{done.seconds:.1f}", *[done.tests] * tests, "; ".join(done.remarks)]
        rows.append([f"{number:02d}", done.step.title, *ran])
    print()
    print_table(rows)
    return 1 if any(done.verdict == "FAILED" for done in results.values()) else 0


def select(words: list[str], steps: dict[int, Commit]) -> list[int]:
    """Return the numbers that words like 07 and 10-12 name (by default all), and those of their Same-As."""
    numbers = set() if words else set(steps)
    for word in words:
        first, dash, last = word.partition("-")
        first = find_step(steps, first).number
        last = find_step(steps, last).number if dash else first
        if last < first:
            raise UserError(f"{word} is an empty range; write {last:02d}-{first:02d}")
        numbers.update(n for n in steps if first <= n <= last)
    return sorted(numbers | {steps[n].same_as for n in numbers} & steps.keys())


def replay_step(step: Commit, table: dict, results: dict[int, Result], tests: bool, scratch: Path) -> Result:
    """Run a step in a worktree of its own; compare it with its row and with the earlier results."""
    print(f"{step.subject} ... ", end="", flush=True)
    result, tree = Result(step), scratch / f"step-{step.number:02d}"
    row = next((row for row in table["step"] if row["n"] == step.number), None)
    try:
        git("worktree", "add", "--quiet", "--detach", str(tree), step.hash)
        if row is None:
            result.add(False, f"no row in {TABLE}")
        else:
            run_row(result, row, table["losses"], tree, scratch)
            compare_losses(result, results.get(step.same_as), "--dtype bfloat16" in row["run"])
        if tests:
            run_tests(result, tree)
    finally:
        shutil.rmtree(tree, ignore_errors=True)  # `replay` prunes git's record of it
    print(f"{result.verdict} ({result.seconds:.1f} s)")
    return result


def run_row(result: Result, row: dict, losses: str, tree: Path, scratch: Path) -> None:
    """Run the command of a row in `tree` and compare the output with what the row expects."""
    if missing := provide(row.get("needs", []), tree, scratch):
        result.verdict, result.remarks = "skipped", [f"needs {missing}"]
        return
    programs = {"python": [sys.executable], "torchrun": [sys.executable, "-m", "torch.distributed.run"]}
    code, output, start, limit = 0, "", time.monotonic(), 4 * row["seconds"]
    for words in map(shlex.split, row["run"].split(" && ")):
        if code == 0:
            command = programs.get(words[0], words[:1]) + words[1:]
            code, more = run(command, tree, start + limit - time.monotonic())
            output += more
    result.seconds = time.monotonic() - start
    if code != 0:
        killed = f"killed after {limit:g} s, 4 times its seconds"
        result.add(False, killed if code is None else f"exit code {code}", output)
    else:
        result.losses = [to_number(text) for text in re.findall(losses, output)]
        for expect in row.get("expect", []):
            result.add(*compare(expect, output))
    if (tree / "gpt2").exists():
        result.add(True, "random stand-in weights")


def provide(needs: list[str], tree: Path, scratch: Path) -> str:
    """Put what a command needs into `tree`; return what this machine lacks, "" if nothing."""
    if "vocab" in needs and not works(FIND_VOCABULARY, scratch):
        return "GPT-2's vocabulary (tiktoken's cache or a network)"
    if "2 processes" in needs and os.cpu_count() == 1:
        return "2 processes (two CPU cores)"
    if "text" in needs and not (tree / "input.txt").exists():
        text = (ROOT if (ROOT / "input.txt").exists() else scratch) / "input.txt"
        if not text.exists() and not works(FETCH_TEXT, scratch):
            return f"tiny Shakespeare, and there is no network to fetch it (save it as {ROOT / 'input.txt'})"
        shutil.copy(text, tree)
    if "weights" in needs and not works(FETCH_WEIGHTS, scratch, 1800):
        if not works(MAKE_WEIGHTS, scratch, 300):
            return "OpenAI's weights (a network), or transformers to make random ones"
        shutil.copytree(scratch / "stand-in", tree / "gpt2")
    return ""


@functools.cache
def works(code: str, folder: Path, limit: float = 60) -> bool:
    """Run Python code in `folder` and return whether it succeeded; each code runs once."""
    return run([sys.executable, "-c", code], folder, limit)[0] == 0


def run(command: list[str], folder: Path, limit: float) -> tuple[int | None, str]:
    """Run a command for at most `limit` seconds; return its exit code (None: killed) and output."""
    settings = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    with tempfile.TemporaryFile() as log:  # a pipe would stay open as long as any grandchild lives
        streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        process = subprocess.Popen(command, cwd=folder, env=settings, start_new_session=True, **streams)
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(limit)
        finally:
            code, size = process.returncode, os.fstat(log.fileno()).st_size
            if code is None:
                kill_tree(process)  # what it prints as it ends is left out
        log.seek(0)
        return code, log.read(size).decode("utf-8", "replace").replace("\r\n", "\n")


def kill_tree(process: subprocess.Popen) -> None:
    """Kill a process and its children."""
    if os.name == "nt":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True)
    else:
        for name in (signal.SIGTERM, signal.SIGKILL):  # torchrun ends its workers, each a group, on SIGTERM
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                os.killpg(process.pid, name)
                process.wait(10)
    process.wait()


def compare(expect: dict, output: str) -> tuple[bool, str]:
    """Compare the number that a command printed with the expected one; return whether it fits, and both."""
    matches = re.findall(expect["find"], output)
    if not matches:
        return False, f"nothing matches {expect['find']!r}"
    text = matches[-1 if expect.get("last") else 0]
    if "below" in expect:
        return to_number(text) < expect["below"], f"{text} (expected: below {expect['below']})"
    value, tolerance = expect["value"], expect.get("tolerance", 0)
    wanted = f"{value} +- {tolerance}" if tolerance else f"{value}"
    return abs(to_number(text) - value) <= tolerance, f"{text} (expected: {wanted})"


def to_number(text: str) -> float:
    """Convert a number that may have thousands separators; other text becomes NaN, which equals nothing."""
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return float("nan")


def compare_losses(result: Result, base: Result | None, bfloat16: bool) -> None:
    """Compare the losses of a step with Same-As one by one with those of that step, `base`."""
    if not result.step.same_as or result.losses is None:
        return
    name = f"step {result.step.same_as:02d}"
    if base is None or base.losses is None:
        result.add(True, f"losses not compared with {name}: {base.verdict if base else 'not asked for'}")
    elif not result.losses or len(result.losses) != len(base.losses):
        result.add(False, f"{len(result.losses)} losses, {name} has {len(base.losses)}")
    else:
        pairs = zip(result.losses, base.losses, strict=True)
        unequal = [(a, b) for a, b in pairs if not abs(a - b) <= (0.02 if bfloat16 else 1e-4 * abs(b))]
        wrong = [f"loss {a}, in {name} {b}" for a, b in unequal[:1]]
        result.add(not wrong, *(wrong or [f"all {len(base.losses)} losses equal those of {name}"]))


def run_tests(result: Result, tree: Path) -> None:
    """Run the tests of a step, except the tests of these tools."""
    if not {path.name for path in tree.glob("tests/test_*.py")} - {"test_steps.py"}:
        return
    options = ["-q", "-x", "tests", "-p", "no:cacheprovider", "--color=no", "--ignore=tests/test_steps.py"]
    code, output = run([sys.executable, "-m", "pytest", *options], tree, TESTS_LIMIT)
    counts = re.findall(r"(no tests ran|\d+ \w+(?:, \d+ \w+)*) in [\d.]+s", output)
    result.tests = counts[-1] if counts else "no result"
    if code not in (0, 5):  # 5: every file was skipped as a whole
        result.add(False, "the tests fail", output)
