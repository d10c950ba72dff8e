"""--profile: a table, a trace, and a run that goes on as if nobody had looked."""

import gzip
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from test_program import TINY, own_folder  # noqa: F401
from test_resume import same
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity

import profiler
import train_gpt2
from errors import UserError

QUIET = [*TINY, "--eval_every", "0", "--sample_every", "0", "--steps", "7", "--lr", "0.01"]
ROW = re.compile(r"(?m)^ +([\d.,]+) +([\d.]+)% +([\d,]+)  (.+)$")


def run(*words, out="out"):
    train_gpt2.main([*QUIET, *words, "--out", out])


def test_the_table_has_ten_operators_and_all_of_the_time(capsys):
    run("--profile", "2")
    out = capsys.readouterr().out
    assert out.index("step    5") < out.index("profile of 2 steps") < out.index("step    6")
    rows = ROW.findall(out)
    assert len(rows) == 11 and re.fullmatch(r"\(\d+ others\)", rows[-1][3])
    assert sum(float(share) for _, share, _, _ in rows) == pytest.approx(100, abs=0.6)
    times = [float(time.replace(",", "")) for time, _, _, _ in rows]
    (whole,) = re.findall(r"2 steps, ([\d.,]+) ms each", out)
    assert sum(times) == pytest.approx(float(whole.replace(",", "")), rel=0.02, abs=0.06)
    assert times[:-1] == sorted(times[:-1], reverse=True)
    assert any("(Python" in name for _, _, _, name in rows) and any(
        "aten::" in name for _, _, _, name in rows
    )


def test_the_trace_has_the_steps_and_their_operators():
    run("--profile", "2")
    events = json.loads(gzip.decompress(Path("out/trace.json.gz").read_bytes()))["traceEvents"]
    names = [event.get("name", "") for event in events]
    assert sum(name.startswith("ProfilerStep#") for name in names) == 2
    assert {"aten::addmm", "aten::mm", "aten::_fused_adamw_"} <= {*names}
    assert any("Input Dims" in event.get("args", {}) for event in events)


def test_the_run_is_the_same_with_a_profile():
    run("--profile", "3", out="seen")
    run(out="unseen")
    assert same("seen/step_000007", "unseen/step_000007")


def test_a_full_disk_does_not_end_the_run(monkeypatch, capsys):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch.profiler.profile, "export_chrome_trace", fail)
    run("--profile", "2")
    assert re.search(r"warning: cannot write out.trace.json.gz: .*No space left", capsys.readouterr().err)
    assert Path("out/step_000007").is_dir()


class Profile:
    """Notes what it is told to record."""

    def __init__(self, activities, **_):
        self.found.append(activities)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.mark.parametrize(
    "rank, device, expected", [(0, "cpu", "CPU"), (0, "cuda", "CPU CUDA"), (1, "cuda", "")]
)
def test_the_device_is_recorded_and_only_by_rank_0(monkeypatch, rank, device, expected):
    Profile.found = []
    monkeypatch.setattr(torch.profiler, "profile", Profile)
    machine = SimpleNamespace(rank=rank, device=SimpleNamespace(type=device))
    profiler.profile_steps(2, machine, Path("out"))(1, 2.0, None)
    wanted = {getattr(ProfilerActivity, name) for name in expected.split()}
    assert Profile.found == ([wanted] if wanted else [])


def event(key, own, calls, device=DeviceType.CPU, whole=0.0, note=False):
    """An average as PyTorch has it: a time on the CPU and one on the device, in microseconds."""
    times = dict(self_cpu_time_total=own, self_device_time_total=0.0, cpu_time_total=whole)
    if device != DeviceType.CPU:
        times = dict(self_cpu_time_total=0.0, self_device_time_total=own, cpu_time_total=0.0)
    return SimpleNamespace(key=key, count=calls, device_type=device, is_user_annotation=note, **times)


def test_on_a_gpu_the_table_has_its_kernels(capsys):
    gpu = DeviceType.CUDA
    operators = [event("ProfilerStep*", 500.0, 2, whole=20_000.0, note=True), event("aten::mm", 900.0, 6)]
    marks = [event("ProfilerStep*", 19_000.0, 2, gpu, note=True)]
    kernels = [event(f"kernel {n}", 1000.0 * n, 2 * n, gpu) for n in (3, 1, 2)]
    profiler.print_table(operators + marks + kernels, 2)
    out = capsys.readouterr().out
    assert "profile of 2 steps, 10.0 ms each" in out and "kernel\n" in out
    assert ROW.findall(out) == [
        ("1.50", "15.0", "3", "kernel 3"),
        ("1.00", "10.0", "2", "kernel 2"),
        ("0.50", "5.0", "1", "kernel 1"),
    ]


def test_a_profile_needs_its_steps_when_it_starts_and_when_it_resumes(capsys):
    with pytest.raises(UserError, match="--profile 5 needs 8 steps, and 7 are left .the largest is 4"):
        run("--profile", "5")
    run("--profile", "4", "--save_every", "3")
    capsys.readouterr()
    train_gpt2.main([*TINY, "--resume", "--out", "out"])  # it is over, and asks for no other profile
    assert "profile of" not in capsys.readouterr().out
    with pytest.raises(UserError, match="--profile 1 needs 4 steps, and 0 are left .leave the flag out"):
        train_gpt2.main([*TINY, "--resume", "--out", "out", "--profile", "1"])
