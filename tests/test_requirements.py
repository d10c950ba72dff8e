"""The lists of packages: requirements.txt, and what agrees with it."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def read(name):
    """The requirements in a file: a list for each paragraph."""
    paragraphs = (ROOT / name).read_text(encoding="utf-8").split("\n\n")
    return [[line for line in text.splitlines() if line and line[0] != "#"] for text in paragraphs]


def pins(lines):
    """The packages of a list that pins each to a version: {name: version}."""
    pairs = [line.split("==") for line in lines]
    assert all(len(pair) == 2 and re.fullmatch(r"[\d.]+", pair[1]) for pair in pairs)
    return {name.lower().replace("_", "-"): version for name, version in pairs}


def test_uv_installs_what_requirements_txt_lists():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    programs, tools = read("requirements.txt")
    assert project["project"]["dependencies"] == programs
    assert project["dependency-groups"]["dev"] == tools
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    locked = {package["name"]: package for package in lock["package"]}
    for name, version in pins(programs + tools).items():
        assert locked[name]["version"] == version, name
    assert lock["requires-python"] == project["project"]["requires-python"]


def test_the_lock_names_only_pypi():
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    hosts = set(re.findall(r"\w+://([^/\"]+)", text))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}
    assert "path =" not in text and "directory =" not in text


@pytest.mark.parametrize("found", [True, False])
def test_make_installs_with_uv_where_it_is(tmp_path, found):
    if os.name == "nt" or not shutil.which("make"):
        pytest.skip("make is not installed")
    (tmp_path / "uv").write_text("#!/bin/sh\n")
    (tmp_path / "uv").chmod(0o755 if found else 0o644)
    words = ["make", "-n", "-B", "train", "site"]
    path = os.pathsep.join([str(tmp_path), *os.get_exec_path()]) if found else "/usr/bin:/bin"
    out = subprocess.run(words, cwd=ROOT, env=os.environ | dict(PATH=path), capture_output=True, text=True)
    lines = [line for line in out.stdout.splitlines() if " pip install " in line]
    assert len(lines) == 2 and all(line.startswith("uv pip install") == found for line in lines), out
    assert [line.split()[-1] for line in lines] == ["requirements.txt", "requirements-site.txt"]
