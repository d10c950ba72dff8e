"""Bring the fixes of ERRATA.md to the steps that they concern, and run the tests that guard them there."""

import os
import re
import sys
import tempfile
from pathlib import Path

from history import ROOT, Commit, UserError, by_number, git, print_table, read_history
from replay import run, select

PATCHES = Path(__file__).with_name(
    "errata"
)  # E01-28-30.patch: for steps 28 to 30, where the fix itself fails
GUARD_LIMIT = 300  # seconds for the guards of one erratum


def find_fixes(commits: list[Commit], number: int) -> list[Commit]:
    """Return the fixes that name a step, the oldest first."""
    fixes = []
    for fix in [commit for commit in commits if commit.kind == "fix"]:
        first, *more = map(int, re.findall(r"\d\d", fix.title[fix.title.rindex("(step") :]))
        if first <= number <= [first, *more][-1]:
            fixes.append(fix)
    return fixes


def read_patch(fix: Commit, number: int) -> tuple[str, str]:
    """Return the patch that brings a fix to a step, "" if it changes texts only, and where it comes from."""
    for path in sorted(PATCHES.glob(f"{fix.subject[4:7]}-*.patch")):
        first, *more = map(int, path.stem.split("-")[1:])
        if first <= number <= [first, *more][-1]:
            return path.read_text(encoding="utf-8"), f"lectures/errata/{path.name}"
    options = ["--format=", "--no-renames", "--no-ext-diff", "--no-textconv", fix.hash]
    return git("show", *options, "--", ".", ":!*.md"), f"commit {fix.hash[:7]}"


def correct(commits: list[Commit], step: Commit) -> tuple[str, list[Commit]]:
    """Commit the fixes that concern a step on top of it; return the hash of the last, and the fixes.

    The same step gives the same hashes: authors and dates are those of the fixes.
    """
    here, done = step.hash, []
    with tempfile.TemporaryDirectory() as scratch:
        settings = os.environ | {"GIT_INDEX_FILE": str(Path(scratch, "index"))}
        git("read-tree", here, env=settings)
        for fix in find_fixes(commits, step.number):
            patch, source = read_patch(fix, step.number)
            if not patch:
                continue
            try:
                git("apply", "--cached", "--3way", "-", input=patch.encode(), env=settings)
            except UserError as error:
                where = f"step {step.number:02d} ({source})"
                raise UserError(f"{fix} does not apply to {where}; leave it out: --no-fixes") from error
            author = git("show", "--no-patch", "--format=%an%x1f%ae%x1f%aI", fix.hash).strip().split("\x1f")
            for role in ("AUTHOR", "COMMITTER"):
                keys = (f"GIT_{role}_NAME", f"GIT_{role}_EMAIL", f"GIT_{role}_DATE")
                settings |= dict(zip(keys, author, strict=True))
            title = re.sub(r" \(steps? .*", "", fix.subject)
            message = f"{title}\n\nBrought to step {step.number:02d} from {source}."
            tree = git("write-tree", env=settings).strip()
            here = git("commit-tree", tree, "-p", here, "-m", message, env=settings).strip()
            done.append(fix)
    return here, done


def read_guards() -> dict[str, list[str]]:
    """Return the names of the tests that ERRATA.md gives for each erratum."""
    entries = re.split(r"(?m)^### (E\d\d)$", (ROOT / "ERRATA.md").read_text(encoding="utf-8"))[1:]
    rows = [re.search(r"(?m)^\| guard \|(.*)\|$", text) for text in entries[1::2]]
    return {name: re.findall(r"`(\w+)`", row[1]) for name, row in zip(entries[::2], rows, strict=True) if row}


def guards(words: list[str]) -> int:
    """Run the guards of the errata of some steps, by default of all, with the fixes; return the exit code."""
    commits, names, rows = read_history(), read_guards(), [["step", "erratum", "result"]]
    steps = by_number(commits)
    try:
        with tempfile.TemporaryDirectory(prefix="guards-", ignore_cleanup_errors=True) as scratch:
            for number in select(words, steps):
                here, fixes = correct(commits, steps[number])
                tree = Path(scratch, f"step-{number:02d}")
                if fixes:
                    git("worktree", "add", "--quiet", "--detach", str(tree), here)
                for fix in fixes:
                    result = run_guards(names[fix.subject[4:7]], fix, tree)
                    rows.append([f"{number:02d}", fix.subject[4:7], result])
                    print(*rows[-1], flush=True)
    finally:
        git("worktree", "prune")
    print()
    print_table(rows)
    return 1 if any(not re.match(r"\d+ (passed|skipped)", row[2]) for row in rows[1:]) else 0


def run_guards(names: list[str], fix: Commit, tree: Path) -> str:
    """Run the tests with these names among the files that a fix changes; return pytest's counts."""
    files = [path for path in fix.changes if path.startswith("tests/")]
    options = ["-q", "-p", "no:cacheprovider", "--color=no", "-k", " or ".join(names)]
    code, output = run([sys.executable, "-m", "pytest", *options, *files], tree, GUARD_LIMIT)
    if code != 0:
        print("".join(f"    {line}\n" for line in output.splitlines()[-15:]), end="")
    counts = re.findall(r"(\d+ \w+(?:, \d+ \w+)*) in [\d.]+s", output)
    return re.sub(r", \d+ (deselected|warnings?)", "", counts[-1]) if counts else f"no result ({code})"
