"""Read the git history of this lecture: its commits, and the steps among them."""

import contextlib
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUBJECTS = {  # the kind of a commit, and the form of its subject
    "step": r"step \d\d: \S.*",
    "notes": r"notes \d\d(-\d\d)?: \S.*",
    "fix": r"fix E\d\d: \S.* \(steps? \d\d(-\d\d)?\)",
    "index": r"index: \S.*",
    "repo": r"repo: \S.*",
}


class UserError(Exception):
    """An error to report in one line, with exit code 2."""


@dataclass
class Commit:
    """One commit; `kind` is a key of SUBJECTS or "", `number` is the number of a step or 0."""

    hash: str
    parents: list[str]
    subject: str
    kind: str
    number: int
    title: str  # the subject without its kind and number
    body: list[str]  # lines, without the trailers and the blank line before them
    trailers: dict[str, str]
    same_as: int  # the number of the earlier step with the same losses, 0 if there is none
    changes: dict[str, tuple[int, int]]  # path -> added and removed lines

    def __str__(self) -> str:
        return f"{self.hash[:7]} {self.subject.split(':')[0]}"


def git(*arguments: str, **options) -> str:
    """Run git in this repository and return its output; raise UserError if it fails.

    The options are those of subprocess.run, such as env.
    """
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, **options)
    except FileNotFoundError:
        raise UserError("git is not installed; get it from https://git-scm.com/downloads") from None
    if done.returncode != 0:
        reason = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise UserError(f"git {' '.join(arguments)} failed: {reason}")
    return done.stdout.decode("utf-8", "replace")


def resolve(revision: str | None) -> str:
    """Return the hash of a revision; without one that of main, else of origin/main, else of HEAD."""
    if not (ROOT / ".git").exists():
        raise UserError("no git history here (is this a ZIP?); use git clone")
    if git("rev-parse", "--is-shallow-repository").strip() == "true":
        raise UserError("this clone is shallow; run git fetch --unshallow")
    for name in [revision] if revision else ["refs/heads/main", "refs/remotes/origin/main", "HEAD"]:
        with contextlib.suppress(UserError):
            return git("rev-parse", "--verify", f"{name}^{{commit}}").strip()
    raise UserError(f"no revision {revision or 'HEAD'} here; git log --all --oneline lists them")


def read_history(revision: str | None = None) -> list[Commit]:
    """Return all commits up to a revision, by default of main, the oldest first."""
    revision = resolve(revision)
    form = ["--reverse", "--topo-order", "--encoding=UTF-8", "--no-show-signature"]
    form += ["--format=%x1e%H%x1f%P%x1f%B%x1f", "--numstat", "--no-renames", "--diff-algorithm=myers"]
    log = git("-c", "core.quotePath=false", "log", *form, "--no-ext-diff", "--no-textconv", revision, "--")
    return [parse_record(record) for record in log.split("\x1e")[1:]]


def parse_record(record: str) -> Commit:
    """Parse one record of the log that `read_history` asks for."""
    hash, parents, message, stat = record.split("\x1f")
    subject, _, rest = message.strip().partition("\n")
    kind = next((kind for kind, form in SUBJECTS.items() if re.fullmatch(form, subject)), "")
    number = int(subject[5:7]) if kind == "step" else 0
    body, _, last = rest.strip().rpartition("\n\n")
    pairs = [re.fullmatch(r"([A-Z][A-Za-z-]*): (.+)", line) for line in last.splitlines()]
    if not all(pairs):  # the last paragraph is prose
        body, pairs = rest.strip(), []
    trailers = dict(pair.groups() for pair in pairs)
    same_as = int(trailers["Same-As"]) if trailers.get("Same-As", "").isdecimal() else 0
    changes = {}
    for added, removed, path in (line.split("\t", 2) for line in stat.strip().splitlines()):
        changes[path] = (0, 0) if added == "-" else (int(added), int(removed))  # "-": a binary file
    title, body = subject.partition(": ")[2], body.splitlines()
    return Commit(hash, parents.split(), subject, kind, number, title, body, trailers, same_as, changes)


def by_number(commits: list[Commit]) -> dict[int, Commit]:
    """Map the numbers of the steps to their commits; of two editions of a step, to the youngest commit."""
    steps = {commit.number: commit for commit in commits if commit.kind == "step"}
    return dict(sorted(steps.items()))


def find_step(steps: dict[int, Commit], number: str) -> Commit:
    """Return the step with a number that the user typed."""
    if not number.isdecimal() or int(number) not in steps:
        there = f"{min(steps):02d}-{max(steps):02d}" if steps else "none"
        raise UserError(f"no step {number}; there are {there}")
    return steps[int(number)]


def print_table(rows: list[list[str]]) -> None:
    """Print rows in aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
