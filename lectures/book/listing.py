"""Source code as HTML: highlighted lines, files cut into blocks that fold, the lines that a step changes."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from operator import itemgetter

from pygments.lexers import PythonLexer, TextLexer, YamlLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String

LEXERS = {"py": PythonLexer(stripnl=False), "yaml": YamlLexer(stripnl=False)}
PLAIN = TextLexer(stripnl=False)
COLORS = {String.Doc: "c", Comment: "c", Name.Decorator: "c", Keyword: "k", Operator.Word: "k"}
COLORS |= {Name.Function: "f", Name.Class: "f", String: "s", Number: "n"}  # the first that fits
CONTEXT = 3  # lines around a change that the view "diff" shows


@dataclass
class Change:
    """What a commit does to one file: the lines it adds (from 1), and those it removes before a line."""

    added: set[int] = field(default_factory=set)
    removed: dict[int, list[str]] = field(default_factory=dict)


@functools.cache
def highlight(text: str, kind: str = "py") -> list[str]:
    """Return the lines of a text as HTML; `kind` is a file's extension."""
    html, tokens = "", LEXERS.get(kind, PLAIN).get_tokens(text)
    pieces = [(next((c for k, c in COLORS.items() if token in k), ""), piece) for token, piece in tokens]
    for color, group in groupby(pieces, key=itemgetter(0)):
        lines = escape("".join(piece for _, piece in group), quote=False).split("\n")
        colored = [f"<b class={color}>{line}</b>" if color and line.strip() else line for line in lines]
        html += "\n".join(colored)
    return html.split("\n")[: text.count("\n") + 1]


def read_hunks(diff: str) -> Iterator[tuple[str, int, str, list[str]]]:
    """Yield the hunks of the files that a diff leaves: path, first line from 1, function, and lines."""
    for text in re.split(r"(?m)^diff --git ", diff)[1:]:
        head, *hunks = re.split(r"(?m)^@@ -\S+ \+(\d+)(,0)?\S* @@ ?(.*)\n", text)
        if path := re.search(r"(?m)^\+\+\+ b/(.*)", head):
            for start, none, name, body in zip(*[iter(hunks)] * 4, strict=True):
                lines = [line for line in body.splitlines() if line[:1] in ("+", "-", " ")]
                yield path[1], int(start) + bool(none), name, lines  # ",0": after that line


def parse_diff(text: str) -> dict[str, Change]:
    """Parse the output of git diff -U0: what happens to each file that still exists."""
    changes = {}
    for path, number, _, lines in read_hunks(text):
        change = changes.setdefault(path, Change())
        change.added.update(range(number, number + sum(line[0] == "+" for line in lines)))
        if removed := [line[1:] for line in lines if line[0] == "-"]:
            change.removed[number] = removed
    return changes


def cut(lines: list[str]) -> list[tuple[int, int, str]]:
    """Cut a Python file into blocks: (first line from 0, line after the last, qualified name or "")."""
    starts, decorated, owner = [(0, "")], False, ""
    for number, line in enumerate(lines):
        if match := re.match(r"( {4})?(?:async )?(def|class) (\w+)|( {4})?@\w", line):
            if match[3] and not match[1]:
                owner = match[3] if match[2] == "class" else ""
            name = f"{owner}.{match[3]}" if match[1] and owner else match[3] or ""
            starts[len(starts) - decorated :] = [(starts[-1][0] if decorated else number, name)]
            decorated = not match[3]
        elif line[:1] not in ("", " ", ")", "]", "}", '"') and starts[-1][1]:
            starts.append((number, ""))  # back at the left margin: constants, comments, the guard
    ends = [start for start, _ in starts[1:]] + [len(lines)]
    return [(start, end, name) for (start, name), end in zip(starts, ends, strict=True) if end > start]


def show_patch(patch: str) -> dict[str, str]:
    """Return what a patch changes in each program, but not in tests: its lines with their numbers."""
    files, kinds = {}, {"+": "a", "-": "d", " ": "x"}
    for path, number, name, lines in read_hunks(patch):
        if not path.startswith("tests/"):
            rows = "".join(f"<i class={kinds[line[0]]}>{highlight(line[1:])[0]}</i>" for line in lines)
            where = f'style="counter-reset:l {number - 1}" data-name="{escape(name.rstrip(":"))}"'
            files[path] = files.get(path, "") + f'<div class="b ch" {where}>{rows}</div>'
    return files


def show_file(path: str, text: str, change=None, since=frozenset(), store=None) -> str:
    """Return a file as blocks of numbered lines: those that a change touches, or all if there is none.

    With a `store`, the lines of the other blocks are kept there, once for all steps that have them, and
    the page has their number: static/site.js puts them in.
    """
    kind, lines, html = path.rpartition(".")[2], text.rstrip("\n").split("\n"), []
    change = change or Change()
    edits = {*change.added, *change.removed}
    near = {number + delta for number in edits for delta in range(-CONTEXT, CONTEXT + 1)}
    kinds = dict(a=change.added, p=since, x=near)  # added by the step, added in its part, close to a change
    for start, end, name in cut(lines) if kind == "py" else [(0, len(lines), "")]:
        shown, rows = highlight("\n".join(lines[start:end]), kind), []
        here = range(start + 1, end + 1 + (end == len(lines)))  # what is removed at the end is after the end
        changed, later = not edits.isdisjoint(here), not since.isdisjoint(here)
        for number in here:
            for line in change.removed.get(number, []):
                rows.append(f'<i class=d data-n="-{number}">{highlight(line, kind)[0]}</i>')
            if number <= end:
                marks = " ".join(mark for mark, numbers in kinds.items() if number in numbers)
                where = f' class="{marks}"' if marks else ""
                where += f" data-n={number}" if number in change.added else ""
                rows.append(f"<i{where}>{shown[number - start - 1]}</i>")
        first = re.compile(r"(?!<i class=d)" + r".*\b(def|class)</b>" * bool(name))
        fold = next(at for at, row in enumerate(rows, 1) if first.match(row))  # the rows that are not folded
        fold *= len(rows) > 4 and bool(name or not start)
        if changed or not edits:
            where = f'class="b{" ch" * changed}{" si" * later}" style="counter-reset:l {start}"'
            where += f' data-name="{name}"'
            if fold:
                head, body = "".join(rows[:fold]), "".join(rows[fold:])
                html.append(f"<details {where} open><summary>{head}</summary>{body}</details>")
            else:
                html.append(f"<div {where}>{''.join(rows)}</div>")
        elif store is not None:
            at = store.setdefault((fold, "\n".join(shown)), len(store))
            new = " ".join(str(number - start) for number in here if number in since)
            html.append(f'<div class="b{" si" * later}" data-block={at} data-l={start} data-p="{new}"></div>')
    return "".join(html)
