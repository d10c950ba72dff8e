"""Two launchers, as on two computers that share a disk: one of them is killed, and started again."""

import contextlib
import os
import random
import socket
import subprocess
import sys
import time

import pytest
from processes import QUICK, ROOT, TIMEOUT, run_ranks, start
from test_program import TINY, make_data
from test_resume import PROGRAM, same
from test_runs import read_events

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="not tested on Windows")
WORDS = [*TINY, "--steps", "120", "--save_every", "20", "--eval_every", "0", "--sample_every", "0"]


def launch(folder, port):
    """Start a torchrun with one process, of two that meet at a port of this computer."""
    meet = ["--rdzv_backend=c10d", f"--rdzv_endpoint=localhost:{port}", "--rdzv_id=gpt2", "--max_restarts=3"]
    meet += ["--rdzv_conf=keep_alive_interval=1"]  # a computer is lost after three, by default 15 seconds
    options = [*QUICK, "--nnodes=2", "--nproc_per_node=1", *meet]
    words = [*options, ROOT / "train_gpt2.py", *WORDS, "--out", "torn", "--resume"]
    own_store = dict(TORCH_DISABLE_SHARE_RDZV_TCP_STORE="1")
    return start("torch.distributed.run", *words, folder=folder, **own_store)


def wait_for(condition):
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("localhost", port)) == 0


def test_a_computer_that_is_lost_and_comes_back_changes_nothing(tmp_path):
    make_data(tmp_path)
    code, out = run_ranks(tmp_path, PROGRAM, 2, *WORDS, "--out", "whole")
    assert code == 0, out
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    log, enough = tmp_path / "torn" / "log.jsonl", random.Random(0).randrange(4000, 12000)  # bytes
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(launch(tmp_path, port))
        wait_for(lambda: is_open(port))  # the first one is where they meet
        second = stack.enter_context(launch(tmp_path, port))
        wait_for(lambda: log.exists() and log.stat().st_size > enough)
        family = subprocess.run(["pgrep", "-P", str(second.pid)], capture_output=True, text=True).stdout
        for pid in [second.pid, *map(int, family.split())]:
            os.kill(pid, 9)
        again = stack.enter_context(launch(tmp_path, port))
        for launcher in (first, again):
            launcher.join(TIMEOUT)
            assert launcher.exitcode == 0
    assert same(tmp_path / "whole" / "step_000120", tmp_path / "torn" / "step_000120")
    whole, torn = (
        {event["step"]: event["loss"] for event in read_events(tmp_path / out) if event["event"] == "step"}
        for out in ("whole", "torn")
    )
    assert whole == torn and len(torn) == 120
    assert [event for event in read_events(tmp_path / "torn") if event["event"] == "resume"]
