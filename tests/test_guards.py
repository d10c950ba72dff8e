"""Small things whose loss would cost a long run, and which no other test would notice."""

import math
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from test_data import as_shards
from test_program import TINY, own_folder  # noqa: F401

import machine
import runs
import train_gpt2
from config import Config, as_word, parse_config, resumed_config
from errors import UserError
from machine import Machine

SMALL = Config(65, 16, 1, 2, 8, device="cpu", dtype="float32", batch_tokens=128, micro_batch=2)


def test_each_micro_batch_and_each_rank_has_a_dropout_mask_of_its_own():
    config, tokens = replace(SMALL, dropout=0.5, shuffle=False), as_shards([7] * 2000)
    model = train_gpt2.make_model(config).train()
    losses = {}
    for step, micro, rank in [(0, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 0)]:  # the same tokens everywhere
        here = Machine(config)
        here.rank, here.world = rank, 2
        losses[step, micro, rank] = train_gpt2.add_gradient(model, tokens, config, step, micro, here).item()
    assert len(set(losses.values())) == 4, losses


CHANGES = dict(vocab_size=9, context=8, n_layer=2, n_head=1, n_embd=16, tokenizer="bytes", dropout=0.5)
CHANGES |= dict(preset="gpt2", init="gpt2", steps=7, batch_tokens=64, shuffle=False, lr=0.5)
CHANGES |= dict(warmup_steps=3, weight_decay=0.5, seed=9, schedule="linear", optimizer="muon", bias=False)


@pytest.mark.parametrize("name", CHANGES)
def test_no_part_of_the_recipe_can_change_when_a_run_is_resumed(name):
    problems = []
    same = resumed_config(SMALL, {name: getattr(SMALL, name)}, "out", problems)
    assert problems == [] and same == SMALL
    resumed_config(SMALL, {name: CHANGES[name]}, "out", problems)
    old, new = as_word(getattr(SMALL, name)), as_word(CHANGES[name])
    assert problems == [f"--{name} {new}, but out was started with {old} (leave the flag out)"]


def test_more_steps_than_a_run_has_are_a_new_run():
    problems = []
    for steps in (SMALL.steps + 1, SMALL.steps - 1):
        resumed_config(SMALL, dict(steps=steps), "out", problems)
    fix = "leave the flag out; for more steps start a new run with --init out and another --out"
    reasons = [f"--steps {SMALL.steps + more}, but out was started with {SMALL.steps}" for more in (1, -1)]
    assert problems == [f"{reasons[0]} ({fix})", f"{reasons[1]} (leave the flag out)"]


def test_everything_else_can_change_when_a_run_is_resumed():
    given = {name: value for name, value in asdict(Config()).items() if name not in CHANGES}
    problems = []
    assert asdict(resumed_config(SMALL, given, "out", problems)) == asdict(SMALL) | given and not problems


def test_another_seed_is_another_order():
    tokens = as_shards(torch.arange(1000) % 65)
    first, other = (
        train_gpt2.get_batch(tokens, replace(SMALL, seed=seed, micro_batch=8), 0, 0, 0, 1)[0]
        for seed in (1, 2)
    )
    assert not torch.equal(first, other)


def test_a_last_step_that_cannot_be_saved_is_an_error(monkeypatch):
    monkeypatch.setattr(runs.os, "fsync", full_disk)
    with pytest.raises(UserError, match="step 2 is not saved .make room, then --resume from the checkpoint"):
        train_gpt2.main([*TINY, "--steps", "2", "--out", "out", "--sample_every", "0"])


def full_disk(*_):
    raise OSError(28, "No space left on device")


META = dict(tokenizer="bytes", vocab_size=65, train_tokens=1000, val_tokens=100, source="a text")


@pytest.mark.parametrize(
    "settings, meta, start, reason",
    [
        (dict(shard=True), {}, 0, "--shard true where rank 0 has false"),
        (dict(dtype="bfloat16"), {}, 0, "--dtype bfloat16 where rank 0 has float32"),
        (dict(val_tokens=7, lr=1), {}, 0, "--lr 1.0 where rank 0 has 0.0006, --val_tokens 7 where .*760"),
        ({}, dict(train_tokens=7), 0, "train_tokens 7 where rank 0 has 1000"),
        ({}, dict(source="another"), 0, "source another where rank 0 has a text"),
        ({}, {}, 5, "finished steps 5 where rank 0 has 0"),
        (dict(data="/d", out="/o", device="auto", compile="false"), {}, 0, None),  # that is not another run
    ],
)
def test_ranks_that_would_not_train_together_are_refused(settings, meta, start, reason, monkeypatch):
    monkeypatch.setattr(machine, "pick_device", lambda _: torch.device("cpu"))
    plans = []

    def compare(config, meta, start):
        here = Machine(config)
        here.gather = lambda plan: plans.append(plan) or [plans[0], *plans]
        runs.compare_ranks(config, here, meta, start)

    compare(SMALL, META, 0)
    with pytest.raises(UserError, match=f"^rank 2 has {reason} .start") if reason else nullcontext():
        compare(replace(SMALL, **settings), META | meta, start)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_the_search_for_a_micro_batch_leaves_room_for_the_optimizer(optimizer, monkeypatch):
    """When the gradient is computed, as many numbers are in memory as the optimizer keeps after a step."""
    made, config = [], replace(SMALL, compile="true", optimizer=optimizer)
    model, tokens = train_gpt2.make_model(config), as_shards(torch.arange(1000) % 65)
    original, empty = train_gpt2.add_gradient, torch.empty
    seen = []

    def add_gradient(*arguments):
        seen.append(sum(tensor.numel() for tensor in made))
        return original(*arguments)

    monkeypatch.setattr(torch, "empty", lambda *a, **k: made.append(empty(*a, **k)) or made[-1])
    monkeypatch.setattr(train_gpt2, "add_gradient", add_gradient)
    assert train_gpt2.try_batch(model, tokens, config, Machine(config), optional=False) == ""
    monkeypatch.undo()
    optimizer = train_gpt2.make_optimizer(model, config, Machine(config))
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    kept = [tensor for values in optimizer.state.values() for tensor in values.values() if tensor.dim()]
    assert seen == [sum(tensor.numel() for tensor in kept)] * 2


def test_each_process_takes_the_gpu_of_its_local_rank(monkeypatch):
    """Rank 9 of 16 is the second process of the second computer."""
    taken = []
    module = SimpleNamespace(device_count=lambda: 8, set_device=taken.append, synchronize=None)
    monkeypatch.setattr(machine, "pick_device", lambda _: torch.device("cuda"))
    monkeypatch.setattr(machine, "pick_dtype", lambda *_: torch.float32)
    monkeypatch.setattr(torch, "get_device_module", lambda _: module)
    monkeypatch.setattr(machine.dist, "rendezvous", lambda *_, **__: iter([(None, 9, 16)]))
    monkeypatch.setattr(machine.dist, "init_process_group", lambda *_, **options: taken.append(options))
    for name, value in dict(RANK=9, WORLD_SIZE=16, LOCAL_RANK=1, LOCAL_WORLD_SIZE=8, MASTER_ADDR="a").items():
        monkeypatch.setenv(name, str(value))
    Machine(Config())
    assert taken[0] == 1 and taken[1]["device_id"] == torch.device("cuda", 1) and taken[1]["rank"] == 9
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "9")
    with pytest.raises(UserError, match="9 processes on this computer, but 8 x cuda .use --nproc_per_node=8"):
        Machine(Config())


def test_a_norm_that_is_not_finite_stops_the_run(monkeypatch):
    clip = torch.nn.utils.clip_grad_norm_
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *a, **k: clip(*a, **k) * math.nan)
    with pytest.raises(UserError, match="step 1 has loss 5.* and norm nan"):
        train_gpt2.main([*TINY, "--steps", "2", "--out", "out"])
    assert not list(Path("out").glob("step_*"))


@pytest.mark.parametrize(
    "variables, reason",
    [
        (dict(RANK="one"), "RANK is 'one' in the environment, not a number"),
        (dict(WORLD_SIZE=""), "WORLD_SIZE is '' in the environment, not a number"),
        (
            dict(WORLD_SIZE="2"),
            "WORLD_SIZE is 2 in the environment, but MASTER_ADDR is not set .use torchrun",
        ),
        (dict(RANK="3", WORLD_SIZE="2"), "RANK is 3 in the environment, but WORLD_SIZE 2"),
    ],
)
def test_ranks_that_make_no_sense_are_refused(variables, reason, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=reason):
        train_gpt2.main([*TINY, "--steps", "2"])


def test_the_settings_of_a_command_line_are_those_of_the_run(monkeypatch):
    config, given, problems = parse_config("--preset gpt2 --lr 1e-3 --resume".split())
    assert problems == [] and given == dict(preset="gpt2", lr=1e-3, resume=True)
    assert (config.lr, config.steps, config.resume) == (1e-3, 19073, True)
