"""Two launchers, as on two computers that share a disk: one of them is killed, and started again."""

import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_program import TINY, make_data
from test_resume import same
from test_runs import read_events

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="not tested on Windows")
PROGRAM = Path(__file__).parent.parent / "train_gpt2.py"


def start(folder, port, out):
    """A torchrun with one process, of two that meet at a port of this computer."""
    meet = ["--rdzv_backend=c10d", f"--rdzv_endpoint=localhost:{port}", "--rdzv_id=gpt2", "--max_restarts=3"]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc_per_node=1", *meet]
    words = [*TINY, "--steps", "300", "--save_every", "20", "--eval_every", "0", "--sample_every", "0"]
    return subprocess.Popen(
        [*launcher, str(PROGRAM), *words, "--out", out, "--resume"],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("localhost", port)) == 0


def test_a_computer_that_is_lost_and_comes_back_changes_nothing(tmp_path):
    make_data(tmp_path)
    draw = random.Random(0)
    for out in ("whole", "torn"):
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        first = start(tmp_path, port, out)
        wait_for(lambda port=port: is_open(port))  # the first one is where they meet
        second = start(tmp_path, port, out)
        if out == "torn":
            log, enough = tmp_path / out / "log.jsonl", draw.randrange(6000, 20000)  # bytes: some steps
            wait_for(lambda log=log, enough=enough: log.exists() and log.stat().st_size > enough)
            family = subprocess.run(["pgrep", "-P", str(second.pid)], capture_output=True, text=True).stdout
            for pid in [second.pid, *map(int, family.split())]:
                os.kill(pid, 9)
            second.wait()
            second = start(tmp_path, port, out)
        assert first.wait(120) == 0 and second.wait(120) == 0
    assert same(tmp_path / "whole" / "step_000300", tmp_path / "torn" / "step_000300")
    whole, torn = (
        {event["step"]: event["loss"] for event in read_events(tmp_path / out) if event["event"] == "step"}
        for out in ("whole", "torn")
    )
    assert whole == torn and len(torn) == 300
    assert [event for event in read_events(tmp_path / "torn") if event["event"] == "resume"]
