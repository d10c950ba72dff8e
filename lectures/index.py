"""Write the tables of steps in both README.md, and the lines for navigation at the top of each page."""

import re
from collections.abc import Iterator

from history import ROOT, Commit, UserError, by_number, read_history
from table import NEEDS, TABLE, read_table

VIDEO = "https://youtu.be/l8pRSuU81PU"


def index(check_only: bool) -> int:
    """Write the generated parts of the pages, or only list the stale pages; return the exit code."""
    steps, rows = by_number(read_history()), {row.get("n"): row for row in read_table()["step"]}
    pages = {number: row["page"] for number, row in rows.items() if number in steps and "page" in row}
    stale = []
    for path, marker, text in generate(steps, rows, pages):
        try:
            old = (ROOT / path).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise UserError(f"{path} is missing; write it, or correct 'page' in {TABLE}") from None
        pattern = rf"(?s)(<!-- {marker} -->\n).*?(<!-- /{marker} -->\n)"
        new, count = re.subn(pattern, lambda match, text=text: match[1] + text + match[2], old)
        if count != 1:
            block = f"'<!-- {marker} --> ... <!-- /{marker} -->'"
            raise UserError(f"{path} has {count} blocks {block}; keep one")
        if new != old:
            stale.append(path)
            if not check_only:
                (ROOT / path).write_text(new, encoding="utf-8", newline="\n")
    for path in stale:
        print(f"{path}: {'stale; run python lectures/steps.py index' if check_only else 'written'}")
    print(f"{len(pages)} pages, {len(stale)} {'stale' if check_only else 'written'}")
    return 1 if stale and check_only else 0


def generate(steps: dict[int, Commit], rows: dict, pages: dict[int, str]) -> Iterator[tuple[str, str, str]]:
    """Yield the generated parts: file, name of the markers, text between them."""
    for folder in ("", "lectures/"):
        yield f"{folder}README.md", "steps", step_table(steps, pages, folder)
    for before, number, after in zip([0, *pages], pages, [*list(pages)[1:], 0], strict=False):
        links = [f"[← {before:02d}]({pages[before]})"] if before else []
        links.append("[index](README.md#the-steps)")
        links += [f"[{after:02d} →]({pages[after]})"] if after else []
        links += [part for part in facts(steps[number], "../../../commit/") if part]
        needs = ", ".join(NEEDS[need] for need in rows[number].get("needs", [])) or "nothing"
        get = "git -C ../at-step switch --detach" if before else "git worktree add ../at-step"
        get += f' "main^{{/^step {number:02d}:}}"'
        text = f"{' · '.join(links)} · needs {needs}<br>\nGet this step: `{get}`\n"
        yield f"lectures/{pages[number]}", "nav", text


def facts(step: Commit, commits: str) -> tuple[str, str, str]:
    """Return a link to a step's commit (in the folder `commits`), its size, and a link into the video."""
    programs = [lines for path, lines in step.changes.items() if re.fullmatch(r"\w+\.py", path)]
    added, removed = (sum(column) for column in zip((0, 0), *programs, strict=True))
    time_code, video = step.trailers.get("Video", ""), ""
    if time_code:
        hours, minutes, seconds = map(int, time_code.split(":"))
        video = f"[video {time_code}]({VIDEO}?t={3600 * hours + 60 * minutes + seconds})"
    return f"[{step.hash[:7]}]({commits}{step.hash[:7]})", f"+{added} −{removed}", video


def step_table(steps: dict[int, Commit], pages: dict[int, str], folder: str) -> str:
    """Return the table of steps for the README.md in a folder, "" or "lectures/"."""
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
