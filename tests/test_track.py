import importlib.util
import json
import math
import os
import sys
import time
from pathlib import Path

import pytest
from test_runs import CONFIG

import track
import train_gpt2
from errors import UserError
from machine import Machine
from runs import Run


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    monkeypatch.delenv("WANDB_MODE", raising=False)


@pytest.fixture
def run():
    """A run of two steps, with a validation after the second."""
    run = Run(Path("runs/my"), CONFIG, Machine(CONFIG), 1)
    run.log("start", step=0, config=dict(lr=0.5), data={})
    run.log("step", step=1, loss=5.0, norm=1.0, lr=1e-3)
    run.log("step", step=2, loss=4.0, norm=2.0, lr=2e-3)
    run.log("validation", step=2, loss=4.5)
    run.log("save", step=2)
    return run


ROWS = [
    (1, {"train/loss": 5.0, "train/norm": 1.0, "train/lr": 1e-3}),
    (2, {"train/loss": 4.0, "train/norm": 2.0, "train/lr": 2e-3}),
    (2, {"validation/loss": 4.5}),
]


class Recorder:
    """A target that records what it gets."""

    made = []

    def __init__(self, folder, config):
        self.folder, self.config, self.rows, self.finished = folder, config, [], False
        self.place = "here"
        Recorder.made.append(self)

    def add(self, step, values):
        self.rows.append((step, values))

    def flush(self):
        pass

    def finish(self):
        self.finished = True


@pytest.fixture(autouse=True)
def recorder(monkeypatch):
    Recorder.made = []
    monkeypatch.setitem(track.TARGETS, "recorder", Recorder)


def needs(package):
    """Skip a test where a package is not installed."""
    missing = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(missing, reason=f"{package} is not installed (python -m pip install {package})")


def test_a_log_is_copied_number_by_number(run, capsys):
    track.main(["runs/my", "--to", "recorder"])
    (made,) = Recorder.made
    assert made.rows == ROWS and made.finished and made.config == dict(lr=0.5)
    assert capsys.readouterr().out == "3 events of runs/my: here\n"


def test_following_ends_with_the_run(run, monkeypatch):
    events = [
        lambda: run.log("step", step=3, loss=3.0),
        lambda: run.file.write(b'{"event": "step", "step": 4, "lo'),  # the run writes just now
        lambda: run.file.write(b'ss": 2.0}\n'),
        lambda: run.log("end", step=4),
    ]
    seen = []

    def sleep(seconds):
        seen.append(len(Recorder.made[0].rows))
        events[len(seen) - 1]()
        run.file.flush()

    monkeypatch.setattr(track.time, "sleep", sleep)
    track.main(["runs/my", "--to", "recorder", "--follow"])
    (made,) = Recorder.made
    assert seen == [3, 4, 4, 5] and made.finished
    assert made.rows == [*ROWS, (3, {"train/loss": 3.0}), (4, {"train/loss": 2.0})]


def test_a_run_that_ended_and_was_resumed_is_followed_and_copied_anew(run, monkeypatch):
    run.log("end", step=2)
    run.log("resume", step=1)
    events = [lambda: run.log("step", step=2, loss=4.2), lambda: run.log("diverged", step=3)]
    monkeypatch.setattr(track.time, "sleep", lambda seconds: events.pop(0)())
    track.main(["runs/my", "--to", "recorder", "--follow"])
    before, after = Recorder.made
    assert before.rows == ROWS and before.finished and after.finished and events == []
    assert after.rows == [ROWS[0], (2, {"train/loss": 4.2}), ROWS[2]]


def test_events_in_the_order_of_the_log_are_copied_once(run, monkeypatch):
    """Also a loss that is no number, and a step in float16 that is repeated."""
    events = [
        lambda: run.log("validation", step=2, loss=math.nan),
        lambda: run.log("overflow", step=3, scale=512.0),
        lambda: run.log("step", step=3, loss=3.0),
        lambda: run.log("end", step=3),
    ]
    monkeypatch.setattr(track.time, "sleep", lambda seconds: events.pop(0)())
    track.main(["runs/my", "--to", "recorder", "--follow"])
    first, last = Recorder.made  # the validation after step 2 was repeated
    rows = [*ROWS[:2], (2, {"validation/loss": math.nan}), (3, {"overflow/scale": 512.0})]
    assert repr(last.rows) == repr([*rows, (3, {"train/loss": 3.0})]) and first.rows == ROWS


def test_ctrl_c_before_anything_is_copied_ends_the_program(run, monkeypatch):
    def interrupt(folder, config):
        raise KeyboardInterrupt

    monkeypatch.setitem(track.TARGETS, "recorder", interrupt)
    with pytest.raises(KeyboardInterrupt):
        track.main(["runs/my", "--to", "recorder", "--follow"])


def test_ctrl_c_ends_following_and_keeps_the_copy(run, monkeypatch, capsys):
    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(track.time, "sleep", interrupt)
    track.main(["runs/my", "--to", "recorder", "--follow"])
    assert Recorder.made[0].finished and Recorder.made[0].rows == ROWS
    assert capsys.readouterr().out == "stopped following\n3 events of runs/my: here\n"


def test_training_logs_its_end():
    words = "--device cpu --n_layer 1 --n_head 2 --n_embd 8 --context 16 --steps 1 --eval_every 0 --samples 0"
    train_gpt2.main([*words.split(), "--out", "runs/my"])
    lines = Path("runs/my/log.jsonl").read_text().splitlines()
    assert json.loads(lines[-1]) == dict(event="end", step=1)
    track.main(["runs/my", "--to", "recorder", "--follow"])  # returns


def test_what_is_missing_is_one_line(run, monkeypatch):
    with pytest.raises(UserError, match="nowhere is not the folder of a run"):
        track.main(["nowhere"])
    for name in track.TARGETS.keys() - {"recorder"}:
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
        with pytest.raises(UserError, match=f"--to {name} needs the package .*python -m pip install {name}"):
            track.main(["runs/my", "--to", name])


@needs("tensorboard")
def test_tensorboard_reads_the_event_files(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    Path("runs/my/events.out.tfevents.old").write_text("an older copy")
    track.main(["runs/my"])
    track.main(["runs/my", "--to", "tensorboard"])  # replaces it
    assert len(list(Path("runs/my").glob("events.*"))) == 1
    events = EventAccumulator("runs/my").Reload()
    found = {name: [(e.step, e.value) for e in events.Scalars(name)] for name in events.Tags()["scalars"]}
    assert found["train/loss"] == [(1, 5.0), (2, 4.0)] and found["validation/loss"] == [(2, 4.5)]
    assert found["train/lr"] == [(1, pytest.approx(1e-3)), (2, pytest.approx(2e-3))] and len(found) == 4


@needs("trackio")
def test_trackio_has_the_run_once(run):
    import trackio

    for _ in range(2):
        track.main(["runs/my", "--to", "trackio"])
    assert [each.name for each in trackio.Api().runs(track.PROJECT)] == ["my"]
    rows = trackio.SQLiteStorage.get_logs(track.PROJECT, "my")
    assert [(row.pop("step"), row.pop("timestamp") and row) for row in rows] == ROWS
    with pytest.raises(RuntimeError):  # nothing is left to be finished at exit
        trackio.finish()


@needs("wandb")
def test_wandb_writes_an_offline_run_without_an_account(run, capfd):
    for _ in range(2):
        track.main(["runs/my", "--to", "wandb"])
    (folder,) = Path("runs/my/wandb").glob("offline-run-*")
    (file,) = folder.glob("*.wandb")
    end = time.monotonic() + 60
    while b"validation/loss" not in file.read_bytes():  # a process of wandb writes it
        assert time.monotonic() < end
        time.sleep(0.1)
    assert f"wandb sync {folder} uploads it" in capfd.readouterr().out.replace(f"{os.getcwd()}/", "")
