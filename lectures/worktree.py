"""Make a git worktree at a step with the fixes of its errata, or move it to another step."""

from pathlib import Path

from errata import correct, find_fixes
from history import ROOT, UserError, by_number, find_step, git, read_history


def worktree(number: str, folder: str, no_fixes: bool) -> int:
    """Make a worktree in a folder at a step, or move the one that is there; return the exit code.

    The fixes of the errata that concern the step are commits on top of it.
    """
    commits, path = read_history(), Path(folder).resolve()
    step = find_step(by_number(commits), number)
    here, fixes = (step.hash, []) if no_fixes else correct(commits, step)
    if fixes:  # this reference keeps them, so that nothing is lost when the worktree moves on
        git("update-ref", f"refs/errata/{step.number:02d}", here)
    git("worktree", "prune")  # forget those whose folders were deleted
    if not path.exists():
        git("worktree", "add", "--detach", str(path), here)
    elif reason := why_not_move(path):
        raise UserError(f"{folder} {reason}")
    else:
        git("-C", str(path), "switch", "--detach", here)
    print(f"{folder} is at step {step.number:02d}: {step.title}")
    for fix in fixes:
        print(f"  + {fix.subject}")
    if fixes:
        print(f"git -C {folder} log -p {step.hash[:7]}.. shows what they change; --no-fixes leaves them out")
    elif no_fixes and (names := ", ".join(fix.subject[4:7] for fix in find_fixes(commits, step.number))):
        print(f"  without the fixes of {names}: see ERRATA.md")
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
