import re
from pathlib import Path
from unittest import mock

import pytest
import torch
from processes import run_ranks
from test_program import TINY, own_folder  # noqa: F401
from torch._subclasses.fake_tensor import FakeTensorMode

import plan
from config import PRESETS, Config, GPTConfig
from errors import UserError
from muon import count_moments
from train_gpt2 import GPT


def shown(capsys, *words):
    """What plan.py prints, without thousands separators."""
    plan.main(words)
    return capsys.readouterr().out.replace(",", "")


def traced_memory(config, rows, dtype):
    """The most bytes that PyTorch has in a forward and a backward pass: simulated, without the memory."""
    from torch.distributed._tools.mem_tracker import MemTracker  # takes a second

    with FakeTensorMode(), mock.patch.object(torch.Tensor, "is_cpu", False, create=True):  # as on a GPU
        model, idx = GPT(config), torch.zeros(rows, config.context, dtype=torch.int64)
        tracker = MemTracker()
        tracker.track_external(model)
        with tracker:
            with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                _, loss = model(idx, idx)
            loss.backward()
        (snapshot,) = tracker.get_tracker_snapshot("peak").values()
    gradient_and_moments = 12 * sum(weight.numel() for weight in model.parameters())
    return snapshot["Total"] + gradient_and_moments


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize(
    "sizes",
    [dict(), dict(n_layer=3, n_head=16, n_embd=1024, vocab_size=1000), dict(n_layer=3, vocab_size=1000)],
)
def test_the_memory_is_that_of_pytorch(sizes, dtype):
    config = GPTConfig(**sizes)
    with torch.device("meta"):
        model = GPT(config)
        moments = count_moments(model.named_parameters(), Config(), 1)
        estimate = plan.memory(model, 16, dtype, moments)
    assert estimate == pytest.approx(traced_memory(config, 16, dtype), rel=0.05)


def test_gpt2_is_planned_as_published_runs_went(capsys):
    out = shown(capsys, "--preset", "gpt2", "--mfu", "0.52")
    assert "gpt2: 124439808 parameters" in out and "19073 steps of 524288 tokens: 10.00 billion" in out
    assert "855 million operations per token" in out  # 6 (N - wpe) + 12 x 12 x 768 x 1024
    rows = {
        name: re.search(rf"(?m)^{name} +(\d+) +(\d+) +([\d.]+) +(\d+)$", out).groups()
        for name, (_, price) in plan.GPUS.items()
        if price
    }
    micro_batch, speed, hours, dollars = map(float, rows["A100 80 GB"])
    assert micro_batch == 64 and rows["A100 40 GB"][0] == "16"
    assert speed == pytest.approx(1.53e6, rel=0.02)  # 343 ms a step
    assert hours == pytest.approx(1 + 55 / 60, rel=0.1) and dollars == pytest.approx(
        8 * 2.79 * hours, rel=0.05
    )


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_a_plan(capsys, preset):
    out = shown(capsys, "--preset", preset)
    with torch.device("meta"):
        count = GPT(Config(**PRESETS[preset])).num_parameters()
    assert f"{preset}: {count} parameters" in out
    assert all(f"\n{name} " in out for name in plan.GPUS)


def test_the_gpus_of_other_people_are_planned_too(capsys):
    out = shown(capsys, "--preset", "gpt2", "--gpus", "1", "--steps", "6750")  # 3.5 billion tokens
    assert "\n1 GPUs 40% MFU " in out and "6750 steps of 524288 tokens: 3.54 billion tokens" in out
    cost = 855e6  # operations per token
    for name, rows, peak in (
        ("RTX 3060", 4, 25e12),
        ("T4", 8, 65e12),
        ("A10G", 16, 70e12),
        ("A10", 16, 125e12),
    ):
        size, speed, hours, dollars = re.search(rf"(?m)^{name} +(\d+) +(\d+) +([\d.]+) +(\S+)$", out).groups()
        assert int(size) == rows and float(speed) == pytest.approx(0.4 * peak / cost, rel=1e-3)
        assert float(hours) == pytest.approx(6750 * 524288 / (0.4 * peak / cost) / 3600, abs=0.06)
        assert dollars == ("-" if name != "A10" else f"{float(hours) * 1.29:.0f}")


def test_in_float32_there_are_sizes_but_no_speeds(capsys):
    out = shown(capsys, "--preset", "gpt2", "--dtype", "float32")
    assert re.search(r"(?m)^A100 80 GB +32$", out) and "hours" not in out and "tokens/s" not in out


def test_a_micro_batch_that_is_asked_for_is_the_largest(capsys):
    out = shown(capsys, "--preset", "gpt2", "--micro_batch", "8")
    assert re.search(r"(?m)^A100 80 GB +8 ", out) and re.search(r"(?m)^RTX 3060 +4 ", out)


def test_a_model_that_no_gpu_holds_is_told(capsys):
    assert re.search(r"(?m)^A10 +too small$", shown(capsys, "--preset", "gpt3-xl"))


def test_gpus_that_cannot_share_the_batch_are_refused_with_the_remedy():
    with pytest.raises(
        UserError, match="is not a multiple of --context 1024 x 6 ranks = 6144; the nearest is 522240"
    ):
        plan.main("--preset gpt2 --gpus 6 --mfu 0.5".split())
    with pytest.raises(UserError) as caught:
        plan.main("--gpus 0 --mfu none --step 3".split())
    assert str(caught.value).splitlines() == [
        "--step is unknown (did you mean --steps?)",
        "--gpus 0 is below the minimum of 1",
        "--mfu none is not a number",
    ]


def test_measured_steps_are_those_of_the_whole_batch(capsys, monkeypatch):
    """On a clock where an optimizer step takes 1 s, and each of its micro-batches 0.25 s."""
    now, original = [0.0], plan.take_step

    def take_step(model, replica, optimizer, tokens, config, step, machine):
        now[0] += 1 + 0.25 * (config.batch_tokens // (config.micro_batch * config.context))
        return original(model, replica, optimizer, tokens, config, step, machine)

    monkeypatch.setattr(plan, "take_step", take_step)
    monkeypatch.setattr(plan.time, "perf_counter", lambda: now[0])
    words = [*TINY, "--vocab_size", "257", "--batch_tokens", "320", "--steps", "7200"]  # 10 micro-batches
    out = shown(capsys, *words, "--measure")
    assert "micro-batch 2: 91 tokens/s 3.50 s per step" in out and "7200 steps take 7.0 hours" in out
    assert "peak memory" in out and "estimate" not in out  # it is for a GPU


def test_ranks_measure_together(tmp_path):
    program = Path(plan.__file__).read_text(encoding="utf-8")
    code, out = run_ranks(tmp_path, program, 2, *TINY, "--measure", "--steps", "3")
    assert code == 0 and out.count("tokens/s") == 1 and "on 2 x cpu" in out, out
