"""The optimizer's state spread over the ranks: the same steps, less memory, the same checkpoints."""

import shutil
import sys
from pathlib import Path

import pytest
import torch
import transformers
from processes import ROOT, run_ranks
from test_program import TINY, own_folder  # noqa: F401
from test_resume import same, weights
from test_runs import read_events

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="not tested on Windows")

PROGRAM = (ROOT / "train_gpt2.py").read_text(encoding="utf-8")
WORDS = [
    *TINY,
    "--n_layer",
    "2",
    "--n_embd",
    "32",
    "--lr",
    "0.01",
    "--warmup_steps",
    "2",
    "--eval_every",
    "0",
]
WORDS += ["--batch_tokens", "128", "--sample_every", "0", "--steps", "6", "--save_every", "3", "--resume"]
COUNTING = """
import os
import torch
import train_gpt2
from errors import run_program
from muon import count_moments

original = train_gpt2.runs.Run.save

def save(run, step, model, values, keep):
    optimizer = made[-1]
    state = getattr(optimizer, "optim", optimizer).state
    kept = sum(tensor.numel() for values in state.values() for tensor in values.values() if tensor.dim())
    counts = (count_moments(model.named_parameters(), run.config, world) for world in (2, 1))
    torch.save((kept, *counts), f"kept{os.environ['RANK']}.pt")
    original(run, step, model, values, keep)

train_gpt2.runs.Run.save, make, made = save, train_gpt2.make_optimizer, []
train_gpt2.make_optimizer = lambda *arguments: made.append(make(*arguments)) or made[-1]
run_program(train_gpt2.main)
"""


def train(world, out, *words, program=COUNTING):
    """Train on so many ranks; returns the losses of the log."""
    code, text = run_ranks(".", program, world, *WORDS, *words, "--out", out)
    assert code == 0, text
    return [event["loss"] for event in read_events(out) if event["event"] == "step"]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_sharded_ranks_take_the_steps_of_others_bit_for_bit(dtype):
    plain = train(2, "plain", "--dtype", dtype)
    assert train(2, "sharded", "--shard", "--dtype", dtype) == plain
    assert same("plain/step_000006", "sharded/step_000006")


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_sharded_run_goes_on_with_four_ranks_and_with_one(optimizer):
    words = ["--optimizer", optimizer, "--shard"]
    whole = train(2, "whole", *words)
    (kept, most, every), (other, _, _) = (torch.load(f"kept{rank}.pt") for rank in (0, 1))
    assert kept + other == every and max(kept, other) == pytest.approx(most, rel=0.15)  # as the plan says
    line = f"--shard: the optimizer keeps {kept:,} of {every:,} numbers on this rank\n"
    assert line in Path("output.txt").read_text(encoding="utf-8")
    for world in (4, 1):
        out = f"{world} ranks"
        shutil.copytree("whole/step_000003", f"{out}/step_000003")
        assert train(world, out, *words) == pytest.approx(whole[3:], rel=1e-4)
        warned = "warning: --shard has no effect on one rank" in Path("output.txt").read_text(
            encoding="utf-8"
        )
        assert warned == (world == 1)
        ends = weights(f"{out}/step_000006"), weights("whole/step_000006")
        assert all((ends[0][name] - ends[1][name]).abs().max() < 2e-3 for name in ends[1])
    theirs = transformers.AutoModelForCausalLM.from_pretrained("whole/step_000006")
    assert torch.equal(
        theirs.transformer.wte.weight[:257], weights("whole/step_000006")["transformer.wte.weight"]
    )


def test_a_sharded_run_resumes_with_the_same_bits():
    train(2, "whole", "--shard")
    shutil.copytree("whole/step_000003", "torn/step_000003")
    train(2, "torn", "--shard")
    assert same("whole/step_000006", "torn/step_000006") and Path("torn/log.jsonl").exists()


FULL = """
import train_gpt2
from errors import run_program

def save_pretrained(*_):
    raise OSError("no space left on device")

train_gpt2.GPT.save_pretrained = save_pretrained
run_program(train_gpt2.main)
"""


def test_a_last_checkpoint_that_cannot_be_written_ends_all_ranks():
    """The optimizer's state comes from all ranks, so no rank may try again alone."""
    code, text = run_ranks(".", FULL, 2, *WORDS, "--shard", "--out", "full")
    assert code == 2 and text.count("warning: cannot save full/step_000006") == 2, text
    assert text.count("error: step 6 is not saved (make room") == 1 and "another rank" not in text, text
