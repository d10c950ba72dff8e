"""Training in float16: a gradient that overflows, the step repeated, the scale in the checkpoint."""

import functools
import shutil
import sys

import pytest
import torch
from processes import run_ranks
from test_program import TINY, make_data
from test_resume import same
from test_runs import read_events

import machine
import runs
import train_gpt2
from errors import UserError
from machine import Machine

FLOAT16 = [*TINY, "--dtype", "float16", "--steps", "8", "--lr", "0.01", "--warmup_steps", "2"]
FLOAT16 += ["--eval_every", "0", "--sample_every", "0", "--save_every", "4", "--keep", "0"]
WORKER = """
import torch
from pathlib import Path
from config import Config
from data import Shards
from machine import Machine
from runs import Run
from train_gpt2 import make_model, train

recipe = dict(device="cpu", dtype="float16", batch_tokens=256, micro_batch=2, steps=4, lr=1e-2)
recipe |= dict(eval_every=0, sample_every=0, hellaswag_every=0, save_every=0)
config = Config(257, 16, 2, 2, 32, "bytes", **recipe)
machine = Machine(config)
machine.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**24)
tokens = Shards("data", "train")
model = make_model(config)
if machine.rank == 1:  # only this rank overflows by itself, as long as the scale is large
    spoil = lambda grad: grad + torch.inf if machine.scaler.get_scale() > 2**14 else grad
    model.ln_f.bias.register_hook(spoil)
train(model, (tokens, tokens, dict(tokenizer="bytes")), config, machine, Run(Path("out"), config, machine, 1))
weights = torch.cat([weight.detach().flatten() for weight in model.parameters()])
torch.save((machine.scaler.get_scale(), weights), f"rank{machine.rank}.pt")
machine.shutdown()
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Machine, "stop_on_signals", lambda self: None)
    make_data(tmp_path)


def start_with(monkeypatch, scale, growth_interval=2000):
    """Let gradient scalers start with a scale, and double it after so many steps without an overflow."""
    scaler = functools.partial(machine.GradScaler, init_scale=scale, growth_interval=growth_interval)
    monkeypatch.setattr(machine, "GradScaler", scaler)


def test_float16_has_the_losses_of_float32(capsys):
    losses = []
    for dtype in ("float16", "float32"):
        train_gpt2.main([*FLOAT16, "--dtype", dtype, "--out", dtype])
        losses.append([event["loss"] for event in read_events(dtype) if event["event"] == "step"])
    assert losses[0] == pytest.approx(losses[1], abs=5e-3) and losses[0] != losses[1]


def test_a_step_that_overflows_is_repeated_with_a_smaller_scale(monkeypatch, capsys):
    start_with(monkeypatch, 2.0**40)
    train_gpt2.main([*FLOAT16, "--out", "large"])
    scales = [event["scale"] for event in read_events("large") if event["event"] == "overflow"]
    assert scales == [2.0 ** (39 - number) for number in range(len(scales))] and len(scales) > 10
    assert f"overflowed; repeated with a scale of {scales[-1]:,.0f}" in capsys.readouterr().out
    steps = [event["step"] for event in read_events("large") if event["event"] == "step"]
    assert steps == [1, 2, 3, 4, 5, 6, 7, 8]
    start_with(monkeypatch, scales[-1])  # no overflow: the same run
    train_gpt2.main([*FLOAT16, "--out", "small"])
    assert not [event for event in read_events("small") if event["event"] == "overflow"]
    assert same("large/step_000008", "small/step_000008")


def test_a_run_that_overflows_resumes_bitwise(monkeypatch):
    start_with(monkeypatch, 2.0**40, growth_interval=3)  # it grows until it overflows, again and again
    train_gpt2.main([*FLOAT16, "--out", "whole"])
    overflows = [event["step"] for event in read_events("whole") if event["event"] == "overflow"]
    assert min(overflows) == 1 and max(overflows) > 4
    shutil.copytree("whole", "torn")
    shutil.rmtree("torn/step_000008")
    train_gpt2.main([*FLOAT16, "--resume", "--out", "torn"])
    assert same("whole/step_000008", "torn/step_000008")
    scalers = [torch.load(f"{out}/step_000008/train_state.pt")["scaler"] for out in ("whole", "torn")]
    assert scalers[0] == scalers[1]


def test_a_gradient_that_no_scale_saves_ends_the_run(monkeypatch):
    backward = torch.Tensor.backward
    monkeypatch.setattr(torch.Tensor, "backward", lambda loss: backward(loss * torch.inf))
    with pytest.raises(UserError, match="step 1 has loss [0-9.]+ and norm"):
        train_gpt2.main([*FLOAT16, "--out", "out"])
    scales = [event["scale"] for event in read_events("out") if event["event"] == "overflow"]
    assert scales == [2.0**exponent for exponent in range(15, 0, -1)]


def test_a_loss_that_is_not_finite_ends_the_run_at_once(monkeypatch):
    add_gradient = train_gpt2.add_gradient
    monkeypatch.setattr(train_gpt2, "add_gradient", lambda *place: add_gradient(*place) * torch.nan)
    with pytest.raises(UserError, match="step 1 has loss nan"):
        train_gpt2.main([*FLOAT16, "--out", "out"])
    assert not [event for event in read_events("out") if event["event"] == "overflow"]


@pytest.mark.parametrize("scaler", [dict(scale=0.0), dict(scale=float("nan")), dict(scale=1.0)])
def test_a_scaler_that_is_damaged_is_refused(scaler):
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(2, 2))])
    state = runs.State(0, train_gpt2.parse_config([])[0], {}, dict(state={}, param_groups=[]), scaler)
    with pytest.raises(UserError, match="the optimizer state of step 0 does not fit"):
        runs.restore_optimizer(optimizer, torch.amp.GradScaler("cpu"), state)


def test_a_run_may_leave_float16_and_come_back(monkeypatch):
    train_gpt2.main([*FLOAT16, "--save_every", "2", "--out", "out"])
    for dtype, step in (("float32", 6), ("float16", 8)):
        for path in runs.checkpoints("out"):
            if int(path.name[5:]) >= step:
                shutil.rmtree(path)
        train_gpt2.main([*FLOAT16, "--dtype", dtype, "--resume", "--out", "out"])
    state = torch.load("out/step_000008/train_state.pt")
    assert state["scaler"]["scale"] == 2.0**16


@pytest.mark.skipif(sys.platform == "win32", reason="not tested on Windows")
def test_an_overflow_on_one_rank_repeats_the_step_on_all(tmp_path):
    code, out = run_ranks(tmp_path, WORKER, 2)
    assert code == 0, out
    (scale, weights), (other_scale, other_weights) = (torch.load(f"rank{rank}.pt") for rank in (0, 1))
    assert scale == other_scale == 2.0**14 and torch.equal(weights, other_weights)
    assert weights.isfinite().all() and out.count("gradient overflowed") == 2 * 10
