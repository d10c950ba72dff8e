"""The pages in lectures/ and the other texts: their form, that quotes are true, that links lead somewhere."""

import functools
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LECTURES = ROOT / "lectures"
HEADINGS = ["Where we are", "Predict", "The idea", "The change", "Run it", "Check it", "What goes wrong"]
HEADINGS += ["Why not", "Exercises", "Next"]
FENCES = r"python step \d\d( [\w/]+\.py)?|python own|diff|console|text|math"
TEXTS = sorted([*ROOT.glob("*.md"), *LECTURES.rglob("*.md")])
NUMBERS = [row["n"] for row in tomllib.loads((LECTURES / "steps.toml").read_text(encoding="utf-8"))["step"]]


def load_steps():
    """lectures/history.py as a module, which reads the steps."""
    spec = importlib.util.spec_from_file_location("lecture_history", LECTURES / "history.py")
    module = sys.modules["lecture_history"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def history():
    """The steps by number. Skips the test where there is no history."""
    module = load_steps()
    try:
        return module.by_number(module.read_history())
    except module.UserError as reason:
        pytest.skip(str(reason))


def git(*arguments):
    """What git prints in this repository; "" if it fails."""
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, encoding="utf-8").stdout


@functools.cache
def file_at(number, path):
    """A file as it is at a step."""
    return git("show", f"{history()[number].hash}:{path}")


@functools.cache
def changes(number):
    """The lines that a step adds and removes: for each file ("" for all) two Counters."""
    files = {"": (Counter(), Counter())}
    for part in git("show", "--format=", "--no-ext-diff", "-U0", history()[number].hash).split("diff --git ")[
        1:
    ]:
        path = part.splitlines()[0].split(" b/")[-1]
        files[path] = (Counter(), Counter())
        for line in part[part.find("@@") :].splitlines() if "@@" in part else []:
            if line[:1] in "+-":
                for counts in (files[""], files[path]):
                    counts[line[0] == "-"][line[1:]] += 1
    return files


def fences(text):
    """The fenced blocks of a text: (info, lines)."""
    blocks, info = [], None
    for line in text.splitlines():
        if info is None and (match := re.match(r"(\s*)```+(.*)", line)):
            indent, info, lines = len(match[1]), match[2].strip(), []
        elif info is not None and re.fullmatch(r"\s*```+", line):
            blocks.append((info, lines))
            info = None
        elif info is not None:
            lines.append(line[indent:])
    assert info is None, f"a fence is not closed: {info}"
    return blocks


def prose(text):
    """A text without its fenced blocks."""
    return re.sub(r"(?ms)^\s*```.*?^\s*```$", "", text)


def find_false_quotes(number, text):
    """What the fences of a page, or of answers, say that is not in the files of its step: a list of lines."""
    problems = []
    for info, lines in fences(text):
        if not re.fullmatch(FENCES, info):
            problems.append(f"a fence is ```{info}")
        elif info.startswith("python step"):
            step, path = int(info.split()[2]), (info.split()[3:] or ["train_gpt2.py"])[0]
            if f"\n{chr(10).join(lines)}\n" not in f"\n{file_at(step, path)}\n":
                problems.append(f"{path} of step {step:02d} has no such lines: {lines[:2]}")
        elif info == "console" and not lines[0].startswith("$ "):
            problems.append(f"output without its command: {lines[0]}")
        elif info == "diff":
            added, removed = changes(number)[""]
            known = {line for path in changes(number) if path for line in file_at(number, path).splitlines()}
            for line in lines:
                where = {"+": added, "-": removed, " ": known}.get(line[:1], ())
                if line and not line.startswith("@@") and line[1:] and line[1:] not in where:
                    problems.append(f"the step has no such line: {line}")
    return problems


def find_missing_lines(number, text):
    """The lines that a step adds to its programs or removes from them, and that no diff of its page shows.

    A line that leaves one file for another has moved, which the page may say in words.
    """
    shown = Counter(line for info, lines in fences(text) if info == "diff" for line in lines)
    files = [lines for path, lines in changes(number).items() if re.fullmatch(r"\w+\.py", path)]
    added = sum((lines for lines, _ in files), Counter())
    removed = sum((gone - (added - here) for here, gone in files), Counter())  # without what moved
    changed = [f"+{line}" for line in added.elements()] + [f"-{line}" for line in removed.elements()]
    return [line for line in Counter(changed) - shown if line[1:].strip()]


def page_of(number):
    """The path and the text of the page of a step."""
    paths = list(LECTURES.glob(f"{number:02d}-*.md"))
    assert len(paths) == 1, f"step {number:02d} has {len(paths)} pages"
    return paths[0], paths[0].read_text(encoding="utf-8")


@pytest.mark.parametrize("number", NUMBERS, ids="{:02d}".format)
class TestPage:
    def test_form(self, number):
        path, text = page_of(number)
        title = history()[number].title
        lines = text.splitlines()
        assert lines[0] == f"# {number:02d} · {title[0].upper()}{title[1:]}"
        assert lines[2].startswith("> ") and "<!-- nav -->" in lines[4]
        found = re.findall(r"(?m)^## (.*)$", prose(text))
        assert len(found) == len(HEADINGS)
        for heading, start in zip(found, HEADINGS, strict=True):
            assert heading == start or (start == "Why not" and heading.startswith("Why not"))
        unfolded = re.sub(r"(?s)<details>.*?</details>|<!-- nav -->.*?<!-- /nav -->\n", "", text)
        assert 80 <= len(unfolded.splitlines()) <= 200, len(unfolded.splitlines())
        answers = f"answers/{number:02d}.md"
        assert f"[{answers}]({answers})" in text and (LECTURES / answers).exists()
        assert "AMD EPYC" in text  # numbers have a machine

    def test_quotes(self, number):
        _, text = page_of(number)
        assert find_false_quotes(number, text) == []
        assert find_missing_lines(number, text) == []
        answers = (LECTURES / "answers" / f"{number:02d}.md").read_text(encoding="utf-8")
        assert find_false_quotes(number, answers) == []


def test_a_false_quote_is_found():
    _, text = page_of(17)
    assert find_false_quotes(17, text) == find_missing_lines(17, text) == []
    quoted = [line for info, lines in fences(text) if info == "diff" for line in lines]
    added, removed = (next(line for line in quoted if line.startswith(sign)) for sign in ("+ ", "- "))
    assert find_false_quotes(17, text.replace(added, f"{added}1"))
    assert find_missing_lines(17, text.replace(added, "")) == [added]
    assert find_missing_lines(17, text.replace(removed, "")) == [removed]
    false = "\n```python step 17\nclass GPT(nn.Modul):\n```\n"
    assert find_false_quotes(17, text + false)
    assert find_false_quotes(17, text + "\n```python\nprint()\n```\n")
    assert find_false_quotes(17, text + "\n```console\nloss 10.9\n```\n")


def anchors(path):
    """The anchors that GitHub gives the headings of a page."""
    found = Counter()
    for heading in re.findall(r"(?m)^#+ (.*?)\s*$", prose(path.read_text(encoding="utf-8"))):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found[slug] += 1
        if found[slug] > 1:
            found[f"{slug}-{found[slug] - 1}"] += 1
    return set(found)


def links(text):
    """The targets of a text's links and pictures."""
    text = re.sub(r"`[^`\n]*`", "", prose(text))
    return re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)


@pytest.mark.parametrize("path", TEXTS, ids=[path.relative_to(ROOT).as_posix() for path in TEXTS])
def test_links_lead_somewhere(path):
    for link in links(path.read_text(encoding="utf-8")):
        if re.match(r"https?://|mailto:", link):
            continue
        if commit := re.fullmatch(r"(?:\.\./)+commit/(\w+)", link):  # on GitHub
            assert any(step.hash.startswith(commit[1]) for step in history().values()), link
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists() and target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


def test_every_external_address_is_among_the_sources():
    used = {link for path in TEXTS for link in links(path.read_text(encoding="utf-8")) if "://" in link}
    used = {link for link in used if not link.startswith("https://youtu.be/l8pRSuU81PU")}
    listed = set(links((LECTURES / "SOURCES.md").read_text(encoding="utf-8")))
    assert used <= listed, sorted(used - listed)
    assert {link for link in listed if "://" in link} <= used


def test_no_text_names_a_folder_of_a_writers_machine():
    for path in TEXTS:
        assert not re.findall(r"/tmp/|/root/|/work/|/home/", path.read_text(encoding="utf-8")), path
