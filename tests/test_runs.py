import json
import math
import os
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from test_data import as_shards

import curve
import documents
import fineweb
import runs
import train_gpt2
from config import Config, parse_config
from data import open_data
from errors import UserError
from machine import Machine
from runs import Run, choose_folder
from train_gpt2 import GPT

ROOT = Path(__file__).parent.parent
CONFIG = Config(65, 16, 2, 2, 32, device="cpu", dtype="float32", batch_tokens=64, steps=100)


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Machine, "stop_on_signals", lambda self: None)


def read_events(folder):
    """The events of a log, line by line."""
    return [json.loads(line) for line in (Path(folder) / "log.jsonl").read_text().splitlines()]


def test_a_run_gets_the_next_free_folder_and_never_one_that_holds_a_run():
    assert choose_folder("", "gpt2") == Path("runs/gpt2")
    Run(Path("runs/gpt2"), CONFIG, Machine(CONFIG), 1).log("start")
    assert choose_folder("", "gpt2") == Path("runs/gpt2-2")
    Run(Path("runs/gpt2-2"), CONFIG, Machine(CONFIG), 1).log("start")
    assert choose_folder("", "gpt2") == Path("runs/gpt2-3")
    assert choose_folder("mine", "gpt2") == Path("mine")
    with pytest.raises(UserError, match="--out runs/gpt2 holds a run .continue it with --resume, or choose"):
        choose_folder("runs/gpt2", "gpt2")
    assert choose_folder("runs/gpt2", "gpt2", existing=True) == Path("runs/gpt2")
    assert choose_folder("", "gpt2", existing=True) == Path("runs/gpt2-2")  # the last one
    assert choose_folder("", "other", existing=True) == Path("runs/other")


def test_a_folder_that_cannot_be_written_is_refused():
    Path("file").write_text("")
    with pytest.raises(UserError, match="cannot write to file/run: .*choose another --out"):
        Run(Path("file/run"), CONFIG, Machine(CONFIG), 1)


def test_only_rank_0_writes():
    run = Run(Path("out"), CONFIG, SimpleNamespace(rank=1, device=torch.device("cpu")), 1)
    run.log("start")
    run.report(1, 2.0, 1.0, 1e-3, 0.5)
    assert not Path("out").exists()


def test_the_log_tells_what_somebody_needs_who_sees_nothing_else(capsys):
    from test_program import TINY, make_data

    make_data(Path())
    train_gpt2.main([*TINY, "--steps", "3", "--samples", "0", "--warmup_steps", "1"])
    start, fit, *steps = read_events("runs/gpt2")
    assert fit == dict(event="fit", micro_batch=2, compile="false")
    assert steps.pop() == {"event": "end", "step": 3}
    assert steps.pop(-2) == {"event": "save", "step": 3}
    assert json.loads(Path("runs/gpt2/step_000003/config.json").read_text())["tokenizer"] == "bytes"
    assert start["event"] == "start" and start["config"]["n_embd"] == 8 and start["versions"]["torch"]
    assert start["data"]["train_tokens"] > 0 and start["machine"] == "cpu in float32" and "commit" in start
    assert steps.pop()["event"] == "validation"
    assert [event["step"] for event in steps] == [1, 2, 3] and Path("runs/gpt2/curve.png").exists()
    shown = re.findall(r"step +(\d+) +loss (\S+) +norm (\S+) +lr (\S+)", capsys.readouterr().out)
    logged = [(event["step"], event["loss"], event["norm"], event["lr"]) for event in steps]
    for step, numbers in zip(shown, logged, strict=True):
        assert [float(number) for number in step] == pytest.approx(numbers, rel=1e-2, abs=1e-4)


def test_the_time_that_is_left_is_that_of_the_steps_and_of_what_is_due_between_them(capsys, monkeypatch):
    """A step takes 2 s, the first one 50 s, each validation, sample or checkpoint 20 s."""
    config = Config(steps=1010, eval_every=100, hellaswag_every=0, sample_every=100, save_every=250)
    run, now, times = Run(Path("out"), config, Machine(CONFIG), 1), [0.0], {}
    monkeypatch.setattr(runs.time, "perf_counter", lambda: now[0])
    for step in range(299, 1011):  # a resumed run: the first pause is after its second step
        seconds = 50.0 if step == 299 else 2.0
        now[0] += seconds
        times[step] = now[0]
        run.report(step, 2.0, 1.0, 1e-3, seconds)
        now[0] += 20 * sum(step % every == 0 or step == 1010 for every in (100, 100, 250))
    shown = re.findall(r"step +(\d+) .* (\d+):(\d\d):(\d\d) left", capsys.readouterr().out)
    left = {int(step): 3600 * int(hours) + 60 * int(m) + int(s) for step, hours, m, s in shown}
    assert left.pop(300) == 710 * 2  # nothing is known of a pause
    assert left == {step: now[0] - times[step] for step in range(301, 1011)}


def test_the_screen_shows_some_steps_and_the_time_that_is_left(capsys, monkeypatch):
    config = Config(batch_tokens=1000, steps=100, print_every=20)
    run = Run(Path("out"), config, Machine(CONFIG), 1)
    clock = iter(range(5, 1000, 10))  # a step of 5 seconds every 10 seconds
    monkeypatch.setattr(runs.time, "perf_counter", lambda: next(clock))
    for step in range(1, 101):
        run.report(step, 2.0, 1.0, 1e-3, 5.0)
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[1]) for line in lines] == [1, 20, 40, 60, 80, 100]
    assert "5000 ms  200 tokens/s" in lines[1] and lines[-1].endswith("0:00:00 left")
    assert lines[1].endswith("0:13:20 left")  # 80 steps, 10 seconds each
    assert lines[0].endswith("tokens/s")  # one step is not enough for an estimate
    assert len(read_events("out")) == 100


@pytest.mark.parametrize(
    "name, peak",
    [
        ("NVIDIA H200", 989e12),
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA A100-SXM4-40GB", 312e12),
        ("NVIDIA L40S", 362e12),
        ("NVIDIA GeForce RTX 4090", 165e12),
        ("Tesla T4", 65e12),
        ("NVIDIA GeForce GTX 1080", None),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", None),
    ],
)
def test_mfu_is_a_share_of_the_peak_of_all_gpus_or_absent(name, peak, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: name)
    machine = SimpleNamespace(rank=0, world=8, device=torch.device("cuda"), dtype=torch.bfloat16)
    assert runs.peak_flops(machine) == (peak and 8 * peak)
    run = Run(Path("out"), Config(batch_tokens=524288), machine, flops_per_token=8e8)
    run.report(1, 2.0, 1.0, 1e-3, 0.5)
    event = read_events("out")[-1]
    assert event.get("mfu") == (peak and pytest.approx(8e8 * 524288 / 0.5 / (8 * peak)))
    assert ("MFU" in capsys.readouterr().out) == (peak is not None)
    machine.dtype = torch.float32
    assert runs.peak_flops(machine) is None


def test_flops_are_six_for_each_weight_and_twelve_for_each_product_of_attention():
    with torch.device("meta"):
        model = GPT(Config())
    assert model.flops_per_token(1024) == 6 * (124_439_808 - 1024 * 768) + 12 * 12 * 768 * 1024


def test_the_curve_is_a_picture_of_the_losses():
    from matplotlib.image import imread

    run = Run(Path("out"), CONFIG, Machine(CONFIG), 1)
    run.log("start", config=dict(data="mine"))
    for step in range(1, 11):
        run.report(step, 5.0 - 0.1 * step, 1.0, 1e-3, 0.5)
        if step % 5 == 0:
            run.log("validation", step=step, loss=5.1 - 0.1 * step)
    assert curve.draw(["out"]) == Path("out/curve.png")
    picture = imread("out/curve.png")
    assert picture.shape[0] > 400 and picture.std() > 0.01
    steps, losses = curve.columns(curve.read_log("out")["step"], "loss")
    assert steps == list(range(1, 11)) and losses[-1] == pytest.approx(4.0)
    run.log("hellaswag", step=10, accuracy=0.26)
    curve.draw(["out"])
    assert imread("out/curve.png").shape[1] > 1.5 * picture.shape[1]  # a second picture
    assert curve.columns(curve.read_log("out")["validation"], "loss")[0] == [5, 10]
    with pytest.raises(UserError, match="nowhere is not the folder of a run"):
        curve.draw(["nowhere"])


def test_a_log_that_was_torn_and_resumed_is_read_with_the_last_word_of_each_step():
    run = Run(Path("out"), CONFIG, Machine(CONFIG), 1)
    for step, loss in [(1, 5.0), (2, 4.0), (3, 3.0)]:
        run.log("step", step=step, loss=loss)
    with open("out/log.jsonl", "ab") as file:
        file.write(b'{"event": "step", "st')  # killed
    run = Run(Path("out"), CONFIG, Machine(CONFIG), 1)
    run.log("resume", step=1)
    run.log("step", step=2, loss=4.5)
    assert curve.columns(curve.read_log("out")["step"], "loss") == ([1, 2, 3], [5.0, 4.5, 3.0])
    assert curve.read_log("out")["resume"] == [{"step": 1}]


def log_losses(folder, losses):
    """Make the folder of a run with these losses, at steps from 1 on."""
    run = Run(Path(folder), CONFIG, Machine(CONFIG), 1)
    run.log("start", config={})
    for step, loss in enumerate(losses, 1):
        run.log("step", step=step, loss=loss)


def test_the_first_tenth_of_a_run_does_not_decide_what_the_picture_shows():
    steps = list(range(1, 101))
    cliff = [11.0] * 9 + [4.0 - 0.01 * step for step in range(91)]
    low, high = curve.zoom([(steps, cliff), ([50, 100], [3.9, 3.0])])
    assert low < 3.0 and high > 4.0 and high - low < 1.2
    assert curve.zoom([(steps, cliff), ([], [])])[0] < 3.1
    assert curve.zoom([([1], [5.0])]) == pytest.approx((5.0 - 0.0005, 5.0 + 0.0005))
    assert curve.zoom([]) is curve.zoom([([], [])]) is None


def test_training_losses_are_drawn_as_means():
    steps, losses = list(range(1, 1001)), [1.0, 3.0] * 500
    assert curve.smooth(steps, losses) == (
        [3 + 5 * part for part in range(200)],
        pytest.approx([1.8, 2.2] * 100),
    )
    assert curve.smooth([1, 2], [5.0, 4.0]) == ([1, 2], [5.0, 4.0]) and curve.smooth([], []) == ([], [])


def test_a_picture_of_two_runs_leaves_that_of_each_alone(capsys):
    log_losses("a", [5.0, 4.0])
    log_losses("b", [5.0, 3.0])
    curve.main(["a"])
    before = Path("a/curve.png").read_bytes()
    curve.main(["a", "b"])
    assert Path("a/curve.png").read_bytes() == before and not Path("b/curve.png").exists()
    assert "a/compared.png" in capsys.readouterr().out and Path("a/compared.png").read_bytes() != before
    curve.main(["a", "b", "--out", "both.svg", "--full"])
    assert Path("both.svg").read_text().startswith("<?xml")
    with pytest.raises(
        UserError, match="--out both.gif is no picture .the name must end in .png, .svg, .pdf"
    ):
        curve.main(["a", "--out", "both.gif"])
    with pytest.raises(UserError, match="cannot write nowhere/both.png"):
        curve.main(["a", "--out", "nowhere/both.png"])


def test_with_full_all_losses_are_in_the_picture(monkeypatch):
    from matplotlib.axes import Axes

    shown = []
    monkeypatch.setattr(Axes, "set_ylim", lambda self, limits: shown.append(limits))
    log_losses("a", [11.0, *[2.0, 4.0] * 499, 2.0])
    curve.draw(["a"], "a.png", full=True)
    assert shown == []
    curve.draw(["a"], "a.png")
    assert 2.5 < shown[0][0] < shown[0][1] < 3.5  # of the means


SAMPLE_10BT = dict(vocab_size=50257, train_tokens=9_853_989_344, val_tokens=100_000_000)


def test_data_have_the_name_of_what_they_are():
    start, (pretokenized,) = curve.SOURCES
    assert start == [documents.FINEWEB, "sample-10BT"] and pretokenized == fineweb.PRETOKENIZED
    for source in (None, [pretokenized], [*start, documents.REVISION]):
        assert curve.name_data(SAMPLE_10BT | dict(source=source)) == curve.SAMPLE
    few = SAMPLE_10BT | dict(train_tokens=400_000_000)
    assert curve.name_data(few | dict(source=[*start, "x"])) == f"{curve.SAMPLE}, 400,000,000 tokens"
    assert curve.name_data(few) == ""  # shards of somebody
    others = [
        dict(vocab_size=257),
        dict(val_tokens=99_999_999),
        dict(train_tokens="many"),
        dict(source="Hamlet"),
    ]
    for other in [
        *others,
        dict(source=[["a.txt", 1, 2]]),
        dict(source=[documents.FINEWEB, "sample-100BT", ""]),
    ]:
        assert not curve.name_data(SAMPLE_10BT | other).startswith(curve.SAMPLE), other
    assert curve.name_data(dict(source="Hamlet")) == "Hamlet" and curve.name_data({}) == ""


def test_openai_s_line_is_drawn_where_it_applies():
    pictures = []
    for number, data in enumerate([SAMPLE_10BT, SAMPLE_10BT | dict(source="Hamlet")]):
        run = Run(Path(str(number), "out"), CONFIG, Machine(CONFIG), 1)
        run.log("start", config={}, data=data)
        run.report(1, 3.3, 1.0, 1e-3, 0.5)
        pictures.append(curve.draw([run.folder]).read_bytes())
    assert pictures[0] != pictures[1]


def test_the_picture_of_runs_with_different_data_says_so():
    plays = dict(one=("Hamlet", 257), two=("Macbeth", 257), three=("Hamlet", 257), four=("Hamlet", 50257))
    for name, (source, size) in plays.items():
        run = Run(Path(name), CONFIG, Machine(CONFIG), 1)
        run.log("start", config={}, data=dict(source=source, vocab_size=size))
    for other, said in dict(two=True, three=False, four=True).items():
        picture = curve.draw(["one", other], f"{other}.svg").read_text()
        # matplotlib draws a text as paths, below a comment
        assert ("<!-- different data: their losses cannot be compared -->" in picture) == said


def test_a_run_without_a_reference_says_why(reference, capsys, monkeypatch):
    monkeypatch.setattr(curve, "draw", lambda folders, *_: folders[0])

    def say(config, source):
        run = Run(Path(f"out{len(list(Path().iterdir()))}"), CONFIG, Machine(CONFIG), 1)
        run.log("start", config=config, data=dict(source=source))
        curve.main([str(run.folder)])
        return capsys.readouterr().out.splitlines()[1:]

    config = dict(n_embd=32, steps=100)
    why = "no reference curve, because the run has"
    assert say(config, "Hamlet") == []
    assert say(config, "Macbeth") == [f"{why} other data (Macbeth) than reference/one.jsonl (Hamlet)"]
    assert say(config, None) == [f"{why} other data (unknown) than reference/one.jsonl (Hamlet)"]
    assert say(config | dict(steps=99), "Hamlet") == [
        f"{why} --steps 99 instead of 100, unlike reference/one.jsonl"
    ]
    hamlet, macbeth, _, again = map(str, sorted(Path().glob("out*")))
    curve.main([hamlet, again])
    assert capsys.readouterr().out == f"{hamlet}\n"  # runs that are compared need no reference
    curve.main([hamlet, macbeth])
    assert "different data: their losses cannot be compared" in capsys.readouterr().out
    recipe = dict(event="recipe", config=dict(a=1, b=2, c=3, d=4, e=5), source="Hamlet")
    (curve.REFERENCE / "far.jsonl").write_text(json.dumps(recipe))
    assert say(config | dict(steps=1), "Hamlet")[0].endswith(
        "--steps 1 instead of 100, unlike reference/one.jsonl"
    )
    (curve.REFERENCE / "one.jsonl").unlink()
    assert say({}, "Hamlet")[0].endswith(
        "--c None instead of 3 and 2 more settings, unlike reference/far.jsonl"
    )
    (curve.REFERENCE / "far.jsonl").unlink()
    assert say({}, "Hamlet") == [f"{why} other data (Hamlet) than any"]


def test_a_checkpoint_is_whole_or_not_there(monkeypatch, capsys):
    run = Run(Path("out"), CONFIG, Machine(CONFIG), 1)
    model = train_gpt2.make_model(CONFIG)
    run.save(250, model, {}, keep=0)
    names = sorted(path.name for path in Path("out").iterdir())
    assert names == [".lock", ".lock-owner", "log.jsonl", "step_000250"]
    files = sorted(path.name for path in Path("out/step_000250").iterdir())
    texts = ["config.json", "generation_config.json", "manifest.json"]
    assert files == [*texts, "model.safetensors", "train_state.pt"]
    with monkeypatch.context() as patch:
        patch.setattr(runs.os, "fsync", full_disk)
        run.save(500, model, {}, keep=1)
    assert "warning: cannot save out/step_000500: OSError: [Errno 28] No space" in capsys.readouterr().err
    assert run.saved == 250 and [path.name for path in Path("out").glob("step*")] == ["step_000250"]
    for step in (500, 750, 1000):
        run.save(step, model, {}, keep=2)
    assert [path.name for path in runs.checkpoints("out")] == ["step_000750", "step_001000"]


def test_a_name_that_is_too_long_has_no_checkpoints():
    assert runs.checkpoints("x" * 5000) == []


def test_a_newer_torn_checkpoint_does_not_push_out_a_whole_one():
    run = Run(Path("out"), CONFIG, Machine(CONFIG), 1)
    model = train_gpt2.make_model(CONFIG)
    run.save(250, model, {}, keep=2)
    Path("out/step_000900").mkdir()  # torn, and passed over when the run was resumed
    Path("out/step_000800").mkdir()
    run.save(500, model, {}, keep=2)
    names = [path.name for path in runs.checkpoints("out")]
    assert names == ["step_000250", "step_000500", "step_000800", "step_000900"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")
@pytest.mark.parametrize(
    ("out", "reason"),
    [
        ("file", "file is a file, not a folder"),
        ("file/run", "file is a file, not a folder"),
        ("dangling", "dangling is a link to nothing .delete it,"),
        ("dangling/run", "dangling is a link to nothing .delete it,"),
    ],
)
def test_a_folder_that_cannot_be_made_is_refused_with_the_reason(out, reason):
    Path("file").touch()
    Path("dangling").symlink_to("nowhere")
    with pytest.raises(UserError, match=f"^cannot write to {out}: {reason}.*choose another --out.$"):
        Run(Path(out), CONFIG, Machine(CONFIG), 1)


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")
def test_a_link_in_place_of_a_checkpoint_is_not_followed(capsys):
    Path("precious").mkdir()
    Path("precious/thesis.txt").write_text("years of work")
    Path("out").mkdir()
    for name in ("step_000250", "step_000500.partial", "step_000750.partial"):
        Path("out", name).symlink_to(Path("precious").resolve())
    run = Run(Path("out"), CONFIG, Machine(CONFIG), 1)
    for step in (250, 500, 1000):
        run.save(step, train_gpt2.make_model(CONFIG), {}, keep=1)
    assert [path.name for path in Path("precious").iterdir()] == ["thesis.txt"] and run.saved == 1000
    err = capsys.readouterr().err
    assert err.count("warning: cannot save out/step_000") == 2 and "make room" not in err
    assert "(delete out/step_000250; older checkpoints are kept)" in err
    assert "(delete out/step_000500.partial; older checkpoints are kept)" in err


def test_a_folder_has_one_run_at_a_time():
    run = Run(Path("out"), CONFIG, Machine(CONFIG), 1)
    program = "from files import *\nwith lock_folder('out'): pass"
    other = dict(env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    done = subprocess.run([sys.executable, "-c", program], **other)
    assert f"out is in use by process {os.getpid()} (wait for it, or choose another --out)" in done.stderr
    run.lock.close()
    assert subprocess.run([sys.executable, "-c", program], **other).returncode == 0


def test_the_locked_file_is_not_written():
    """Windows refuses that; the owner's number is in a file of its own."""
    run = Run(Path("out"), CONFIG, Machine(CONFIG), 1)
    assert Path("out/.lock").read_bytes() == b""
    assert Path("out/.lock-owner").read_text() == f"process {os.getpid()}"
    run.lock.close()
    assert not Path("out/.lock-owner").exists()


def full_disk(*_):
    raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_does_not_end_the_run(capsys):
    run = Run(Path("out"), CONFIG, Machine(CONFIG), 1)
    run.file = SimpleNamespace(write=full_disk)
    run.report(1, 2.0, 1.0, 1e-3, 0.5)
    assert "warning: cannot write out/log.jsonl: [Errno 28] No space" in capsys.readouterr().err


def test_the_clock_of_a_step_holds_no_reporting(monkeypatch):
    """What lies between the steps is not theirs: it would look like a slow GPU."""
    told, now = [], [0]

    def clock():
        now[0] += 1
        return now[0]

    def report(*numbers):
        told.append(numbers)
        now[0] += 1000

    monkeypatch.setattr(train_gpt2, "time", SimpleNamespace(perf_counter=clock))
    made = Run(Path("out"), CONFIG, Machine(CONFIG), 1)
    monkeypatch.setattr(made, "report", report)
    config = Config(
        65,
        16,
        1,
        2,
        8,
        device="cpu",
        dtype="float32",
        batch_tokens=64,
        steps=4,
        eval_every=0,
        sample_every=0,
        hellaswag_every=0,
    )
    data = as_shards(range(65)), None, dict(tokenizer="bytes")
    train_gpt2.train(train_gpt2.make_model(config), data, config, Machine(config), made)
    assert [seconds for *_, seconds in told] == [1, 1, 1, 1]


@pytest.fixture
def reference(tmp_path, monkeypatch):
    """A folder with one reference curve: width 32 on the text "Hamlet"."""
    monkeypatch.setattr(curve, "REFERENCE", tmp_path / "reference")
    recipe = dict(event="recipe", config=dict(n_embd=32, steps=100), source="Hamlet")
    points = [dict(event="validation", step=step, loss=3.0, tolerance=0.25) for step in (50, 100)]
    curve.REFERENCE.mkdir()
    (curve.REFERENCE / "one.jsonl").write_text("\n".join(map(json.dumps, [recipe, *points])))
    return {50: (3.0, 0.25), 100: (3.0, 0.25)}


def test_a_run_is_compared_with_the_same_recipe_on_the_same_data(reference):
    config = dict(n_embd=32, steps=100, seed=7)
    assert curve.find_reference(config, dict(source="Hamlet")) == reference
    for other, source in [
        (dict(n_embd=64), "Hamlet"),
        (dict(steps=99), "Hamlet"),
        ({}, "Macbeth"),
        ({}, None),
    ]:
        assert curve.find_reference(config | other, dict(source=source)) == {}


def test_a_run_that_leaves_the_band_is_told_so_in_one_line(reference, capsys):
    run = Run(Path("out"), CONFIG, Machine(CONFIG), 1, dict(source="Hamlet"))
    run.log("start", config=dict(n_embd=32, steps=100, data="data"), data=dict(source="Hamlet"))
    for step, loss in [(50, 3.24), (60, 9.9), (100, 3.26)]:
        run.report_validation(step, loss)
    assert capsys.readouterr().err.splitlines() == [
        "warning: validation loss 3.2600 is outside 3.0 +- 0.25 of the reference at step 100 "
        "(see ERRATA.md, 'Is my loss right?')"
    ]
    with_band = curve.draw(["out"]).read_bytes()
    (curve.REFERENCE / "one.jsonl").unlink()
    assert curve.draw(["out"]).read_bytes() != with_band


def test_training_is_compared_with_the_reference_of_its_text(reference, capsys):
    *_, meta = open_data("laptop")
    recipe = dict(event="recipe", config=dict(n_embd=8), source=meta["source"])
    point = dict(event="validation", step=1, loss=99.0, tolerance=1)
    (curve.REFERENCE / "two.jsonl").write_text("\n".join(map(json.dumps, [recipe, point])))
    words = (
        "--device cpu --n_layer 1 --n_head 2 --n_embd 8 --context 16 --steps 1 --val_tokens 99 --samples 0"
    )
    train_gpt2.main(words.split())
    assert "is outside 99.0 +- 1 of the reference at step 1" in capsys.readouterr().err


def test_the_references_are_of_presets():
    known = {path.stem: curve.read_events(path) for path in curve.REFERENCE.glob("*.jsonl")}
    assert known.pop("ablations").keys() == {"ablation"}
    assert known.pop("scaling").keys() == {"scaling", "prediction"}
    assert set(known) == {"laptop", "gpt2"}
    for preset, log in known.items():
        config, _, _ = parse_config(["--preset", preset])
        (recipe,) = log["recipe"]
        found = curve.find_reference(asdict(config), dict(source=recipe["source"]))
        assert max(found) == config.steps and 250 in found
        for name in ("optimizer", "schedule", "lr"):  # another recipe has no reference
            assert not curve.find_reference(asdict(config) | {name: ""}, dict(source=recipe["source"]))
        assert not curve.leaves_band(found, 7, math.nan) and curve.leaves_band(found, 250, math.nan)
        assert all(0 < width < 0.2 for _, width in found.values())


def test_the_checkpoint_with_the_lowest_validation_loss_stays(capsys):
    run, model = Run(Path("out"), CONFIG, Machine(CONFIG), 1), train_gpt2.make_model(CONFIG)
    for step, loss in [(10, 3.0), (20, 2.0), (30, 2.5)]:
        run.save(step, model, {}, keep=1)
        run.report_validation(step, loss)
    assert [path.name for path in runs.checkpoints("out")] == ["step_000020", "step_000030"]
    assert Path("out/best/model.safetensors").samefile("out/step_000020/model.safetensors")
    run = Run(Path("out"), CONFIG, Machine(CONFIG), 1)  # resumed
    run.saved = 30
    run.save(40, model, {}, keep=1)
    run.report_validation(40, 2.1)
    assert [path.name for path in runs.checkpoints("out")] == ["step_000020", "step_000040"]
    run.save(50, model, {}, keep=1)
    run.report_validation(50, 1.9)
    assert Path("out/best").resolve().name == "step_000050"
    run.save(60, model, {}, keep=1)
    assert [path.name for path in runs.checkpoints("out")] == ["step_000050", "step_000060"]
    run.report_best()
    line = "the checkpoint with the lowest validation loss (1.9000) is out/step_000050"
    assert capsys.readouterr().out.endswith(f"{line}\n")
    run.report_validation(0, 1.8)  # training has only hurt
    run.report_best()
    assert capsys.readouterr().out.endswith(f"{line}; before the training it was lower, 1.8000\n")


def test_neither_a_nan_nor_a_torn_checkpoint_is_the_best():
    run, model = Run(Path("out"), CONFIG, Machine(CONFIG), 1), train_gpt2.make_model(CONFIG)
    for step, loss in [(10, math.nan), (20, 2.5), (30, 2.4)]:
        run.save(step, model, {}, keep=0)
        run.report_validation(step, loss)
    assert Path("out/best").resolve().name == "step_000030"
    Path("out/step_000030/manifest.json").unlink()
    run = Run(Path("out"), CONFIG, Machine(CONFIG), 1)
    run.saved = 20  # resumed from there, since step 30 is torn
    assert run.best_checkpoint() == Path("out/step_000020")


def test_a_folder_called_best_is_left_alone_and_links_are_not_needed(monkeypatch):
    Path("out/best").mkdir(parents=True)
    run, model = Run(Path("out"), CONFIG, Machine(CONFIG), 1), train_gpt2.make_model(CONFIG)
    run.save(10, model, {}, keep=1)
    run.report_validation(10, 3.0)
    assert Path("out/best").is_dir() and not Path("out/best").is_symlink()
    Path("out/best").rmdir()
    monkeypatch.setattr(Path, "symlink_to", lambda *_, **__: full_disk(0))
    run.report_validation(10, 3.0)
    assert not Path("out/best").exists() and run.best_checkpoint() == Path("out/step_000010")


def test_a_log_with_losses_that_are_no_numbers_is_no_obstacle():
    Path("out").mkdir()
    lines = ['{"event": "validation", "step": 10, "loss": [1]}', '{"event": "validation", "step": 10}', "["]
    Path("out/log.jsonl").write_text("\n".join(lines))
    assert Run(Path("out"), CONFIG, Machine(CONFIG), 1).losses == {}
