"""What takes long is shown on a terminal, and only there."""

import contextlib
import io
import re

import pytest
from test_program import TINY, own_folder  # noqa: F401

import hellaswag
import progress
import train_gpt2
from hellaswag import Row


class Terminal(io.StringIO):
    """A standard error that is a terminal."""

    def isatty(self):
        return True


class Timer:
    """Calls its function when it starts: the block takes longer than any delay."""

    def __init__(self, delay, function, arguments, options):
        self.start = lambda: function(*arguments, **options)
        self.cancel = lambda: None


@pytest.fixture(autouse=True)
def slow(monkeypatch):
    """Everything takes longer than DELAY."""
    monkeypatch.setattr(progress, "DELAY", 0)
    monkeypatch.setattr(progress.threading, "Timer", Timer)


def seen(function, *words):
    """What a function shows on a terminal."""
    with contextlib.redirect_stderr(Terminal()) as screen:
        function(*words)
    return screen.getvalue()


def work():
    """Do what shows a line and a bar."""
    with progress.show_wait("saving"):
        assert [*progress.show_progress(range(4), "counting")] == [0, 1, 2, 3]


def test_a_terminal_shows_a_line_and_a_bar():
    shown = seen(work)
    assert shown.startswith("saving ...\n") and "counting:   0%" in shown
    assert re.search(r"\r *\r$", shown)  # the bar goes away


def test_a_pipe_shows_nothing(monkeypatch):
    monkeypatch.setattr(Terminal, "isatty", lambda self: False)
    assert seen(work) == ""


def test_another_rank_shows_nothing(monkeypatch):
    monkeypatch.setenv("RANK", "1")
    assert seen(work) == ""


def test_what_is_short_shows_nothing(monkeypatch):
    monkeypatch.undo()
    assert seen(work) == "" and progress.DELAY == 5


def test_a_run_shows_its_validation_its_scores_and_its_checkpoints(monkeypatch, capsys):
    monkeypatch.setattr(hellaswag, "load_rows", lambda: [Row("ab", [" c", " d"], 0)] * 3)
    words = ["--hellaswag_every", "2", "--eval_every", "2", "--sample_every", "0", "--steps", "2"]
    shown = seen(train_gpt2.main, [*TINY, *words])
    for part in ("validation:", "HellaSwag:", "saving a checkpoint ...\n"):
        assert part in shown
    out = capsys.readouterr().out
    assert "validation loss" in out and "HellaSwag" in out and "saving" not in out


def test_a_model_that_is_compiled_shows_a_line(monkeypatch):
    monkeypatch.setattr(train_gpt2.torch, "compile", lambda model, **_: model)
    words = ["--eval_every", "0", "--sample_every", "0", "--steps", "0", "--compile", "true"]
    assert "compiling the model ...\n" in seen(train_gpt2.main, [*TINY, *words])
