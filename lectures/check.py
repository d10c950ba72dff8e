"""Check that every commit keeps the rules of this history, and every step those of its files."""

import importlib.util
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from history import Commit, UserError, by_number, git, read_history
from table import match_problems, read_table, table_problems

TRAILERS = {"Part": r"\d+ \S.*", "Video": r"\d:[0-5]\d:[0-5]\d", "Same-As": r"(?!00)\d\d"}
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # as git names it
SUBJECT_LIMIT, BODY_LIMIT = 60, 12  # characters, lines
SIZE_LIMITS = {"train_gpt2.py": 80, "fineweb.py": 120, "hellaswag.py": 120}  # added + removed lines of a step


def check(revision: str | None) -> int:
    """Print every problem, then a summary; return the exit code."""
    commits, table = read_history(revision), read_table(revision)
    steps = [commit for commit in commits if commit.kind == "step"]
    problems = [*commit_problems(commits), *table_problems(table), *match_problems(table, by_number(commits))]
    problems += tree_problems(steps)
    for problem in problems:
        print(problem)
    sizes = [sum(step.changes["train_gpt2.py"]) for step in steps if "train_gpt2.py" in step.changes] or [0]
    verdict = f"{len(problems)} problem(s)" if problems else "ok"
    print(f"{len(commits)} commits, {len(steps)} steps: {verdict}")
    print(f"changed lines of train_gpt2.py: median {statistics.median(sizes):g}, max {max(sizes)}")
    return 1 if problems else 0


def commit_problems(commits: list[Commit]) -> Iterator[str]:
    """Yield what is wrong with the messages of the commits and with what they change."""
    previous = 0  # the number of the step before
    for commit in commits:
        rules = [*commit_rules(commit), *(step_rules(commit, previous) if commit.kind == "step" else [])]
        yield from (f"{commit}: {message}" for broken, message in rules if broken)
        previous = commit.number or previous


def commit_rules(commit: Commit) -> Iterator[tuple[object, str]]:
    """Yield the rules for every commit: whether it is broken, and the message then."""
    kind, length = commit.kind, len(commit.subject)
    outside = [path for path in commit.changes if not path.startswith("lectures/")]
    no_page = [path for path in commit.changes if not re.fullmatch(r"README\.md|lectures/[^/]+\.md", path)]
    false_steps = [line[:8] for line in commit.body if re.match(r"step \d\d:", line)]
    yield not kind, "the subject has none of the known forms; reword it, e.g. 'repo: run every step in CI'"
    yield length > SUBJECT_LIMIT, f"the subject has {length} characters; shorten it to {SUBJECT_LIMIT}"
    yield len(commit.parents) > 1, "this is a merge; rebase, the history is one line"
    yield false_steps, f"a line of the body starts with {false_steps}, like a subject; break it elsewhere"
    yield kind == "notes" and outside, f"notes touch {outside}; move that to another commit"
    yield kind == "index" and no_page, f"index touches {no_page}; move that to another commit"
    yield kind == "fix" and "ERRATA.md" not in outside, "a fix without an entry in ERRATA.md; add one"


def step_rules(step: Commit, previous: int) -> Iterator[tuple[object, str]]:
    """Yield the rules for a step; `previous` is the number of the step before it."""
    number, earlier, lines = step.number, step.same_as, len(step.body)
    lectures = [path for path in step.changes if path.startswith("lectures/")]
    follows = number in (previous + 1, 1)  # the number 1 may come again: a second edition
    yield not follows, f"it follows step {previous:02d}; number it {previous + 1:02d}"
    yield lectures, f"a step touches {lectures}; move that to a notes commit"
    yield lines > BODY_LIMIT, f"the body has {lines} lines; shorten it to {BODY_LIMIT}"
    yield "Part" not in step.trailers, "no trailer 'Part: 2 learning'; end the message with trailers only"
    yield earlier >= number, f"it is the same as step {earlier:02d}; name an earlier one"
    for key, value in step.trailers.items():
        known = key.endswith("-by") or re.fullmatch(TRAILERS.get(key, ""), value)
        yield not known, f"bad trailer '{key}: {value}'; use Part, Video (0:45:50), Same-As (12)"
    for path, limit in SIZE_LIMITS.items():
        size = sum(step.changes.get(path, (0, 0)))
        yield size > limit, f"{size} changed lines in {path}; split the step, the limit is {limit}"


def tree_problems(steps: list[Commit]) -> Iterator[str]:
    """Yield what is wrong with the programs of each step, and with what changed since the step before."""
    with tempfile.TemporaryDirectory(prefix="steps-", ignore_cleanup_errors=True) as name:
        trees, before = Path(name).resolve(), EMPTY_TREE
        for count, step in enumerate(steps):
            folder, archive = trees / f"{count:04d}", trees / "step.tar"
            options = ["--name-only", "--diff-filter=d", "-z", before, step.hash]
            changed = git("diff", *options, "--", "*.py").split("\0")[:-1]  # in all folders
            paths = [":(glob)*.py", *(f":(literal){path}" for path in changed)]
            git("archive", f"--output={archive}", step.hash, *paths)
            shutil.unpack_archive(archive, folder)
            archive.unlink()
            before = step.hash
        yield from lint_problems(trees, steps)
        yield from import_problems(trees, steps)


def lint_problems(trees: Path, steps: list[Commit]) -> Iterator[str]:
    """Yield syntax errors, unused and undefined names; in train_gpt2.py also TODO and commented-out code."""
    if not importlib.util.find_spec("ruff"):
        print("warning: syntax and unused names are not checked; pip install ruff")
        return
    options = ["--isolated", "--no-cache", "--no-respect-gitignore", "--output-format=json"]
    command = [sys.executable, "-m", "ruff", "check", *options, "--select=F,ERA001,FIX001,FIX002", str(trees)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode not in (0, 1):
        raise UserError(f"ruff failed: {' '.join(done.stderr.split())}")
    for item in json.loads(done.stdout):
        folder, *parts = Path(item["filename"]).resolve().relative_to(trees).parts
        if parts == ["train_gpt2.py"] or not str(item["code"]).startswith(("ERA", "FIX")):
            step, place = steps[int(folder)], f"{'/'.join(parts)}:{item['location']['row']}"
            yield f"{step}: {place} {item['message']} ({item['code']}); correct it in this commit"


def import_problems(trees: Path, steps: list[Commit]) -> Iterator[str]:
    """Yield the side effects of importing train_gpt2; one child process imports that of every step."""
    if not importlib.util.find_spec("torch"):
        print("warning: imports are not checked; pip install torch")
        return
    command = [sys.executable, "-B", "-P", str(Path(__file__).with_name("side_effects.py")), str(trees)]
    limit = 120 + 5 * len(steps)  # seconds
    try:
        report = subprocess.run(command, timeout=limit, stdin=subprocess.DEVNULL, capture_output=True).stdout
    except subprocess.TimeoutExpired as expired:
        report = expired.stdout or b""
    start, *lines = report.decode("utf-8").splitlines() or [""]
    if not start:
        raise UserError("torch is installed, but cannot be imported; python -c 'import torch' shows why")
    for step, line in zip(steps, lines, strict=False):
        yield from (f"{step}: importing train_gpt2 {effect}; avoid that" for effect in json.loads(line))
    for step in steps[len(lines) : len(lines) + 1]:
        yield f"{step}: importing train_gpt2 hangs or ends Python; avoid that (later steps were not tried)"
