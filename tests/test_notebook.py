import copy
import json
import os
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PATH, COLAB = ROOT / "play.ipynb", ROOT / "colab.ipynb"
both = pytest.mark.parametrize("path", [PATH, COLAB], ids=lambda path: path.stem)


def read_notebook(path=PATH):
    return json.loads(path.read_text(encoding="utf-8"))


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def printed(cells):
    """All text that the cells print."""
    outputs = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "stream"]
    return "".join("".join(output["text"]) for output in outputs)


def check_accuracies(text):
    """The adder that does best and the sorter are right in more than 99 of 100 questions."""
    adding = re.findall(r"accuracy over all 10,000 pairs: ([\d.]+) ", text)
    (sorting,) = re.findall(r"accuracy over all 729 inputs: ([\d.]+)", text)
    assert len(adding) == 2 and max(map(float, adding)) > 0.99
    assert float(sorting) > 0.99


def check_walk(text):
    """The walk of colab.ipynb: a run that ends half-way and resumes, fine-tuning from step 0, two ranks."""
    assert "stopped after step 1" in text
    assert re.search(r"continued after step 1\d\d of 300", text)
    first, *_, last = map(
        float, re.findall(r"validation loss (\d\.\d+)", text.split("small/best weights on")[1])
    )
    assert last < first - 0.1
    assert re.search(r"scratch weights on 2 x (cpu|cuda)", text) and "step   30  loss" in text
    assert re.search(r"(?m)^T4 +8 +[\d,]+ +[\d.]+ +-$", text)


@both
def test_it_is_a_valid_notebook_of_a_moderate_size(path):
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    nbformat.validate(nbformat.read(path, as_version=4))
    assert path.stat().st_size < 1_500_000


@both
def test_its_outputs_are_those_of_one_run_in_order(path):
    cells = code_cells(read_notebook(path))
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell["outputs"] or cell["source"][0].startswith("REPOSITORY = ") for cell in cells)


@both
def test_no_cell_has_failed_or_warned(path):
    for cell in code_cells(read_notebook(path)):
        for output in cell["outputs"]:
            assert output["output_type"] != "error" and output.get("name") != "stderr", output


def test_its_pictures_and_numbers_are_there():
    cells = code_cells(read_notebook())
    outputs = [output for cell in cells for output in cell["outputs"]]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) >= 9
    check_accuracies(printed(cells))


def test_the_curves_and_the_walk_of_colab_are_there():
    cells = code_cells(read_notebook(COLAB))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert len([output for output in outputs if "image/png" in output.get("data", {})]) == 3
    check_walk(printed(cells))


def test_colab_installs_the_packages_of_the_programs_and_keeps_its_torch():
    """requirements-notebook.txt lists them without torch, each from a version up to the pin."""
    pinned, *_ = (ROOT / "requirements.txt").read_text(encoding="utf-8").split("\n\n")
    pinned = dict(re.findall(r"(?m)^(\w+)==([\d.]+)$", pinned))
    text = (ROOT / "requirements-notebook.txt").read_text(encoding="utf-8")
    least = dict(re.findall(r"(?m)^(\w+)>=([\d.]+)$", text))
    assert len(least) == len([line for line in text.splitlines() if line and line[0] != "#"])
    assert least.keys() == pinned.keys() - {"torch"}
    for name, version in least.items():
        assert tuple(map(int, version.split("."))) <= tuple(map(int, pinned[name].split("."))), name


@both
def test_it_names_no_folder_of_the_computer_that_ran_it(path):
    notebook = copy.deepcopy(read_notebook(path))
    for cell in code_cells(notebook):
        for output in cell["outputs"]:
            output.get("data", {}).pop("image/png", None)  # base64 has slashes
    text = json.dumps(notebook)
    assert not re.search(r"(?<![\w.:/<])/(home|root|tmp|work|usr|opt|var|Users|mnt|private)/", text)
    assert not re.search(r"\b[A-Za-z]:\\\\", text)


@both
def test_it_runs_from_top_to_bottom(tmp_path, monkeypatch, path):
    if os.environ.get("NOTEBOOK") != "1":
        pytest.skip("takes minutes: make play runs it")
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    for program in ROOT.glob("*.py"):
        shutil.copy(program, tmp_path)
    shutil.copytree(ROOT / "reference", tmp_path / "reference")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # its models are small: more threads wait for each other
    notebook = nbformat.read(path, as_version=4)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    client = nbclient.NotebookClient(
        notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()  # raises what a cell raises
    text = printed(code_cells(notebook))
    if path == COLAB:
        return check_walk(text)
    assert "We look at the newest checkpoint of runs/notebook" in text
    check_accuracies(text)
