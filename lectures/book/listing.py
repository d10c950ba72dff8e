"""Source code as HTML: highlighted lines, files cut into blocks that fold, the lines that a step changes."""

import functools
import re
from dataclasses import dataclass, field
from html import escape

from pygments.lexers import PythonLexer, TextLexer, YamlLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, String

LEXERS = {"py": PythonLexer(stripnl=False), "yaml": YamlLexer(stripnl=False)}
PLAIN = TextLexer(stripnl=False)
COLORS = {String.Doc: "c", Comment: "c", Name.Decorator: "c", Keyword: "k", Operator.Word: "k"}
COLORS |= {Name.Function: "f", Name.Class: "f", String: "s", Number: "n"}  # most tokens have none
CONTEXT = 3  # lines around a change that the view "diff" shows


@dataclass
class Change:
    """What a commit does to one file: the lines it adds (from 1), and those it removes before a line."""

    added: set[int] = field(default_factory=set)
    removed: dict[int, list[str]] = field(default_factory=dict)


@functools.cache
def highlight(text: str, kind: str = "py") -> list[str]:
    """Return the lines of a text as HTML; `kind` is a file's extension."""
    lines, last = [""], ""  # the color of the last piece
    for token, value in LEXERS.get(kind, PLAIN).get_tokens(text):
        color = next((COLORS[part] for part in reversed(token.split()) if part in COLORS), "")
        for number, piece in enumerate(value.split("\n")):
            lines += [""] if number else []
            html = escape(piece, quote=False)
            if color and color == last and lines[-1].endswith("</b>"):
                lines[-1] = f"{lines[-1][:-4]}{html}</b>"
            else:
                lines[-1] += f"<b class={color}>{html}</b>" if color and piece.strip() else html
            last = color
    return lines[: text.count("\n") + 1]


def parse_diff(text: str) -> dict[str, Change]:
    """Parse the output of git diff -U0: what happens to each file that still exists."""
    changes, path, number = {}, "", 0
    for line in text.splitlines():
        if line.startswith("diff --git "):
            path, number = "", 0
        elif line.startswith("+++ ") and not number:
            path = line[6:] if line.startswith("+++ b/") else ""
        elif match := re.match(r"@@ -\S+ \+(\d+)(,0)?", line):
            number = int(match[1]) + bool(match[2])  # ",0": after that line
        elif line[:1] == "+" and path:
            changes.setdefault(path, Change()).added.add(number)
            number += 1
        elif line[:1] == "-" and path and number:
            changes.setdefault(path, Change()).removed.setdefault(number, []).append(line[1:])
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
    files = {}
    for path, text in re.findall(r"(?ms)^\+\+\+ b/((?!tests/)\S+)\n(.*?)(?=^diff --git |\Z)", patch):
        for start, name, body in re.findall(r"(?ms)^@@ -\S+ \+(\d+)\S* @@ ?(.*?)\n(.*?)(?=^@@ |\Z)", text):
            rows = "".join(
                f"<i class={'da'[line[0] == '+'] if line[0] in '+-' else 'x'}>{highlight(line[1:])[0]}</i>"
                for line in body.splitlines()
                if line[:1] in ("+", "-", " ")
            )
            where = f'style="counter-reset:l {int(start) - 1}" data-name="{escape(name.rstrip(":"))}"'
            files[path] = files.get(path, "") + f'<div class="b ch" {where}>{rows}</div>'
    return files


def show_file(path: str, text: str, change=None, since=frozenset(), whole=True, store=None) -> str:
    """Return a file as blocks of numbered lines; blocks without a change are folded, or left out.

    With a `store`, the rows of such a block are kept there, once for all steps that have it, and the page
    has their number: static/site.js puts them in.
    """
    kind, lines, html = path.rpartition(".")[2], text.rstrip("\n").split("\n"), []
    change = change or Change()
    edits = {*change.added, *change.removed}
    near = {number + delta for number in edits for delta in range(-CONTEXT, CONTEXT + 1)}
    for start, end, name in cut(lines) if kind == "py" else [(0, len(lines), "")]:
        shown, rows = highlight("\n".join(lines[start:end]), kind), []
        last = end + (end == len(lines))  # the lines that are removed at the end of the file
        for number in range(start + 1, last + 1):
            for line in change.removed.get(number, []):
                rows.append(f'<i class=d data-n="-{number}">{highlight(line, kind)[0]}</i>')
            if number <= end:  # a = added by the step, p = added in its part, x = close to a change
                kinds = dict(a=change.added, p=since, x=near)
                marks = [mark for mark, numbers in kinds.items() if number in numbers]
                where = f' class="{" ".join(marks)}"' if marks else ""
                where += f" data-n={number}" if number in change.added else ""
                rows.append(f"<i{where}>{shown[number - start - 1]}</i>")
        changed = any(start < number <= last for number in edits)
        later = any(start < number <= end for number in since)
        where = (
            f'class="b{" ch" * changed}{" si" * later}" style="counter-reset:l {start}" data-name="{name}"'
        )
        kept = [at + 1 for at, row in enumerate(rows) if not row.startswith("<i class=d")]
        heads = [at for at in kept if re.search(r"\b(def|class)</b>", rows[at - 1])]
        head = (heads or kept or [1])[0]
        fold = 0 if len(rows) < 5 or not name and start else head
        if store is not None and edits and not changed and whole:
            key = (fold, "\n".join(re.sub(r"^<i.*?>|</i>$", "", row) for row in rows))
            at = store.setdefault(key, len(store))
            new = " ".join(str(number - start) for number in range(start + 1, end + 1) if number in since)
            html.append(f'<div class="b{" si" * later}" data-block={at} data-l={start} data-p="{new}"></div>')
            continue
        if not fold:
            block = f"<div {where}>{''.join(rows)}</div>"
        else:
            where += " open" if changed or not edits else ""
            block = (
                f"<details {where}><summary>{''.join(rows[:head])}</summary>{''.join(rows[head:])}</details>"
            )
        html += [block] if changed or whole else []
    return "".join(html)
