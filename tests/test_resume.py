import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from test_data import as_shards
from test_program import TINY, make_data
from test_ranks import torchrun
from test_runs import read_events

import train_gpt2
from fineweb import UserError

ROOT = Path(__file__).parent.parent
WORDS = [*TINY, "--lr", "0.01", "--warmup_steps", "2", "--eval_every", "4", "--sample_every", "0"]


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
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
    words = [*WORDS, "--steps", "10", "--save_every", "3"]
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
    for flag, value, old in [("lr", 0.5, 0.01), ("steps", 5, 2), ("n_layer", 2, 1), ("seed", 7, 1)]:
        with pytest.raises(UserError, match=f"--{flag} {value}, but out was begun with {old}: leave it out"):
            train_gpt2.main([*WORDS, "--steps", "2", "--out", "out", "--resume", f"--{flag}", str(value)])
    train_gpt2.main(["--out", "out", "--resume", "--micro_batch", "1", "--eval_every", "1"])
    resumed = [event for event in read_events("out") if event["event"] == "resume"][-1]
    assert resumed["config"]["lr"] == 0.01 and resumed["config"]["micro_batch"] == 1


def test_other_data_are_refused():
    train_gpt2.main([*WORDS, "--steps", "2", "--out", "out"])
    as_shards(range(200), folder="other")
    Path("other/meta.json").write_bytes(Path("data/meta.json").read_bytes())
    with pytest.raises(UserError, match="--data other is not what out was begun with"):
        train_gpt2.main([*WORDS, "--steps", "2", "--out", "out", "--resume", "--data", "other"])
    Path("data").rename("moved")
    train_gpt2.main([*WORDS, "--steps", "2", "--out", "out", "--resume", "--data", "moved"])


def test_killed_at_random_moments_it_ends_with_the_same_bits():
    words = [*WORDS, "--steps", "300", "--save_every", "20", "--eval_every", "50"]
    program = [sys.executable, str(ROOT / "train_gpt2.py"), *words]
    quiet = dict(
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    subprocess.run([*program, "--out", "whole"], check=True, timeout=100, **quiet)
    draw = random.Random(0)
    log, killed = Path("torn/log.jsonl"), 0
    for kill in range(4):
        before = log.stat().st_size if log.exists() else 0
        process = subprocess.Popen([*program, "--out", "torn", "--resume"], **quiet)
        while process.poll() is None and (not log.exists() or log.stat().st_size < before + 1500):
            time.sleep(0.01)  # until it has gone on for some steps
        time.sleep(draw.uniform(0, 0.2) if kill == 0 else draw.uniform(0, 2))
        killed += process.poll() is None
        process.kill()
        process.wait()
    assert killed >= 2
    subprocess.run([*program, "--out", "torn", "--resume"], check=True, timeout=100, **quiet)
    assert same("whole/step_000300", "torn/step_000300")


@pytest.mark.skipif(sys.platform == "win32", reason="not tested on Windows")
@pytest.mark.parametrize("before, after", [(2, 1), (1, 2)])
def test_a_run_goes_on_with_another_number_of_ranks(tmp_path, before, after):
    program = (ROOT / "train_gpt2.py").read_text(encoding="utf-8")
    words = [*WORDS, "--steps", "6", "--save_every", "3"]
    code, out = torchrun(tmp_path, program, before, *words, "--out", "whole")
    assert code == 0, out
    Path("torn").mkdir()
    Path("whole/step_000003").rename("torn/step_000003")
    code, out = torchrun(tmp_path, program, after, *words, "--out", "torn", "--resume")
    assert code == 0, out
    losses = [
        [event["loss"] for event in read_events(out) if event["event"] == "step"] for out in ("whole", "torn")
    ]
    assert losses[1] == pytest.approx(losses[0][3:], rel=1e-5) and len(losses[1]) == 3
