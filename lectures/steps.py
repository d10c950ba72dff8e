"""List, check, replay and index the commits of this lecture. Needs Python 3.11 and git, nothing else.

    python lectures/steps.py list               the steps: number, title, commit, size, time in the video
    python lectures/steps.py check              does every commit keep the rules of this history?
    python lectures/steps.py replay 07 10-12    run these steps and compare the numbers they print
    python lectures/steps.py replay --tests     run every step, and the tests each step has
    python lectures/steps.py index              write the tables of steps, and the line on top of each page
    python lectures/steps.py index --check      are they as the history and lectures/steps.toml have it?

The commands that `replay` runs and the numbers it expects are in lectures/steps.toml. Exit code: 0 if all is
well, 1 if a rule is broken or a step fails, 2 if there is nothing to look at (bad arguments, no history).
"""

import argparse
import ast
import contextlib
import functools
import importlib.util
import io
import json
import os
import re
import shlex
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = "lectures/steps.toml"
SUBJECTS = {
    "step": r"step \d\d: \S.*",
    "notes": r"notes \d\d: \S.*",
    "fix": r"fix E\d\d: \S.* \(steps? \d\d(-\d\d)?\)",
    "index": r"index: \S.*",
    "repo": r"repo: \S.*",
}
TRAILERS = {"Part": r"\d+ \S.*", "Video": r"\d:[0-5]\d:[0-5]\d", "Same-As": r"(?!00)\d\d"}
SUBJECT_LIMIT, BODY_LIMIT = 60, 12  # characters, lines
SIZE_LIMITS = {"train_gpt2.py": 80, "fineweb.py": 120, "hellaswag.py": 120}  # added + removed lines of a step
TESTS_LIMIT = 900  # seconds for the tests of a step
NEEDS = {"vocab": "GPT-2's vocabulary", "text": "tiny Shakespeare", "weights": "OpenAI's weights"}
NEEDS |= {"2 processes": "two processes"}
VIDEO = "https://youtu.be/l8pRSuU81PU"
FORMS = {  # what the values in steps.toml can be
    "a number": lambda value: isinstance(value, int | float),
    "a number above 0": lambda value: isinstance(value, int | float) and value > 0,
    "a number, 0 or more": lambda value: isinstance(value, int | float) and value >= 0,
    "true or false": lambda value: isinstance(value, bool),
    "a text": lambda value: isinstance(value, str) and value.strip(),
    "a list of texts": lambda value: is_list(value, str),
    "a list of tables": lambda value: is_list(value, dict),
    f"a list of {[*NEEDS]}": lambda value: is_list(value, str) and set(value) <= set(NEEDS),
    "a pattern with one group": lambda value: isinstance(value, str) and count_groups(value) == 1,
}
CONFIG = {"losses": "a pattern with one group", "step": "a list of tables"}
ROW = {"n": "a number above 0", "title": "a text", "run": "a text", "seconds": "a number above 0"}
ROW_OPTIONS = {
    "page": "a text",
    "files": "a list of texts",
    "needs": f"a list of {[*NEEDS]}",
    "expect": "a list of tables",
}
EXPECT = {"find": "a pattern with one group"}
EXPECT_OPTIONS = {"last": "true or false", "tolerance": "a number, 0 or more"}
EXPECT_OPTIONS |= {"value": "a number", "below": "a number"}

# Run in processes of their own: these show whether a thing is there; or they fetch it, or make it.
FIND_VOCABULARY = "import tiktoken; tiktoken.get_encoding('gpt2')"
FIND_DISTRIBUTED = "import os, torch.distributed as d; assert os.cpu_count() >= 2 and d.is_available()"
FETCH_TEXT = """
import pathlib, urllib.request
url = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
with urllib.request.urlopen(url, timeout=10) as response:
    assert response.status == 200
    pathlib.Path("input.txt").write_bytes(response.read())
"""
FETCH_WEIGHTS = """
import os, pathlib
os.environ.update(HF_HUB_ETAG_TIMEOUT="5", HF_HUB_DOWNLOAD_TIMEOUT="10")
from huggingface_hub import snapshot_download
names = ["config.json", "model.safetensors"]
folder = pathlib.Path(snapshot_download("gpt2", allow_patterns=names))
assert all((folder / name).exists() for name in names)
"""
MAKE_WEIGHTS = """
import torch, transformers
torch.manual_seed(0)
transformers.GPT2LMHeadModel(transformers.GPT2Config()).save_pretrained("stand-in")
"""


class Stop(Exception):
    """There is nothing to look at: told in one line, exit code 2."""


class Skip(Exception):
    """A step cannot be run here, and why."""


# The history.


@dataclass
class Commit:
    """One commit; `kind` is a key of SUBJECTS or "", `number` that of a step or 0."""

    hash: str
    parents: list[str]
    subject: str
    kind: str
    number: int
    body: list[str]  # lines, without the trailers and the blank line before them
    trailers: dict[str, str]
    changes: dict[str, tuple[int, int]]  # path -> added and removed lines

    def __str__(self) -> str:
        return f"{self.hash[:7]} {self.subject.split(':')[0]}"

    @property
    def title(self) -> str:
        """What the subject says behind its kind and number."""
        return self.subject.partition(": ")[2]

    @property
    def same_as(self) -> int:
        """The earlier step that has the same losses, 0 if there is none."""
        value = self.trailers.get("Same-As", "")
        return int(value) if value.isdecimal() else 0


def git(*arguments: str) -> bytes:
    """What git prints when run in this repository; raises Stop with git's first complaint if it fails."""
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True)
    except FileNotFoundError:
        raise Stop("git is not installed: https://git-scm.com/downloads") from None
    if done.returncode != 0:
        complaint = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise Stop(f"git {arguments[0]} failed: {complaint}")
    return done.stdout


def resolve(revision: str | None) -> str:
    """The full hash of `revision`, by default of main, here or on origin, else of HEAD; raises Stop."""
    if not (ROOT / ".git").exists():
        raise Stop("no git history here (a ZIP?): git clone the repository")
    if git("rev-parse", "--is-shallow-repository").strip() == b"true":
        raise Stop("this clone is shallow: git fetch --unshallow")
    for name in [revision] if revision else ["refs/heads/main", "refs/remotes/origin/main", "HEAD"]:
        with contextlib.suppress(Stop):
            return git("rev-parse", "--verify", f"{name}^{{commit}}").decode().strip()
    raise Stop(f"no such revision: {revision or 'HEAD'}")


def history(revision: str) -> list[Commit]:
    """All commits up to `revision`, the oldest first."""
    form = ["--reverse", "--topo-order", "--encoding=UTF-8", "--no-show-signature"]
    form += ["--format=%x1e%H%x1f%P%x1f%B%x1f", "--numstat", "--no-renames", "--diff-algorithm=myers"]
    log = git("-c", "core.quotePath=false", "log", *form, "--no-ext-diff", "--no-textconv", revision, "--")
    return [parse(record) for record in log.decode("utf-8", "replace").split("\x1e")[1:]]


def parse(record: str) -> Commit:
    """A commit from a record of the log that `history` asks for."""
    hash, parents, message, stat = record.split("\x1f")
    subject, _, rest = message.strip().partition("\n")
    kind = next((kind for kind, form in SUBJECTS.items() if re.fullmatch(form, subject)), "")
    number = int(subject[5:7]) if kind == "step" else 0
    body, _, last = rest.strip().rpartition("\n\n")
    pairs = [re.fullmatch(r"([A-Z][A-Za-z-]*): (.+)", line) for line in last.splitlines()]
    if not all(pairs):  # the last paragraph is prose
        body, pairs = rest.strip(), []
    trailers = dict(pair.groups() for pair in pairs)
    changes = {}
    for added, removed, path in (line.split("\t", 2) for line in stat.strip().splitlines()):
        changes[path] = (0, 0) if added == "-" else (int(added), int(removed))  # "-": a binary file
    return Commit(hash, parents.split(), subject, kind, number, body.splitlines(), trailers, changes)


def by_number(commits: list[Commit]) -> dict[int, Commit]:
    """The steps by number; where a second edition has a number again, the youngest commit."""
    steps = {commit.number: commit for commit in commits if commit.kind == "step"}
    return dict(sorted(steps.items()))


def print_table(rows: list[list[str]]) -> None:
    """Print `rows` in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def list_steps(revision: str | None) -> int:
    """The command `list`."""
    rows = []
    for number, step in by_number(history(resolve(revision))).items():
        added, removed = step.changes.get("train_gpt2.py", (0, 0))
        same = f"same as {step.same_as:02d}" if step.same_as else ""
        size = [f"+{added}", f"-{removed}"]
        rows.append([f"{number:02d}", step.title, step.hash[:7], *size, step.trailers.get("Video", ""), same])
    print_table(rows)
    return 0


# Check: the commits.


def check(revision: str | None) -> int:
    """The command `check`: print every problem, then a summary; the exit code."""
    revision = resolve(revision)
    commits, config, problems, previous = history(revision), read_config(revision), [], 0
    steps = [commit for commit in commits if commit.kind == "step"]
    for commit in commits:
        problems += [f"{commit}: {problem}" for problem in commit_problems(commit, previous)]
        previous = commit.number if commit.kind == "step" else previous
    problems += config_problems(config)
    problems += match_problems(config, by_number(commits))
    problems += tree_problems(steps)
    for problem in problems:
        print(problem)
    sizes = [sum(step.changes["train_gpt2.py"]) for step in steps if "train_gpt2.py" in step.changes] or [0]
    verdict = f"{len(problems)} problem(s)" if problems else "ok"
    print(f"{len(commits)} commits, {len(steps)} steps: {verdict}")
    print(f"changed lines of train_gpt2.py: median {statistics.median(sizes):g}, max {max(sizes)}")
    return 1 if problems else 0


def commit_problems(commit: Commit, previous: int) -> list[str]:
    """What is wrong with a commit's message and files; `previous` is the number of the step before it."""
    kind, length = commit.kind, len(commit.subject)
    outside = [path for path in commit.changes if not path.startswith("lectures/")]
    no_page = [path for path in commit.changes if not re.fullmatch(r"README\.md|lectures/[^/]+\.md", path)]
    false_steps = [line[:8] for line in commit.body if re.match(r"step \d\d:", line)]
    rules = [
        (not kind, "the subject has none of the known forms; reword it, e.g. 'repo: run every step in CI'"),
        (length > SUBJECT_LIMIT, f"the subject has {length} characters; shorten it to {SUBJECT_LIMIT}"),
        (len(commit.parents) > 1, "this is a merge; rebase, the history is one line"),
        (false_steps, f"a line of the body starts with {false_steps}, like a subject; break it elsewhere"),
        (kind == "notes" and outside, f"notes touch {outside}; move that to another commit"),
        (kind == "index" and no_page, f"index touches {no_page}; move that to another commit"),
        (kind == "fix" and "ERRATA.md" not in outside, "a fix without an entry in ERRATA.md; add one"),
    ]
    found = [message for broken, message in rules if broken]
    return found + (step_problems(commit, previous) if kind == "step" else [])


def step_problems(step: Commit, previous: int) -> list[str]:
    """What is wrong with the number, the message and the size of a step."""
    number, earlier, lines = step.number, step.same_as, len(step.body)
    lectures = [path for path in step.changes if path.startswith("lectures/")]
    rules = [  # the number 1 may come again: a second edition
        (number not in (previous + 1, 1), f"it follows step {previous:02d}; number it {previous + 1:02d}"),
        (lectures, f"a step touches {lectures}; move that to a notes commit"),
        (lines > BODY_LIMIT, f"the body has {lines} lines; shorten it to {BODY_LIMIT}"),
        ("Part" not in step.trailers, "no trailer 'Part: 2 learning'; end the message with trailers only"),
        (earlier >= number, f"it is the same as step {earlier:02d}; name an earlier one"),
    ]
    for key, value in step.trailers.items():
        known = key.endswith("-by") or re.fullmatch(TRAILERS.get(key, ""), value)
        rules.append((not known, f"bad trailer '{key}: {value}'; use Part, Video (0:45:50), Same-As (12)"))
    for path, limit in SIZE_LIMITS.items():
        size = sum(step.changes.get(path, (0, 0)))
        rules.append((size > limit, f"{size} changed lines in {path}; split the step, the limit is {limit}"))
    return [message for broken, message in rules if broken]


# Check: the files of each step.


def tree_problems(steps: list[Commit]) -> Iterator[str]:
    """What is wrong with the files of each step: syntax, names, left-overs, side effects of an import."""
    with tempfile.TemporaryDirectory(prefix="steps-", ignore_cleanup_errors=True) as name:
        trees = Path(name).resolve() / "trees"
        trees.mkdir()
        parsed = {}  # folder -> step
        for count, step in enumerate(steps):
            folder = trees / f"{count:04d}"
            extract(step, folder)
            found = list(syntax_problems(folder))
            yield from (f"{step}: {problem}" for problem in found)
            if found:
                shutil.rmtree(folder)  # neither ruff nor an import could add to that
            else:
                parsed[folder.name] = step
        yield from name_problems(trees, parsed)
        yield from import_problems(trees, parsed)


def extract(step: Commit, folder: Path) -> None:
    """Write the files of a step to `folder`."""
    safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # since Python 3.11.4
    with tarfile.open(fileobj=io.BytesIO(git("archive", "--format=tar", step.hash))) as archive:
        archive.extractall(folder, **safely)


def syntax_problems(folder: Path) -> Iterator[str]:
    """The *.py files in `folder` that Python cannot parse."""
    for path in sorted(folder.rglob("*.py")):
        try:
            with warnings.catch_warnings(action="ignore"):
                ast.parse(path.read_bytes())
        except (SyntaxError, ValueError) as error:
            yield f"{path.relative_to(folder).as_posix()} does not parse ({error}); correct it in this commit"


def name_problems(trees: Path, steps: dict[str, Commit]) -> Iterator[str]:
    """Unused and undefined names, in every file; TODO, FIXME and commented-out code, in train_gpt2.py."""
    program = [sys.executable, "-m", "ruff"] if importlib.util.find_spec("ruff") else [shutil.which("ruff")]
    if program == [None]:
        print("unused names not checked: ruff is not installed")
        return
    options = ["--isolated", "--no-cache", "--no-respect-gitignore", "--output-format=json"]
    command = [*program, "check", *options, "--select=F,ERA001,FIX001,FIX002", str(trees)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode not in (0, 1):
        raise Stop(f"ruff failed: {done.stderr.strip().partition(chr(10))[0]}")
    for item in json.loads(done.stdout):
        folder, *parts = Path(item["filename"]).resolve().relative_to(trees).parts
        if parts == ["train_gpt2.py"] or not str(item["code"]).startswith(("ERA", "FIX")):
            place = f"{'/'.join(parts)}:{item['location']['row']}"
            yield f"{steps[folder]}: {place} {item['message']} ({item['code']}); correct it in this commit"


def import_problems(trees: Path, steps: dict[str, Commit]) -> Iterator[str]:
    """Side effects of importing train_gpt2, seen by one child process that imports that of every step."""
    if not importlib.util.find_spec("torch"):
        print("imports not checked: torch is not installed")
        return
    command = [sys.executable, "-B", "-P", __file__, "import-each", str(trees)]
    limit = 120 + 5 * len(steps)  # seconds
    with trees.with_name("printed").open("wb") as log, contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(command, timeout=limit, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    report = trees.with_name("report")
    if not report.exists():
        raise Stop("torch is installed, but cannot be imported")
    lines = report.read_text(encoding="utf-8").splitlines()
    for step, line in zip(steps.values(), lines, strict=False):
        yield from (f"{step}: importing train_gpt2 {effect}; avoid that" for effect in json.loads(line))
    if len(lines) < len(steps):
        step = list(steps.values())[len(lines)]
        yield f"{step}: importing train_gpt2 hangs or ends Python; avoid that (later steps were not tried)"


def import_each(trees: Path) -> int:
    """The child of `import_problems`: import the train_gpt2 of each folder in `trees`.

    The side effects go to the file `report` next to `trees`, a JSON list a line; to the file `printed` there
    go this process's stdout and stderr.
    """
    connections, settings = [], process_settings()

    def refuse(_, address):
        connections.append(address)
        raise OSError("no connections while train_gpt2 is imported")

    socket.socket.connect = socket.socket.connect_ex = refuse
    with trees.with_name("report").open("w", encoding="utf-8") as report:
        for folder in sorted(trees.iterdir()):
            connections.clear()
            effects = side_effects(folder, trees.with_name("printed"), settings)
            effects += [f"opens a connection to {address}" for address in connections]
            print(json.dumps(effects), file=report, flush=True)
    return 0


def side_effects(folder: Path, printed: Path, settings: dict[str, tuple]) -> list[str]:
    """Import train_gpt2 from `folder` and tell what that did besides; put back what it changed."""
    if not (folder / "train_gpt2.py").exists():
        return []
    os.chdir(folder)
    before = {name: get() for name, (get, _) in settings.items()}
    search, size, effects = sys.path[:], printed.stat().st_size, []
    sys.path.insert(0, str(folder))
    try:
        importlib.import_module("train_gpt2")
    except BaseException as error:  # SystemExit, too
        effects.append(f"fails with {type(error).__name__}: {error}".replace("\n", " "))
    sys.stdout.flush()
    sys.stderr.flush()
    if output := printed.read_bytes()[size:].decode("utf-8", "replace"):
        effects.append(f"prints {output[:60]!r}")
    for name, (get, put) in settings.items():
        if get() != before[name]:
            effects.append(f"changes {name}")
            put(before[name])
    sys.path[:] = search
    for name, module in list(sys.modules.items()):
        if Path(str(getattr(module, "__file__", ""))).is_relative_to(folder):
            del sys.modules[name]
    return effects


def process_settings() -> dict[str, tuple]:
    """What an import must leave as it is: functions to get it and to set it back."""
    import torch

    def is_initialized() -> bool:
        return torch.distributed.is_available() and torch.distributed.is_initialized()

    def set_random(state: list[int]) -> None:
        torch.set_rng_state(torch.tensor(state, dtype=torch.uint8))

    def set_environment(variables: dict[str, str]) -> None:
        os.environ.clear()
        os.environ.update(variables)

    return {
        "torch's random state": (lambda: torch.get_rng_state().tolist(), set_random),
        "torch's default dtype": (torch.get_default_dtype, torch.set_default_dtype),
        "torch's number of threads": (torch.get_num_threads, torch.set_num_threads),
        "torch's matmul precision": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        "torch.distributed": (is_initialized, lambda _: torch.distributed.destroy_process_group()),
        "os.environ": (lambda: dict(os.environ), set_environment),
        "the files in the folder": (lambda: sorted(map(str, Path.cwd().rglob("*"))), lambda _: None),
    }


# Check: lectures/steps.toml.


def read_config(revision: str) -> dict:
    """steps.toml of `revision`; if that is checked out, the file as it is, so that edits can be tried."""
    if git("rev-parse", "HEAD").decode().strip() == revision:
        text = (ROOT / TABLE).read_text(encoding="utf-8") if (ROOT / TABLE).exists() else ""
    else:
        known = git("ls-tree", "--name-only", revision, "--", TABLE)
        text = git("show", f"{revision}:{TABLE}").decode("utf-8") if known else ""
    try:
        config = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Stop(f"{TABLE}: {error}") from None
    if not is_list(config.setdefault("step", []), dict):
        raise Stop(f"{TABLE}: a step starts with [[step]]")
    return config


def is_list(value: object, kind: type) -> bool:
    """Is this a list of that kind only?"""
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)


def count_groups(pattern: str) -> int:
    """The groups of a regular expression, -1 if it is none."""
    try:
        return re.compile(pattern).groups
    except re.error:
        return -1


def row_label(row: dict) -> str:
    """How messages call a row."""
    return f"{TABLE} step {str(row.get('n')).zfill(2)}"


def key_problems(table: dict, required: dict[str, str], options: dict[str, str]) -> Iterator[str]:
    """The missing, unknown and malformed keys of a table in steps.toml; the dicts give each key's form."""
    yield from (f"{key!r} is missing; add it" for key in required if key not in table)
    forms = required | options
    for key, value in table.items():
        if key not in forms:
            yield f"unknown key {key!r}; remove it"
        elif not FORMS[forms[key]](value):
            yield f"{key!r} is {value!r}; make it {forms[key]}"


def row_problems(row: dict) -> Iterator[str]:
    """What is wrong with a [[step]] of steps.toml, and with what it expects."""
    found = list(key_problems(row, ROW, ROW_OPTIONS))
    yield from found
    for expect in [] if found else row.get("expect", []):
        yield from key_problems(expect, EXPECT, EXPECT_OPTIONS)
        if ("value" in expect) == ("below" in expect):
            yield f"the expectation {expect} needs either 'value' or 'below'; correct it"


def config_problems(config: dict) -> Iterator[str]:
    """What is wrong with steps.toml by itself."""
    yield from (f"{TABLE}: {problem}" for problem in key_problems(config, CONFIG, {}))
    numbers = [row.get("n") for row in config["step"]]
    for row in config["step"]:
        twice = ["it has two rows; remove one"] if numbers.count(row.get("n")) > 1 else []
        yield from (f"{row_label(row)}: {problem}" for problem in [*row_problems(row), *twice])


def match_problems(config: dict, steps: dict[int, Commit]) -> Iterator[str]:
    """Where the rows of steps.toml and the steps of the history differ."""
    rows = {row.get("n"): row for row in config["step"]}
    unborn = [row for number, row in rows.items() if number not in steps]
    yield from (f"{row_label(row)}: no such step in the history; remove the row" for row in unborn)
    for number, step in steps.items():
        row = rows.get(number, {})
        files = sorted(step.changes)
        if not row:
            yield f"{step}: no row in {TABLE}; add one"
        elif row.get("title") != step.title:
            yield f"{step}: the title in {TABLE} is {row.get('title')!r}; make it {step.title!r}"
        if sorted(row.get("files", files)) != files:
            yield f"{step}: the files in {TABLE} are {row['files']}; make them {files}"


# Replay: running things.


def run(command: list[str], folder: Path, limit: float) -> tuple[int | None, str]:
    """Run `command` in `folder` for at most `limit` seconds.

    Returns its exit code (None: killed; 127: no such command) and its stdout and stderr together.
    """
    settings = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    with tempfile.TemporaryFile() as log:  # a pipe would stay open as long as any grandchild lives
        streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        try:
            process = subprocess.Popen(command, cwd=folder, env=settings, start_new_session=True, **streams)
        except OSError as error:
            return 127, str(error)
        try:
            code = process.wait(limit)
            size = -1  # all of it
        except subprocess.TimeoutExpired:
            code, size = None, os.fstat(log.fileno()).st_size  # without what it prints as it ends
        finally:
            if process.returncode is None:
                kill_tree(process)
        log.seek(0)
        return code, log.read(size).decode("utf-8", "replace").replace("\r\n", "\n")


def kill_tree(process: subprocess.Popen) -> None:
    """End a process and its children."""
    if os.name == "nt":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True)
    else:
        for name in (signal.SIGTERM, signal.SIGKILL):  # torchrun ends its workers, each a group, on SIGTERM
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                os.killpg(process.pid, name)
                process.wait(10)
    process.wait()


@functools.cache
def works(code: str, folder: Path, limit: float = 60) -> bool:
    """Does this Python code run without an error, in a process of its own in `folder`? Tried once."""
    return run([sys.executable, "-c", code], folder, limit)[0] == 0


def provide(needs: list[str], tree: Path, scratch: Path) -> list[str]:
    """Put what a command needs into `tree`; returns remarks, raises Skip where something is not to be had."""
    if "vocab" in needs and not works(FIND_VOCABULARY, scratch):
        raise Skip("needs GPT-2's vocabulary (tiktoken's cache or a network)")
    if "2 processes" in needs and not works(FIND_DISTRIBUTED, scratch):
        raise Skip("needs 2 processes (two CPU cores and torch.distributed)")
    if "text" in needs and not (tree / "input.txt").exists():
        text = (ROOT if (ROOT / "input.txt").exists() else scratch) / "input.txt"
        if not text.exists() and not works(FETCH_TEXT, scratch):
            raise Skip("needs input.txt (tiny Shakespeare; no network to fetch it)")
        shutil.copy(text, tree)
    if "weights" in needs and not works(FETCH_WEIGHTS, scratch, 1800):
        if not works(MAKE_WEIGHTS, scratch, 300):
            raise Skip("needs OpenAI's weights (a network), or transformers to make random ones")
        shutil.copytree(scratch / "stand-in", tree / "gpt2", copy_function=link)
        return ["random stand-in weights"]
    return []


def link(source: str, target: str) -> None:
    """Make a hard link, or a copy where the file system has none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


# Replay: the steps.


@dataclass
class Result:
    """What became of a step; `losses` are those it printed, None if its command did not succeed."""

    step: Commit
    verdict: str = "ok"
    seconds: float = 0.0
    losses: list[float] | None = None
    tests: str = ""
    remarks: list[str] = field(default_factory=list)

    def note(self, right: bool, remark: str, output: str = "") -> None:
        """Add a remark; if it tells a failure, show the last 15 lines of `output`."""
        self.remarks.append(remark)
        if not right:
            self.verdict = "FAILED"
            print("".join(f"\n    {line}" for line in output.splitlines()[-15:]), end="\n" * bool(output))


def replay(words: list[str], revision: str | None, tests: bool) -> int:
    """The command `replay`: run the steps that `words` name, print a table; the exit code."""
    revision = resolve(revision)
    steps, config, results = by_number(history(revision)), read_config(revision), {}
    numbers = select(words, steps)
    for problem in config_problems(config):
        raise Stop(problem)
    if tests and not importlib.util.find_spec("pytest"):
        raise Stop("--tests needs pytest: pip install pytest")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the worktrees are removed then, too
    try:
        with tempfile.TemporaryDirectory(prefix="replay-", ignore_cleanup_errors=True) as scratch:
            for number in numbers:
                results[number] = replay_step(steps[number], config, results, tests, Path(scratch))
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
    """The steps that words like 07 and 10-12 name, by default all, and their Same-As; raises Stop."""
    numbers = set() if words else set(steps)
    for word in words:
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", word)
        named = range(int(match[1]), int(match[2] or match[1]) + 1) if match else ()
        if not named or named[0] not in steps or named[-1] not in steps:
            raise Stop(
                f"no such step: {word}; there are {min(steps, default=0):02d}-{max(steps, default=0):02d}"
            )
        numbers.update(n for n in named if n in steps)
    return sorted(numbers | {steps[n].same_as for n in numbers} & steps.keys())


def replay_step(step: Commit, config: dict, results: dict[int, Result], tests: bool, scratch: Path) -> Result:
    """Run a step in a worktree of its own; compare with its row and with the earlier `results`."""
    print(f"{step.subject} ... ", end="", flush=True)
    result, tree = Result(step), scratch / f"step-{step.number:02d}"
    row = next((row for row in config["step"] if row["n"] == step.number), None)
    try:
        git("worktree", "add", "--quiet", "--detach", str(tree), step.hash)
        if row is None:
            result.note(False, f"no row in {TABLE}")
        else:
            run_row(result, row, config["losses"], tree, scratch)
            compare_losses(result, results.get(step.same_as), "--dtype bfloat16" in row["run"])
        if tests:
            run_tests(result, tree)
    finally:
        shutil.rmtree(tree, ignore_errors=True)  # `replay` prunes what git knows of it
    print(f"{result.verdict} ({result.seconds:.1f} s)")
    return result


def run_row(result: Result, row: dict, losses: str, tree: Path, scratch: Path) -> None:
    """Run the command of a step in `tree` and compare what it prints with what its row expects."""
    try:
        remarks = provide(row.get("needs", []), tree, scratch)
    except Skip as reason:
        result.verdict, result.remarks = "skipped", [str(reason)]
        return
    programs = {"python": [sys.executable], "torchrun": [sys.executable, "-m", "torch.distributed.run"]}
    code, output, start = 0, "", time.monotonic()
    for words in map(shlex.split, row["run"].split(" && ")):
        if code == 0:
            command = programs.get(words[0], words[:1]) + words[1:]
            code, more = run(command, tree, start + 4 * row["seconds"] - time.monotonic())
            output += more
    result.seconds = time.monotonic() - start
    if code != 0:
        killed = f"killed after {4 * row['seconds']:g} s, 4 times its seconds"
        result.note(False, killed if code is None else f"exit code {code}", output)
    else:
        result.losses = [to_number(text) for text in re.findall(losses, output)]
        for expect in row.get("expect", []):
            result.note(*compare(expect, output))
    result.remarks += remarks


def compare(expect: dict, output: str) -> tuple[bool, str]:
    """Is the number a command printed as expected? And both, in words."""
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
    """A captured number, without thousands separators; nan, which is as nothing expects, if it is none."""
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return float("nan")


def compare_losses(result: Result, base: Result | None, bfloat16: bool) -> None:
    """If a step has Same-As, compare its losses one by one with those of that step, `base`."""
    if not result.step.same_as or result.losses is None:
        return
    name = f"step {result.step.same_as:02d}"
    if base is None or base.losses is None:
        why = base.verdict if base else "not asked for"
        result.note(True, f"losses not compared with {name}: {why}")
    elif not result.losses or len(result.losses) != len(base.losses):
        result.note(False, f"{len(result.losses)} losses, {name} has {len(base.losses)}")
    else:
        pairs = zip(result.losses, base.losses, strict=True)
        unequal = [(a, b) for a, b in pairs if not abs(a - b) <= (0.02 if bfloat16 else 1e-4 * abs(b))]
        wrong = [f"loss {a}, in {name} {b}" for a, b in unequal[:1]]
        result.note(not wrong, *(wrong or [f"all {len(base.losses)} losses equal those of {name}"]))


def run_tests(result: Result, tree: Path) -> None:
    """Run the tests that a step has, except the tests of this file."""
    if not {path.name for path in tree.glob("tests/test_*.py")} - {"test_steps.py"}:
        return
    options = ["-q", "-x", "tests", "-p", "no:cacheprovider", "--color=no", "--ignore=tests/test_steps.py"]
    code, output = run([sys.executable, "-m", "pytest", *options], tree, TESTS_LIMIT)
    counts = re.findall(r"(no tests ran|\d+ \w+(?:, \d+ \w+)*) in [\d.]+s", output)
    result.tests = counts[-1] if counts else "no result"
    if code not in (0, 5):  # 5: every file was skipped as a whole
        result.note(False, "the tests fail", output)


# Index.


def index(check_only: bool) -> int:
    """The command `index`: write the generated parts of the pages, or tell which are stale; the exit code."""
    revision = resolve(None)
    steps, rows = by_number(history(revision)), {row.get("n"): row for row in read_config(revision)["step"]}
    pages = {number: row["page"] for number, row in rows.items() if number in steps and "page" in row}
    stale = []
    for path, marker, text in generated(steps, rows, pages):
        try:
            old = (ROOT / path).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise Stop(f"{path} is not here; write it, or correct 'page' in {TABLE}") from None
        pattern = rf"(<!-- {marker} -->\n).*?(<!-- /{marker} -->\n)"
        if len(re.findall(pattern, old, re.DOTALL)) != 1:
            raise Stop(f"{path} needs one line '<!-- {marker} -->' and, below, one line '<!-- /{marker} -->'")
        new = re.sub(pattern, lambda match, text=text: f"{match[1]}{text}{match[2]}", old, flags=re.DOTALL)
        if new != old:
            stale.append(path)
        if new != old and not check_only:
            (ROOT / path).write_text(new, encoding="utf-8", newline="\n")
    for path in stale:
        print(f"{path}: {'stale; run python lectures/steps.py index' if check_only else 'written'}")
    print(f"{len(pages)} pages, {len(stale)} {'stale' if check_only else 'written'}")
    return 1 if stale and check_only else 0


def generated(steps: dict[int, Commit], rows: dict, pages: dict[int, str]) -> Iterator[tuple[str, str, str]]:
    """The generated parts: file, name of the markers, text between them."""
    for folder in ("", "lectures/"):
        yield f"{folder}README.md", "steps", step_table(steps, pages, folder)
    for before, number, after in zip([0, *pages], pages, [*list(pages)[1:], 0], strict=False):
        links = [f"[← {before:02d}]({pages[before]})"] if before else []
        links.append("[index](README.md#the-steps)")
        links += [f"[{after:02d} →]({pages[after]})"] if after else []
        links += [part for part in facts(steps[number], "../../../commit/") if part]
        needs = ", ".join(NEEDS[need] for need in rows[number].get("needs", [])) or "nothing"
        yield f"lectures/{pages[number]}", "nav", " · ".join([*links, f"needs {needs}"]) + "\n"


def facts(step: Commit, commits: str) -> tuple[str, str, str]:
    """A link to a step's commit (`commits`: where these are), its size, a link to its time in the video."""
    programs = [lines for path, lines in step.changes.items() if re.fullmatch(r"\w+\.py", path)]
    added, removed = (sum(column) for column in zip((0, 0), *programs, strict=True))
    time_code, video = step.trailers.get("Video", ""), ""
    if time_code:
        hours, minutes, seconds = map(int, time_code.split(":"))
        video = f"[video {time_code}]({VIDEO}?t={3600 * hours + 60 * minutes + seconds})"
    return f"[{step.hash[:7]}]({commits}{step.hash[:7]})", f"+{added} −{removed}", video


def step_table(steps: dict[int, Commit], pages: dict[int, str], folder: str) -> str:
    """The table of steps, for a README.md in `folder`: "" or "lectures/"."""
    here = "" if folder else "lectures/"
    commits = "../../../commit/" if folder else "../../commit/"  # on GitHub, seen from blob/main
    lines, part = ["| | step | commit | lines | video |", "|---|---|---|---|---|"], ""
    for number, step in steps.items():
        if step.trailers.get("Part") != part:
            part = step.trailers.get("Part", "")
            lines.append(f"| | **{part}** | | | |")
        title = f"[{step.title}]({here}{pages[number]})" if number in pages else step.title
        commit, size, video = facts(step, commits)
        lines.append(f"| {number:02d} | {title} | {commit} | {size} | {video.replace('[video ', '[')} |")
    return "\n".join([*lines, ""])


def main() -> int:
    """Parse the arguments and run a command; the exit code."""
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    commands = parser.add_subparsers(dest="command", required=True, metavar="list|check|replay|index")
    for name in ("list", "check"):
        commands.add_parser(name).add_argument("revision", nargs="?", metavar="REV")
    replays = commands.add_parser("replay")
    replays.add_argument("steps", nargs="*", metavar="NN|NN-MM")
    replays.add_argument("--tests", action="store_true", help="run the tests of each step, too")
    replays.add_argument("--rev", dest="revision", metavar="REV")
    indexes = commands.add_parser("index")
    indexes.add_argument(
        "--check", action="store_true", help="write nothing; exit code 1 if anything is stale"
    )
    commands.add_parser("import-each").add_argument("trees", type=Path)  # for `check` itself
    arguments = parser.parse_args()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a Windows console may lack a character of a title
    try:
        if arguments.command == "import-each":
            return import_each(arguments.trees)
        if arguments.command == "replay":
            return replay(arguments.steps, arguments.revision, arguments.tests)
        if arguments.command == "index":
            return index(arguments.check)
        return {"list": list_steps, "check": check}[arguments.command](arguments.revision)
    except Stop as reason:
        print(reason, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
