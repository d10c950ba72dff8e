"""Hooks: functions of your own that are called after each step."""

import re
from pathlib import Path

import pytest
from processes import ROOT
from test_program import TINY, own_folder  # noqa: F401
from test_runs import read_events

import train_gpt2

QUIET = [*TINY, "--eval_every", "0", "--sample_every", "0", "--print_every", "0"]


def test_the_example_of_the_architecture_runs(monkeypatch, capsys):
    (example,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"), re.S
    )
    main = train_gpt2.main
    monkeypatch.setattr(train_gpt2, "main", lambda words, **more: main([*QUIET, *words], **more))
    exec(example, {})
    lines = re.findall(r"(?m)^(\d+) (\d+\.\d+) (\d+\.\d+)$", capsys.readouterr().out)
    assert [int(step) for step, _, _ in lines] == [*range(1, 21)]
    assert len({norm for _, _, norm in lines}) == 20  # the model learns


def test_each_hook_gets_the_step_its_loss_and_the_model_after_it():
    seen = {"one": [], "two": []}
    hooks = [lambda *found, name=name: seen[name].append(found) for name in seen]
    train_gpt2.main([*QUIET, "--steps", "3", "--out", "out"], hooks=hooks)
    events = [event for event in read_events("out") if event["event"] == "step"]
    assert seen["one"] == seen["two"]
    assert [(step, loss) for step, loss, _ in seen["one"]] == [(e["step"], e["loss"]) for e in events]
    assert all(isinstance(model, train_gpt2.GPT) for _, _, model in seen["one"])


@pytest.mark.parametrize("more", [[], ["--profile", "3"]])
def test_a_hook_that_returns_true_ends_the_run_as_a_signal_does(capsys, more):
    seen = []
    hooks = [lambda step, loss, model: seen.append(step) or step >= 4, lambda *found: None]
    train_gpt2.main([*QUIET, "--steps", "9", "--out", "out", *more], hooks=hooks)
    assert seen == [1, 2, 3, 4, 5]
    assert "stopped after step 5; continue with --resume" in capsys.readouterr().out
    assert Path("out/step_000005/model.safetensors").exists()
