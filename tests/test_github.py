"""The files that GitHub reads: issue forms and the citation, and what CONTRIBUTING.md promises."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FORMS = [path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config"]
yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_is_one(path):
    form = read(path)
    assert {"name", "description", "body"} <= form.keys()
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields) >= 3
    for field in form["body"]:
        assert field["type"] in ("markdown", "input", "textarea", "dropdown", "checkboxes")
        assert field["attributes"]["value" if field["type"] == "markdown" else "label"].strip()
        assert set(field) <= {"type", "id", "attributes", "validations"}
    assert any(field.get("validations", {}).get("required") for field in fields)


def test_the_forms_ask_for_what_answers_need():
    erratum, question = (read(path) for path in sorted(FORMS))
    assert {"where", "command", "expected", "seen"} <= {field.get("id") for field in erratum["body"]}
    assert "log" in {field.get("id") for field in question["body"]}


def test_the_citation_is_valid_and_names_no_invented_person():
    citation = read(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["license"] == "MIT" and "MIT License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    title = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert citation["title"] == title
    assert [set(author) for author in citation["authors"]] == [{"name"}]  # a group, not a person


def test_contributing_names_what_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for name in re.findall(r"(?:tests|lectures)/[\w./]+\.py", text):
        assert (ROOT / name).is_file(), name
    for target in re.findall(r"(?m)^make (\w+)", text):
        assert f"\n{target}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    history = (ROOT / "lectures" / "history.py").read_text(encoding="utf-8")
    for kind in re.findall(r"(?m)^\| `(\w+)[ :]", text):
        assert f'"{kind}": r"' in history
    for variable, path in re.findall(r"(?m)^(\w+)=1 .* (tests/\S+)", text):
        assert f'"{variable}"' in (ROOT / path).read_text(encoding="utf-8")
    limits = (ROOT / "lectures" / "check.py").read_text(encoding="utf-8")
    assert re.search(r"at most (\d+) lines of\s+`train_gpt2.py`", text)[1] in limits
