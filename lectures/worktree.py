"""Make a git worktree at a step, or move it to another step."""

from pathlib import Path

from history import ROOT, UserError, by_number, find_step, git, read_history


def worktree(number: str, folder: str) -> int:
    """Make a worktree in a folder at a step, or move the one that is there; return the exit code."""
    step, path = find_step(by_number(read_history()), number), Path(folder).resolve()
    git("worktree", "prune")  # forget those whose folders were deleted
    if not path.exists():
        git("worktree", "add", "--detach", str(path), step.hash)
    elif reason := why_not_move(path):
        raise UserError(f"{folder} {reason}")
    else:
        git("-C", str(path), "switch", "--detach", step.hash)
    print(f"{folder} is at step {step.number:02d}: {step.title}")
    return 0


def why_not_move(path: Path) -> str:
    """Return why an existing folder cannot go to another step without a loss, "" if it can."""
    records = git("worktree", "list", "--porcelain").strip().split("\n\n")
    records = {Path(record.splitlines()[0].removeprefix("worktree ")).resolve(): record for record in records}
    if path not in records:
        return "exists and is not a worktree of this repository; choose another folder"
    if path == ROOT or "\nbranch " in records[path]:
        return "is the clone itself or has a branch checked out; choose another folder"
    if git("-C", str(path), "status", "--porcelain", "--untracked-files=no"):
        return f"has uncommitted changes; commit them, or put them aside: git -C {path} stash"
    if not git("-C", str(path), "for-each-ref", "--contains=HEAD", "--count=1"):
        return f"has commits that are on no branch; keep them: git -C {path} branch NAME"
    return ""
