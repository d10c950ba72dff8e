"""The report card of a machine, in miniature."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from processes import ROOT, TIMEOUT, run_ranks, start

import card
import train_gpt2
from errors import UserError

DTYPES = ("float32", "bfloat16", "float16") + ("TF32",) * torch.cuda.is_available()


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    torch.set_float32_matmul_precision("highest")


def make(capsys, *words):
    """Make the card reports/here: what it prints, and its parts."""
    try:
        card.main(["--name", "here", *words])
        error = ""
    except UserError as problem:
        error = str(problem)
    return capsys.readouterr().out, json.loads(Path("reports/here.json").read_text()), error


def numbers(function):
    """What a part yields in this process: {name: value}, and the limits."""
    found = list(function(True, "nowhere"))
    return {name: value for name, value, *_ in found}, {name: limit[0] for name, _, *limit in found if limit}


def popen(words, **_):
    """As subprocess.Popen of a part, but a fork, or a fork for each rank without torchrun, that has ended."""
    at = words.index("--only")
    *starter, program = words[:at]
    if len(starter) == 1:
        with start(Path(program), *words[at:], folder=".", output="output.txt") as process:
            process.join(TIMEOUT)
        code, said = process.exitcode, Path("output.txt").read_text(encoding="utf-8")
        Path("output.txt").unlink()
    else:
        *starter, ranks = starter
        assert starter == [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        count = int(ranks.removeprefix("--nproc_per_node="))
        code, said = run_ranks(".", Path(program).read_text(encoding="utf-8"), count, *words[at:])
    no_process = 2**30
    return SimpleNamespace(stdout=said.splitlines(), wait=lambda: code, pid=no_process)


def test_a_complete_part_is_kept_and_others_are_made_again(capsys, monkeypatch):
    """At first the data are none: facts yields some numbers and fails then."""
    Path("data").mkdir()
    Path("data/train.bin").write_bytes(b"none")
    monkeypatch.setattr(card, "PARTS", {card.facts: 100, card.precision: 100})
    new_python = subprocess.Popen

    def mixed(words, **pipes):
        return (new_python if "facts" in words else popen)(words, **pipes)

    monkeypatch.setattr(card.subprocess, "Popen", mixed)
    out, parts, error = make(capsys, "--data", "data")
    assert "logits in float32" in out and all(part["seconds"] > 0 for part in parts.values())
    assert error.startswith("facts: error: data/train.bin is not a shard")
    assert error == f"facts: {parts['facts']['error']}" and parts["precision"]["error"] == ""
    assert parts["facts"]["numbers"]["torch"] == torch.__version__
    monkeypatch.setattr(card.subprocess, "Popen", popen)
    out, again, error = make(capsys)
    assert error == again["facts"]["error"] == "" and "logits in float32" not in out
    assert again["precision"] == parts["precision"] and again["facts"]["seconds"] != parts["facts"]["seconds"]
    monkeypatch.setattr(card, "PARTS", {card.facts: 0.1, card.precision: 100})
    monkeypatch.setattr(card.subprocess, "Popen", new_python)
    out, again, error = make(capsys, "facts")
    assert again["precision"] == parts["precision"]
    assert error == "facts: stopped after 0.1 s" == f"facts: {again['facts']['error']}"
    assert "**stopped after 0.1 s**" in Path("reports/here.md").read_text()


def test_ranks_are_started_for_the_parts_that_need_them(capsys, monkeypatch):
    monkeypatch.setattr(card, "PARTS", {card.ranks: 100})
    monkeypatch.setattr(card.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(card.subprocess, "Popen", popen)
    _, parts, error = make(capsys)
    assert error == "" and 0 <= parts["ranks"]["numbers"]["2 ranks against one"] < 1e-5


def test_logits_that_are_wrong_are_found(monkeypatch):
    found, limits = numbers(card.precision)
    assert set(found) == set(limits) == {f"logits in {name}: relative error" for name in DTYPES}
    assert all(0 < found[name] < limits[name] for name in found)
    original = train_gpt2.GPT.forward

    def wrong(model, idx, targets=None):
        return original(model, idx, targets)[0] * (
            1 if model.wpe.weight.dtype == torch.float64 else 1.1
        ), None

    monkeypatch.setattr(train_gpt2.GPT, "forward", wrong)
    found, limits = numbers(card.precision)
    assert all(found[name] > limits[name] for name in found)


def test_gradients_that_are_wrong_are_found(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda model, dynamic: model)
    found, limits = numbers(card.gradients)
    assert len(limits) == 3 and all(found[name] < limit for name, limit in limits.items())
    monkeypatch.setattr(train_gpt2, "micro_steps", lambda config, world: 1)  # forgets seven of eight
    found, limits = numbers(card.gradients)
    assert found["8 micro-batches of 1 against 1 of 8"] > 0.1


def test_speeds_are_those_of_the_work_that_was_done(monkeypatch):
    """A clock that goes on by a second with each step, and by an hour with each compilation."""
    now = [0.0]

    def make_replica(model, tokens, config, machine):
        now[0] += 3600 * machine.compile
        model.register_forward_pre_hook = lambda hook: [hook() for _ in range(6)]
        return model, replace(config, micro_batch=min(config.micro_batch, fits))

    monkeypatch.setattr(train_gpt2, "make_replica", make_replica)
    monkeypatch.setattr(train_gpt2, "take_step", lambda *_: now.__setitem__(0, now[0] + 1.0))
    monkeypatch.setattr(card.time, "perf_counter", lambda: now[0])
    fits = 8
    found, _ = numbers(card.speed)
    assert found["micro-batch 8: tokens/s"] == found["eager: tokens/s"] == 8 * 64
    assert found["micro-batch 4: tokens/s"] == 4 * 64
    assert found["default: seconds with start"] == 3606 and found["eager: seconds with start"] == 6
    fits = 4
    found, _ = numbers(card.speed)
    assert found["micro-batch 8"] == "does not fit, 4 does" and found["eager: tokens/s"] == 4 * 64
    fits = 2  # not even the first
    found, _ = numbers(card.speed)
    assert found["micro-batch 4"] == "does not fit, 2 does" and found["eager: tokens/s"] == 2 * 64


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the history")
def test_a_rung_that_fails_does_not_end_the_ladder(monkeypatch):
    def program(*words):
        text = Path("train_gpt2.py").read_text(encoding="utf-8")
        if "torch.compile" not in text:
            raise UserError("out of memory")
        ran.append(1)
        return f"median {len(ran) + 1234:,} ms a step"

    ran = []
    monkeypatch.setattr(card, "program", program)
    found, _ = numbers(card.ladder)
    assert list(found.values()) == ["out of memory"] * 3 + [1235.0, 1236.0, 1237.0, 1238.0]


def test_a_run_s_other_work_is_measured():
    found, _ = numbers(card.run)
    assert len(found) == 4 and all(value > 0 for value in found.values())


def test_two_cards_stand_side_by_side(capsys, monkeypatch):
    monkeypatch.setattr(card, "PARTS", {card.facts: 100})
    part = dict(numbers={"tokens/s": 200.0, "torch": "2.13"}, limits={}, seconds=1, error="")
    wrong = dict(numbers={"a": 0.5, "b": math.nan}, limits={"a": 0.1, "b": 0.1}, seconds=1, error="")
    Path("reports").mkdir()
    Path("reports/here.json").write_text(json.dumps({"facts": part, "more": wrong}))
    other = part | dict(numbers={"tokens/s": 100.0})
    Path("there.json").write_text(json.dumps({"facts": other}))
    out, _, error = make(capsys, "--against", "there.json")
    assert error == "more: a is 0.5\nmore: b is nan" and "reports/here.md is the card" in out
    text = Path("reports/here.md").read_text()
    assert "| number | here | against | ratio |" in text and "| tokens/s | 200 | 100 | 2.00 |" in text
    assert "| torch | 2.13 |  |  |" in text and "| a (limit 0.1) | 0.5 **wrong** |  |  |" in text


def test_bad_words_and_a_torn_card_are_refused(capsys):
    Path("reports").mkdir()
    Path("reports/here.json").write_text('{"facts": {"numbers": 3}}')
    for words, reason in (
        (["fact"], "fact is not a part .the parts are facts, precision"),
        ([], "cannot read"),
    ):
        with pytest.raises(UserError, match=reason):
            card.main(["--name", "here", *words])
