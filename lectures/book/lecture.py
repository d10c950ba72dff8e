"""The repository as the site shows it: its texts and programs, and what each step and each fix changed."""

import io
import os
import re
import subprocess
import tarfile
from pathlib import Path

from errata import find_fixes, read_patch
from history import ROOT, Commit, by_number, git, read_history, resolve
from index import facts
from listing import Change, parse_diff, show_file, show_patch
from table import NEEDS, read_table

PROGRAMS = ["*.py", "*.toml", "*.yaml", "requirements*.txt", "Makefile", ":!lectures", ":!reference"]
DIFF = ["-U0", "--no-renames", "--no-ext-diff", "--no-textconv"]


def read_files(revision: str, paths: list[str]) -> dict[str, str]:
    """Return the contents of files and folders of a revision, in one call of git."""
    command = ["git", "-C", str(ROOT), "-c", "core.autocrlf=false", "archive", revision, "--", *paths]
    archive = io.BytesIO(subprocess.run(command, capture_output=True, check=True).stdout)
    with tarfile.open(fileobj=archive) as tar:
        files = [member for member in tar if member.isfile()]
        return {file.name: tar.extractfile(file).read().decode("utf-8", "replace") for file in files}


def read_tree(revision: str) -> dict[str, str]:
    """Return all files of a revision; if it is checked out, yours, so that you see what you write."""
    if git("rev-parse", "HEAD").strip() != revision:
        return read_files(revision, ["."])
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")[:-1]
    return {name: (ROOT / name).read_text("utf-8", "replace") for name in names if (ROOT / name).is_file()}


class Lecture:
    """What the pages are made from."""

    def __init__(self):
        revision = resolve(None)
        self.commits, self.files = read_history(revision), read_tree(revision)
        self.blocks: dict[str, dict] = {}  # of each program: the blocks that steps leave unchanged
        log = git("log", "-p", *DIFF, "--format=%x1e%H", revision, "--", *PROGRAMS)
        self.changes = {part[:40]: parse_diff(part) for part in log.split("\x1e")[1:]}
        name = os.environ.get("GITHUB_REPOSITORY", "")  # as GitHub's workflows set it
        self.repository = name and f"https://github.com/{name}"
        rows, steps = [row for row in read_table()["step"] if "page" in row], by_number(self.commits)
        self.steps = [describe(steps[row["n"]], row) for row in rows if row["n"] in steps]
        texts = [path for path in self.files if re.fullmatch(r"(lectures/)?[^/]+\.md", path)]
        self.urls = {path: f"{Path(path).stem.lower()}.html" for path in texts}
        self.urls |= {"README.md": "index.html", "lectures/README.md": "lectures.html"}
        self.urls |= {f"lectures/answers/{step['id']}.md": f"{step['url']}#answers" for step in self.steps}
        self.listings = {path: f"code-{path}.html" for path in self.files if re.fullmatch(r"\w+\.py", path)}

    def find_url(self, path: str, anchor: str = "") -> str | None:
        """Return where a link in a text leads: to a page, a program's page, the repository, or nowhere."""
        if path in self.urls:
            url, _, answers = self.urls[path].partition("#")
            anchor = f"answer-{anchor}" if answers and anchor else anchor or answers
            return f"{url}#{anchor}" if anchor else url
        if path in self.files and re.search(r"\.(py|yaml|toml|txt)$|^Makefile$", path):
            return self.listings.setdefault(path, f"code-{path.replace('/', '-')}.html")
        return f"{self.repository}/blob/main/{path}" if self.repository else None

    def find_programs(self, step: dict) -> tuple[dict[str, str], list[dict]]:
        """Return the files that a step changes, and their tabs."""
        changes, tabs = self.changes[step["hash"]], []
        files = read_files(step["hash"], [*changes])
        base = [other["hash"] for other in self.steps if other["part"] < step["part"]][-1:]
        since = parse_diff(git("diff", *DIFF, *base, step["hash"], "--", *files)) if base else {}
        for path in sorted(files, key=lambda path: (path[:6] == "tests/", path != "train_gpt2.py", path)):
            store = None if path[:6] == "tests/" else self.blocks.setdefault(path, {})
            html = show_file(path, files[path], changes[path], since.get(path, Change()).added, store)
            tabs.append(dict(path=path, size="+{} −{}".format(*step["changes"].get(path, (0, 0))), html=html))
        return files, tabs

    def find_errata(self, number: int) -> list[dict]:
        """Return the errata that concern a step: name, title, and the patch that mends it in each program."""
        entries = []
        for fix in find_fixes(self.commits, number):
            title, name = re.sub(r" \(steps?.*", "", fix.title), fix.subject[4:7]
            entries.append(dict(name=name, title=title, patch=show_patch(read_patch(fix, number)[0])))
        return entries


def describe(step: Commit, row: dict) -> dict:
    """Return what the templates say about a step: the fields of its commit, and these."""
    _, size, video = facts(step, "")
    part, _, name = step.trailers.get("Part", "").partition(" ")
    values = dict(id=f"{step.number:02d}", page=f"lectures/{row['page']}", part=part, part_name=name)
    values |= dict(url=row["page"].replace(".md", ".html"), lines=sum(map(int, re.findall(r"\d+", size))))
    values["needs"] = [NEEDS[need] for need in row.get("needs", [])]
    return vars(step) | row | values | dict(size=size, video=video[1:-1].split("](") if video else None)
