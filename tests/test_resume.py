import json
import math
import random
import shutil
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from processes import QUICK, ROOT, run_ranks, start, torchrun
from safetensors.torch import load_file, save_file
from test_data import as_shards
from test_program import TINY, make_data
from test_runs import read_events

import hellaswag
import runs
import train_gpt2
from errors import UserError
from machine import Machine

PROGRAM = (ROOT / "train_gpt2.py").read_text(encoding="utf-8")
WORDS = [*TINY, "--lr", "0.01", "--warmup_steps", "2", "--eval_every", "4", "--sample_every", "0"]


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Machine, "stop_on_signals", lambda self: None)
    monkeypatch.setattr(runs.Run, "draw", lambda self: None)
    make_data(tmp_path)


def weights(folder):
    return load_file(Path(folder) / "model.safetensors")


def same(one, other):
    """Whether two checkpoints are bitwise equal, the optimizer's state too."""
    states = [torch.load(Path(folder) / "train_state.pt") for folder in (one, other)]
    moments = [state["optimizer"]["state"] for state in states]
    assert states[0]["step"] == states[1]["step"] and len(moments[0]) == len(moments[1]) > 0
    pairs = [
        (value, moments[1][key][name]) for key, values in moments[0].items() for name, value in values.items()
    ]
    pairs += [(weight, weights(other)[name]) for name, weight in weights(one).items()]
    return all(torch.equal(a, b) for a, b in pairs)


def test_a_resumed_run_is_bitwise_the_same():
    words = [*WORDS, "--steps", "10", "--save_every", "3", "--dropout", "0.1"]
    train_gpt2.main([*words, "--out", "whole"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_gpt2, "learning_rate", fails_in_step(7))
        with pytest.raises(KeyboardInterrupt):
            train_gpt2.main([*words, "--out", "torn", "--resume"])  # there is nothing to resume: it starts
    train_gpt2.main([*words, "--out", "torn", "--resume"])
    assert same("whole/step_000010", "torn/step_000010")
    whole, torn = (
        [event for event in read_events(out) if event["event"] == "step"] for out in ("whole", "torn")
    )
    told = [(event["step"], event["loss"]) for event in torn]
    assert [step for step, _ in told] == [1, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10]
    assert told[:6] + told[7:] == [(event["step"], event["loss"]) for event in whole]
    resumed = [event["step"] for event in read_events("torn") if event["event"] == "resume"]
    assert resumed == [6]


def fails_in_step(number):
    """learning_rate that ends the program in a step."""
    original = train_gpt2.learning_rate

    def rate(step, config):
        if step == number:
            raise KeyboardInterrupt
        return original(step, config)

    return rate


def test_a_finished_run_that_is_resumed_changes_nothing():
    words = [*WORDS, "--steps", "3", "--out", "out"]
    train_gpt2.main(words)
    before = Path("out/step_000003/model.safetensors").read_bytes()
    train_gpt2.main([*words, "--resume"])
    assert Path("out/step_000003/model.safetensors").read_bytes() == before


def test_the_recipe_cannot_change_and_all_else_can():
    train_gpt2.main([*WORDS, "--steps", "2", "--out", "out"])
    for flag, value, old in [("lr", 0.5, 0.01), ("steps", 5, 2), ("n_layer", 2, 1), ("dropout", 0.5, 0.0)]:
        with pytest.raises(
            UserError, match=f"--{flag} {value}, but out was started with {old} .leave the flag out"
        ):
            train_gpt2.main([*WORDS, "--steps", "2", "--out", "out", "--resume", f"--{flag}", str(value)])
    train_gpt2.main(["--out", "out", "--resume", "--micro_batch", "1", "--eval_every", "1"])
    resumed = [event for event in read_events("out") if event["event"] == "resume"][-1]
    assert resumed["config"]["lr"] == 0.01 and resumed["config"]["micro_batch"] == 1


def test_other_data_are_refused():
    train_gpt2.main([*WORDS, "--steps", "2", "--out", "out"])
    as_shards(range(200), folder="other")
    Path("other/meta.json").write_bytes(Path("data/meta.json").read_bytes())
    with pytest.raises(UserError, match="--data other is not what out was started with"):
        train_gpt2.main([*WORDS, "--steps", "2", "--out", "out", "--resume", "--data", "other"])
    Path("data").rename("moved")
    train_gpt2.main([*WORDS, "--steps", "2", "--out", "out", "--resume", "--data", "moved"])


def test_killed_at_random_moments_it_ends_with_the_same_bits(tmp_path):
    words = [*WORDS, "--steps", "300", "--save_every", "20", "--eval_every", "50"]
    train_gpt2.main([*words, "--out", "whole"])
    draw, log = random.Random(0), Path("torn/log.jsonl")

    def count(event):
        return log.read_bytes().count(f'"event": "{event}"'.encode()) if log.exists() else 0

    for _ in range(4):
        enough = count("step") + draw.randrange(15, 60)
        with start(ROOT / "train_gpt2.py", *words, "--out", "torn", "--resume", folder=tmp_path) as process:
            while process.is_alive() and count("step") < enough:
                time.sleep(0.001)
    train_gpt2.main([*words, "--out", "torn", "--resume"])
    resumed = {event["step"] for event in read_events("torn") if event["event"] == "resume"}
    assert len(resumed - {0, 300}) >= 2  # killed between the first checkpoint and the last, and at others
    assert same("whole/step_000300", "torn/step_000300")


def tear(path):
    path.write_bytes(path.read_bytes()[:-100])


class Trap:
    """A pickle that would leave a file if anybody opened it."""

    def __reduce__(self):
        return Path.touch, (Path("sprung"),)


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("kind", ["weights", "state", "missing", "config", "pickle"])
def test_a_torn_checkpoint_is_passed_over_with_a_warning(kind, listed, capsys):
    words = [*WORDS, "--steps", "6", "--save_every", "2", "--out", "out", "--keep", "0"]
    train_gpt2.main(words)
    whole = Path("out/step_000006/model.safetensors").read_bytes()
    newest = Path("out/step_000006")
    if kind == "weights":
        tear(newest / "model.safetensors")
    elif kind == "state":
        tear(newest / "train_state.pt")
    elif kind == "missing":
        (newest / "train_state.pt").unlink()
    elif kind == "config":
        (newest / "config.json").write_text("{")
    else:
        torch.save({"step": 6, "trap": Trap()}, newest / "train_state.pt")
    if not listed:  # made by a version without manifests
        for manifest in Path("out").glob("*/manifest.json"):
            manifest.unlink()
    train_gpt2.main([*words, "--resume"])
    assert "warning: out/step_000006 is not a whole checkpoint" in capsys.readouterr().err
    assert [event["step"] for event in read_events("out") if event["event"] == "resume"] == [4]
    assert (newest / "model.safetensors").read_bytes() == whole and not Path("sprung").exists()


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_flipped_bit_is_found(capsys):
    words = [*WORDS, "--steps", "4", "--save_every", "2", "--out", "out"]
    train_gpt2.main(words)
    flip_a_bit(Path("out/step_000004/model.safetensors"))
    train_gpt2.main([*words, "--resume"])
    assert "model.safetensors is not as manifest.json has it" in capsys.readouterr().err


def change_state(path, change):
    """Change the values in a checkpoint's train_state.pt, as a program without manifests would."""
    state = torch.load(path / "train_state.pt")
    change(state)
    torch.save(state, path / "train_state.pt")
    (path / "manifest.json").unlink()


@pytest.mark.parametrize(
    "change, reason",
    [
        (
            lambda state: state["optimizer"]["state"].clear(),
            "it has the moments of 0 tensors, the model has 16",
        ),
        (lambda state: state["optimizer"]["state"].pop(3), "it has the moments of 15 tensors"),
        (lambda state: state["optimizer"]["state"][3].pop("exp_avg"), "KeyError: 'exp_avg'"),
        (
            lambda state: state["optimizer"]["state"][3].update(exp_avg=torch.zeros(1)),
            r"exp_avg 3 is .* \(1,\)",
        ),
        (lambda state: state["optimizer"]["state"][3].update(exp_avg=7), "AttributeError"),
        (lambda state: state["optimizer"]["state"][3].update(step=torch.tensor(9.0)), "has taken 9 steps"),
        (lambda state: state.update(optimizer={}), "KeyError: 'state'"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(change, reason):
    words = [*WORDS, "--steps", "2", "--out", "out"]
    train_gpt2.main([*words, "--save_every", "1"])
    shutil.rmtree("out/step_000002")
    change_state(Path("out/step_000001"), change)
    with pytest.raises(UserError, match=f"the optimizer state of step 1 does not fit: .*{reason}.*--init"):
        train_gpt2.main([*words, "--resume"])


@pytest.mark.parametrize(
    "change, reason",
    [
        (lambda state: state.update(step=-5), "step: Input should be greater than or equal to 0"),
        (lambda state: state.update(step=7), "it is of step 7"),
        (lambda state: state["config"].update(steps=1), "it is of step 2, and its run has 1"),
        (lambda state: state.update(step="two"), "step: Input should be a valid integer"),
        (lambda state: state.update(config=None), "config: Input should be a dictionary"),
        (lambda state: state["config"].update(lr="fast"), "config.lr: Input should be a valid number"),
        (lambda state: state.pop("optimizer"), "optimizer: Field required"),
    ],
)
def test_a_state_of_another_shape_is_torn(change, reason, capsys):
    words = [*WORDS, "--steps", "2", "--out", "out"]
    train_gpt2.main(words)
    change_state(Path("out/step_000002"), change)
    with pytest.raises(UserError, match="no checkpoint in out is whole"):
        train_gpt2.main([*words, "--resume"])
    assert reason in capsys.readouterr().err


def test_a_checkpoint_that_is_older_than_a_setting_means_what_was_done_then(capsys):
    words = [*WORDS, "--steps", "2", "--out", "out"]
    train_gpt2.main(words)
    change_state(Path("out/step_000002"), lambda state: state["config"].pop("schedule"))
    train_gpt2.main([*words, "--resume"])
    assert "the run is in out, finished after step 2 of 2\n" in capsys.readouterr().out
    with pytest.raises(UserError, match="--schedule linear, but out was started with cosine"):
        train_gpt2.main([*words, "--resume", "--schedule", "linear"])


@pytest.mark.parametrize("dtype", [torch.int32, torch.bool, torch.complex64])
def test_weights_that_are_no_floats_are_refused(dtype):
    train_gpt2.main([*WORDS, "--steps", "1", "--out", "out"])
    path = Path("out/step_000001/model.safetensors")
    tensors = load_file(path)
    save_file({name: tensor.to(dtype) for name, tensor in tensors.items()}, path)
    with pytest.raises(UserError, match="cannot load .*: ValueError: its .* is torch.*, not a float type"):
        train_gpt2.GPT.from_pretrained("out/step_000001")


def test_a_run_that_diverged_is_not_resumed_as_it_was(monkeypatch):
    words = [*WORDS, "--steps", "4", "--save_every", "1", "--out", "out"]
    add = train_gpt2.add_gradient
    with monkeypatch.context() as patch:
        patch.setattr(train_gpt2, "add_gradient", lambda *a: add(*a) + (math.nan if a[3] == 2 else 0))
        with pytest.raises(UserError, match="step 3 has loss nan"):
            train_gpt2.main(words)
    with pytest.raises(UserError, match="out diverged in step 3, and would again .start again with a lower"):
        train_gpt2.main([*words, "--resume"])
    train_gpt2.main([*words, "--resume", "--dtype", "bfloat16"])
    train_gpt2.main([*words, "--resume"])  # it has been resumed since


def diverging(patch, number):
    """Make step `number` end in a loss that is not a number."""
    add = train_gpt2.add_gradient
    patch.setattr(train_gpt2, "add_gradient", lambda *a: add(*a) + (math.nan if a[3] == number - 1 else 0))


def test_a_run_that_diverged_before_its_first_checkpoint_is_not_started_again(monkeypatch):
    words = [*WORDS, "--steps", "4", "--out", "out", "--resume"]
    with monkeypatch.context() as patch:
        diverging(patch, 2)
        with pytest.raises(UserError, match="step 2 has loss nan .*last good checkpoint: none"):
            train_gpt2.main(words)
    with pytest.raises(UserError, match="out diverged in step 2, and would again .start again"):
        train_gpt2.main(words)
    train_gpt2.main([*words, "--dtype", "bfloat16"])


def test_only_a_run_that_continues_takes_the_mark_away(monkeypatch):
    words = [*WORDS, "--steps", "4", "--save_every", "1", "--out", "out"]
    with monkeypatch.context() as patch:
        diverging(patch, 3)
        with pytest.raises(UserError, match="step 3 has loss nan"):
            train_gpt2.main(words)
    change_state(Path("out/step_000002"), lambda state: state["optimizer"]["state"].pop(3))
    with pytest.raises(UserError, match="the optimizer state of step 2 does not fit"):
        train_gpt2.main([*words, "--resume", "--dtype", "bfloat16"])
    with pytest.raises(UserError, match="out diverged in step 3"):
        train_gpt2.main([*words, "--resume"])


def test_what_to_do_after_a_divergence_depends_on_the_precision():
    assert "--dtype" not in runs.after_divergence("torch.float32")
    assert "--resume --dtype float32" in runs.after_divergence("torch.bfloat16")


def test_a_damaged_checkpoint_is_no_model():
    train_gpt2.main([*WORDS, "--steps", "2", "--save_every", "1", "--out", "out"])
    flip_a_bit(Path("out/step_000002/model.safetensors"))
    reason = "out/step_000002 is not a whole checkpoint: .*model.safetensors is not as manifest.json has it"
    for words in (["--steps", "1", "--out", "new"], ["--sample", "a"]):
        with pytest.raises(UserError, match=reason):
            train_gpt2.main([*WORDS, "--init", "out/step_000002", *words])
    with pytest.raises(UserError, match=reason):
        hellaswag.load_model("out/step_000002")
    assert hellaswag.load_model("out")[0].config.n_positions == 16  # the newest whole one


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "train_state.pt"])
def test_a_manifest_without_a_file_is_not_a_manifest(name, capsys):
    words = [*WORDS, "--steps", "2", "--save_every", "1", "--out", "out"]
    train_gpt2.main(words)
    path = Path("out/step_000002/manifest.json")
    manifest = json.loads(path.read_text())
    del manifest["files"][name]
    path.write_text(json.dumps(manifest))
    train_gpt2.main([*words, "--resume"])
    assert f"step_000002 is not a whole checkpoint: ValueError: manifest.json does not list {name}" in (
        capsys.readouterr().err
    )


def test_a_setting_that_an_older_version_did_not_have_gets_its_default():
    words = [*WORDS, "--steps", "2", "--save_every", "1", "--out", "out"]
    train_gpt2.main(words)
    shutil.rmtree("out/step_000002")
    change_state(Path("out/step_000001"), lambda state: state["config"].pop("shuffle"))
    train_gpt2.main([*words, "--resume"])
    change_state(Path("out/step_000002"), lambda state: state["config"].update(shuffle=1))
    with pytest.raises(UserError, match="its shuffle is 1"):
        train_gpt2.load_checkpoint(Path("out/step_000002"))


def test_if_all_checkpoints_are_torn_nothing_is_started_over():
    words = [*WORDS, "--steps", "2", "--out", "out"]
    train_gpt2.main(words)
    tear(Path("out/step_000002/train_state.pt"))
    with pytest.raises(UserError, match="no checkpoint in out is whole .choose another --out"):
        train_gpt2.main([*words, "--resume"])


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_loss_that_is_no_number_stops_the_run(number, monkeypatch):
    add = train_gpt2.add_gradient
    words = [*WORDS, "--steps", "9", "--save_every", "2", "--out", "out"]

    def broken(model, tokens, config, step, micro, machine):
        return add(model, tokens, config, step, micro, machine) + (float(number) if step == 4 else 0)

    monkeypatch.setattr(train_gpt2, "add_gradient", broken)
    with pytest.raises(
        UserError,
        match=f"step 5 has loss {number} and norm .*; last good checkpoint: out/step_000004 .start again",
    ):
        train_gpt2.main(words)
    assert not Path("out/step_000005").exists()


SIGNALLED = """
import os, signal, sys
import hellaswag, train_gpt2

where, number, original = sys.argv.pop(1), getattr(signal, sys.argv.pop(1)), {}
module, name = dict(step=(train_gpt2, "add_gradient"), validation=(train_gpt2, "validate"),
                    hellaswag=(hellaswag, "predict"))[where]
original, calls = getattr(module, name), []

def interrupted(*arguments, **options):
    calls.append(1)
    if len(calls) == 2:
        os.kill(os.getpid(), number)
    return original(*arguments, **options)

setattr(module, name, interrupted)
hellaswag.load_rows = lambda: [hellaswag.Row("a b", ["c", "d e", "f", "g"], 1)] * 100
train_gpt2.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize(
    "where, name", [("step", "SIGTERM"), ("validation", "SIGINT"), ("hellaswag", "SIGTERM")]
)
def test_a_signal_saves_and_ends_with_code_0(where, name, tmp_path):
    words = [*WORDS, "--steps", "12", "--eval_every", "3", "--hellaswag_every", "4", "--out", "out"]
    code, out = run_ranks(tmp_path, SIGNALLED, 1, where, name, *words)
    assert code == 0 and "stopping after this step" in out, out
    steps = [event["step"] for event in read_events("out") if event["event"] == "step"]
    (saved,) = Path("out").glob("step_*")
    assert steps[-1] == {"step": 1, "validation": 6, "hellaswag": 4}[where]
    assert saved.name == f"step_{steps[-1]:06d}"
    assert f"stopped after step {steps[-1]}; continue with --resume --out out" in out
    train_gpt2.main([*WORDS, "--steps", "12", "--hellaswag_every", "0", "--out", "whole"])
    train_gpt2.main([*words, "--hellaswag_every", "0", "--resume"])
    assert same("whole/step_000012", "out/step_000012")
    told = [event["step"] for event in read_events("out") if event["event"] == "validation"]
    assert sorted(set(told)) == [3, 6, 9, 12]


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_second_signal_ends_the_program_at_once(tmp_path):
    program = """
import os, signal, time
from machine import Machine
from config import Config
machine = Machine(Config(device="cpu"))
machine.stop_on_signals()
os.kill(os.getpid(), signal.SIGTERM)
assert machine.stopping
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(20)
"""
    code, out = run_ranks(tmp_path, program, 1)
    assert code == -signal.SIGTERM, out


@pytest.mark.skipif(sys.platform == "win32", reason="not tested on Windows")
def test_all_ranks_stop_when_one_is_asked_to(tmp_path):
    words = [*WORDS, "--steps", "300", "--eval_every", "0", "--out", "out"]
    program = SIGNALLED.replace("if len(calls) == 2:", 'if len(calls) == 20 and os.environ["RANK"] == "1":')
    code, out = torchrun(tmp_path, program, 2, "step", "SIGTERM", *words)
    assert code == 0 and out.count("stopping after this step") == 1, out
    (saved,) = Path("out").glob("step_*")
    assert int(saved.name.removeprefix("step_")) < 300


@pytest.mark.skipif(sys.platform == "win32", reason="not tested on Windows")
def test_three_ranks_resume_with_the_same_bits(tmp_path):
    words = [*WORDS, "--steps", "6", "--save_every", "3", "--batch_tokens", "96"]
    code, out = run_ranks(tmp_path, PROGRAM, 3, *words, "--out", "whole")
    assert code == 0, out
    shutil.copytree("whole/step_000003", "torn/step_000003")
    code, out = run_ranks(tmp_path, PROGRAM, 3, *words, "--out", "torn", "--resume")
    assert code == 0 and same("whole/step_000006", "torn/step_000006"), out


@pytest.mark.skipif(sys.platform == "win32", reason="not tested on Windows")
def test_a_rank_that_dies_is_started_again_and_the_run_ends_with_the_same_bits(tmp_path):
    words = [*WORDS, "--steps", "12", "--save_every", "3"]
    code, out = run_ranks(tmp_path, PROGRAM, 2, *words, "--out", "whole")
    assert code == 0, out
    dying = PROGRAM.replace("        begin = time.perf_counter()\n", DYING)
    assert dying != PROGRAM
    code, out = torchrun(
        tmp_path, dying, 2, *words, "--out", "torn", "--resume", options=[*QUICK, "--max_restarts=3"]
    )
    assert code == 0 and Path("died").exists(), out
    assert same("whole/step_000012", "torn/step_000012")
    assert [event["step"] for event in read_events("torn") if event["event"] == "resume"] == [6]


DYING = """        begin = time.perf_counter()
        import os
        if machine.rank == 1 and step == 7 and not os.path.exists("died"):
            open("died", "w").close()
            os._exit(3)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="not tested on Windows")
@pytest.mark.parametrize("before, after", [(2, 1), (1, 2)])
def test_a_run_goes_on_with_another_number_of_ranks(tmp_path, before, after):
    words = [*WORDS, "--steps", "6", "--save_every", "3"]
    code, out = run_ranks(tmp_path, PROGRAM, before, *words, "--out", "whole")
    assert code == 0, out
    Path("torn").mkdir()
    Path("whole/step_000003").rename("torn/step_000003")
    code, out = run_ranks(tmp_path, PROGRAM, after, *words, "--out", "torn", "--resume")
    assert code == 0, out
    losses = [
        [event["loss"] for event in read_events(out) if event["event"] == "step"] for out in ("whole", "torn")
    ]
    assert losses[1] == pytest.approx(losses[0][3:], rel=1e-5) and len(losses[1]) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP")
def test_nohup_is_respected(monkeypatch):
    """Machine.stop_on_signals leaves a SIGHUP ignored that was ignored when the program started."""
    monkeypatch.undo()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        for ignored in (True, False):
            signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
            Machine.stop_on_signals(SimpleNamespace(stopping=False))
            assert (signal.getsignal(signal.SIGHUP) == signal.SIG_IGN) == ignored
            assert callable(signal.getsignal(signal.SIGTERM))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
