"""The next micro-batch is fetched while the device computes."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_data import as_shards
from test_program import own_folder  # noqa: F401

import train_gpt2
from config import Config
from data import Shards
from errors import UserError
from machine import Machine
from runs import Run

SMALL = Config(65, 16, 1, 2, 8, "bytes", device="cpu", dtype="float32", micro_batch=2, batch_tokens=64)
SMALL = replace(SMALL, steps=4, eval_every=0, sample_every=0, hellaswag_every=0, save_every=0)


def train(config, tokens):
    machine, model = Machine(config), train_gpt2.make_model(config)
    train_gpt2.train(model, (tokens, tokens, {}), config, machine, Run(Path("out"), config, machine, 1))


def test_the_host_reads_while_the_device_works(monkeypatch):
    """Reading comes after a backward pass has been started, and never between a wait and the next start."""
    order = []
    read, forward, backward = Shards.read, train_gpt2.GPT.forward, torch.Tensor.backward

    def noted(event, function):
        return lambda *arguments: order.append(event) or function(*arguments)

    monkeypatch.setattr(Shards, "read", noted("read", read))
    monkeypatch.setattr(train_gpt2.GPT, "forward", noted("forward", forward))
    monkeypatch.setattr(torch.Tensor, "backward", noted("backward", backward))
    monkeypatch.setattr(torch.cpu, "synchronize", lambda: order.append("wait"))
    train(SMALL, as_shards(torch.arange(1000) % 65))
    micro = ["forward", "backward", "read", "read"]  # two rows
    assert order == ["read", "read"] + (micro + micro + ["wait"]) * 4


@pytest.mark.parametrize("world, rank", [(1, 0), (2, 1)])
def test_what_is_fetched_ahead_is_the_batch_that_is_needed(world, rank, monkeypatch):
    config = replace(SMALL, batch_tokens=64 * world)
    machine, tokens = Machine(config), as_shards(torch.arange(1000) % 65)
    machine.rank, machine.world = rank, world
    model, seen = train_gpt2.make_model(config), []
    model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    places = [(step, micro) for step in range(6) for micro in range(2)]
    for place in places:
        train_gpt2.add_gradient(model, tokens, config, *place, machine)
    for place, batch in zip(places, seen, strict=True):
        expected = train_gpt2.get_batch(tokens, config, *place, rank, world)
        assert all(torch.equal(found, rows) for found, rows in zip(batch, expected, strict=True))
    train_gpt2.add_gradient(model, tokens, replace(config, seed=2), 6, 0, machine)  # waiting: that of seed 1
    expected = train_gpt2.get_batch(tokens, replace(config, seed=2), 6, 0, rank, world)
    assert torch.equal(seen[-1][0], expected[0])


def test_a_batch_that_cannot_be_read_is_an_error_in_its_own_step(monkeypatch, capsys):
    original = train_gpt2.get_batch

    def broken(tokens, config, step, *place):
        if step == 2:
            raise UserError("data/train.bin has become shorter (delete the folder)")
        return original(tokens, config, step, *place)

    monkeypatch.setattr(train_gpt2, "get_batch", broken)
    with pytest.raises(UserError, match="has become shorter"):
        train(replace(SMALL, save_every=1), as_shards(torch.arange(1000) % 65))
    assert "step    2  loss" in capsys.readouterr().out and Path("out/step_000002").is_dir()


def test_a_batch_after_the_last_step_is_no_error(monkeypatch):
    original = train_gpt2.get_batch

    def broken(tokens, config, step, *place):
        assert step < config.steps
        return original(tokens, config, step, *place)

    monkeypatch.setattr(train_gpt2, "get_batch", broken)
    train(SMALL, as_shards(torch.arange(1000) % 65))
