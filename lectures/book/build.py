"""Build the lecture's web site from its pages and its history: python lectures/book/build.py [FOLDER]

The pages are those of main (else origin/main, else HEAD). If that is checked out, your files are read
instead, so that you can look at what you write. The folder (default: site) is deleted and written again.
"""

import json
import os
import re
import shutil
import sys
from pathlib import Path

BOOK = Path(__file__).resolve().parent
sys.path[:0] = [str(BOOK.parent), str(BOOK / "model")]  # the history's modules, and the model's

try:
    import export
    from history import ROOT, UserError
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from lecture import Lecture
    from listing import show_file
    from prose import Page, render
except ImportError as error:
    sys.exit(f"error: {error.name} is not installed (run make site, or install requirements-site.txt)")


class Site:
    """A folder of pages, and the index of their words."""

    def __init__(self, lecture: Lecture, folder: Path):
        self.lecture, self.folder, self.errata = lecture, folder, read_errata(lecture)
        self.index: dict[str, list] = {"pages": [], "text": [], "code": []}
        options = dict(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        self.templates = Environment(loader=FileSystemLoader(BOOK / "templates"), **options)
        base = os.environ.get("SITE_URL", "").rstrip("/")  # for previews of links
        self.templates.globals |= dict(steps=lecture.steps, repository=lecture.repository, base=base)
        self.contents = self.templates.get_template("contents.html").render()

    def write(self, url: str, template: str, page: Page, **values) -> None:
        """Write a page, and add its sections to the index."""
        html = self.templates.get_template(template).render(url=url, page=page, **values)
        (self.folder / url).write_text(html, encoding="utf-8", newline="\n")
        self.index["text"] += [[len(self.index["pages"]), *part] for part in page.sections if part[2]]
        self.index["pages"].append([url, page.title])

    def write_script(self, name: str, variable: str, value) -> None:
        """Write a value for the pages' scripts, which cannot fetch a file where there is no server."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        (self.folder / name).write_text(f"{variable} = {text};\n", encoding="utf-8", newline="\n")

    def write_step(self, place: int) -> None:
        """Write the page of the step at a place among the steps."""
        step, around = self.lecture.steps[place], [None, *self.lecture.steps, None]
        (files, tabs), changes = self.lecture.find_programs(step), self.lecture.changes[step["hash"]]
        page = render(step["page"], self.lecture, changes, files)
        for path in [path for path in files if not path.startswith("tests/")]:
            lines = files[path].split("\n")
            added = {lines[number - 1].strip(): number for number in sorted(changes[path].added)[::-1]}
            self.index["code"] += [[place, path, line, added[line]] for line in added if len(line) > 5]
        values = dict(step=step, tabs=tabs, previous=around[place], following=around[place + 2])
        errata = self.lecture.find_errata(step["number"])
        values["errata"] = [entry | dict(cells=self.errata[entry["name"]]) for entry in errata]
        answers = render(f"lectures/answers/{step['id']}.md", self.lecture).html
        html = re.sub(r"(?s)^<h1.*?</h1>\s*(<blockquote>.*?</blockquote>)?", "", page.html)
        values["pieces"] = re.split(r'(?s)(<h2 id="predict">.*?)(?=<h2)', fold_answers(html, answers))
        self.write(step["url"], "step.html", page, **values)

    def write_text(self, path: str, url: str) -> None:
        """Write the page of another text; README.md becomes the first page."""
        page = render(path, self.lecture)
        html = page.html.replace('<div class="all-steps"></div>', self.contents)
        self.write(url, "index.html" if url == "index.html" else "page.html", page, html=html)


def read_errata(lecture: Lecture) -> dict[str, dict]:
    """Return the rows of each entry of ERRATA.md, as HTML."""
    html = render("ERRATA.md", lecture).html
    entries = re.findall(r'(?s)<h3 id="e\d\d">(E\d\d)</h3>(.*?)(?=<h[23]|\Z)', html)
    return {name: dict(re.findall(r"(?s)<td>(\w+)</td>\s*<td>(.*?)</td>", entry)) for name, entry in entries}


def fold_answers(html: str, answers: str) -> str:
    """Replace the link to the answers in a page by the answers themselves, folded."""
    answer = r'(?s)<h2 id="([^"]*)">(.*?)</h2>(.*?)(?=<h2|\Z)'
    fold = r'<details class="solution" id="answer-\1"><summary>\2</summary>\3</details>'
    folds = re.sub(answer, fold, re.sub(r"(?s)<h1.*?</h1>", "", answers))
    folds = re.sub(r"<summary>(\d+)</summary>", r"<summary>Answer \1</summary>", folds)
    return re.sub(r"<p>Answers?: .*?</p>", lambda _: f'<div id="answers">{folds}</div>', html, count=1)


def build(folder: Path) -> None:
    """Write the site into a folder."""
    lecture = Lecture()
    if folder.exists() and any(folder.iterdir()) and not (folder / "search.js").exists():
        raise UserError(f"{folder} holds something other than a site (choose another folder)")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(BOOK / "static", folder)
    site = Site(lecture, folder)
    for place in range(len(lecture.steps)):
        site.write_step(place)
    for path, url in lecture.urls.items():
        if "#" not in url and path not in [step["page"] for step in lecture.steps]:
            site.write_text(path, url)
    for path, url in lecture.listings.items():
        site.write(url, "code.html", Page(path), path=path, html=show_file(path, lecture.files[path]))
    for name in ("model.css", "gpt.js", "page.js"):
        shutil.copy(BOOK / "model" / name, folder)
    (folder / "weights.js").write_text(export.script(), encoding="utf-8", newline="\n")
    html = (BOOK / "model" / "page.html").read_text("utf-8")
    site.write("model.html", "model.html", Page("The model in the page"), html=html)
    for path, blocks in lecture.blocks.items():
        site.write_script(f"blocks-{path}.js", f'BLOCKS["{path}"]', [*blocks])
    site.write_script("contents.js", "window.CONTENTS", site.contents)
    site.write_script("search.js", "window.SEARCH", site.index)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site"
    try:
        build(target)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    print(f"{target}: {len([*target.glob('*.html')])} pages; open index.html")
