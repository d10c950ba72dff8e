"""Read and validate lectures/steps.toml: the command of each step, and the numbers it must print."""

import contextlib
import re
import tomllib
from collections.abc import Iterator

from history import ROOT, Commit, UserError, git, resolve

TABLE = "lectures/steps.toml"
NEEDS = {"vocab": "GPT-2's vocabulary", "text": "tiny Shakespeare", "weights": "OpenAI's weights"}
NEEDS |= {"2 processes": "two processes"}

# What a value must be, in words and as a test, which may also raise TypeError or re.error.
NUMBER = ("a number", lambda value: isinstance(value, int | float))
ABOVE_0 = ("a number above 0", lambda value: value > 0)
FROM_0 = ("a number, 0 or more", lambda value: value >= 0)
BOOLEAN = ("true or false", lambda value: isinstance(value, bool))
TEXT = ("a text", str.strip)
TEXTS = ("a list of texts", lambda value: all(map(str.strip, value)))
TABLES = ("a list of tables", lambda value: all(isinstance(item, dict) for item in value))
PATTERN = ("a pattern with one group", lambda value: re.compile(value).groups == 1)
KNOWN = (f"a list of {[*NEEDS]}", lambda value: set(value) <= set(NEEDS))

# The keys of the file, of a [[step]] in it, and of a number that a step is expected to print.
FILE = {"losses": PATTERN, "step": TABLES}
ROW = {"n": ABOVE_0, "title": TEXT, "run": TEXT, "seconds": ABOVE_0}
ROW |= {"page": TEXT, "answer": TEXT, "files": TEXTS, "needs": KNOWN, "expect": TABLES}
EXPECT = {"find": PATTERN, "last": BOOLEAN, "value": NUMBER, "tolerance": FROM_0, "below": NUMBER}
REQUIRED = ["losses", "step", "n", "title", "run", "seconds", "find"]


def read_table(revision: str | None = None) -> dict:
    """Read steps.toml of a revision; if that is checked out, read the file, so that you can try edits."""
    text, revision = "", resolve(revision)
    with contextlib.suppress(FileNotFoundError, UserError):  # a revision without this file
        here = git("rev-parse", "HEAD").strip() == revision
        text = (ROOT / TABLE).read_text("utf-8") if here else git("show", f"{revision}:{TABLE}")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{TABLE} is not valid TOML: {error}") from None
    if not all(isinstance(row, dict) for row in table.setdefault("step", [])):
        raise UserError(f"'step' in {TABLE} is not a list of tables; start each step with [[step]]")
    return table


def table_problems(table: dict) -> Iterator[str]:
    """Yield what is wrong with steps.toml by itself."""
    yield from (f"{TABLE}: {problem}" for problem in key_problems(table, FILE))
    numbers = [row.get("n") for row in table["step"]]
    for row in table["step"]:
        problems = list(key_problems(row, ROW))
        for expect in [] if problems else row.get("expect", []):
            problems += key_problems(expect, EXPECT)
            if ("value" in expect) == ("below" in expect):
                problems.append(f"the expectation {expect} needs either 'value' or 'below'; correct it")
        if numbers.count(row.get("n")) > 1:
            problems.append("it has two rows; remove one")
        yield from (f"{label(row)}: {problem}" for problem in problems)


def label(row: dict) -> str:
    """Name a row in a message."""
    return f"{TABLE} step {str(row.get('n')).zfill(2)}"


def key_problems(table: dict, forms: dict[str, tuple]) -> Iterator[str]:
    """Yield the missing, unknown and malformed keys of a table."""
    yield from (f"{key!r} is missing; add it" for key in forms if key in REQUIRED and key not in table)
    for key, value in table.items():
        form, test = forms.get(key, ("", None))
        valid = False
        with contextlib.suppress(TypeError, re.error):
            valid = form and test(value)
        if not valid:
            yield f"{key!r} is {value!r}; make it {form}" if form else f"unknown key {key!r}; remove it"


def match_problems(table: dict, steps: dict[int, Commit]) -> Iterator[str]:
    """Yield where the rows of steps.toml and the steps of the history differ."""
    rows = {row.get("n"): row for row in table["step"]}
    extra = [row for number, row in rows.items() if number not in steps]
    yield from (f"{label(row)}: no such step in the history; remove the row" for row in extra)
    for number, step in steps.items():
        row, files = rows.get(number, {}), sorted(step.changes)
        if not row:
            yield f"{step}: no row in {TABLE}; add one"
        elif row.get("title") != step.title:
            yield f"{step}: the title in {TABLE} is {row.get('title')!r}; make it {step.title!r}"
        if sorted(row.get("files", files)) != files:
            yield f"{step}: the files in {TABLE} are {row['files']}; make them {files}"
