"""Gradients that ranks exchange in bfloat16."""

import sys

import pytest
import torch
from processes import run_ranks
from test_program import TINY, own_folder  # noqa: F401
from test_runs import read_events

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="not tested on Windows")

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
WORDS += ["--batch_tokens", "128", "--sample_every", "0", "--steps", "8"]
COUNTING = """
import os
import torch
import train_gpt2
from errors import run_program

sent, original = {}, torch.distributed.all_reduce

def all_reduce(tensor, *arguments, **options):
    if options.get("async_op"):  # a bucket of gradients; DDP's own all-reduce is in C++
        sent[str(tensor.dtype)] = sent.get(str(tensor.dtype), 0) + tensor.nbytes
    return original(tensor, *arguments, **options)

torch.distributed.all_reduce, make, made = all_reduce, train_gpt2.make_model, []
train_gpt2.make_model = lambda *arguments: made.append(make(*arguments)) or made[-1]

def main():
    train_gpt2.main()
    weights = torch.cat([weight.detach().flatten() for weight in made[0].parameters()])
    torch.save((sent, weights), f"rank{os.environ['RANK']}.pt")

run_program(main)
"""


def train(out, *words):
    """Train on two ranks: the losses, and for each rank what its hook has sent and its weights."""
    code, text = run_ranks(".", COUNTING, 2, *WORDS, *words, "--out", out)
    assert code == 0, text
    losses = [event["loss"] for event in read_events(out) if event["event"] == "step"]
    return losses, *(torch.load(f"rank{rank}.pt") for rank in (0, 1))


@pytest.mark.parametrize("more", [[], ["--shard"], ["--dtype", "float16"]])
def test_gradients_in_half_of_the_bytes_have_almost_the_same_losses(more):
    plain, (sent, weights), _ = train("plain", *more)
    assert sent == {}
    losses, (sent, mine), (_, other) = train("half", "--exchange", "bfloat16", *more)
    assert sent == {"torch.bfloat16": 2 * len(weights) * 9}  # 8 steps, and one before the first
    assert torch.equal(mine, other) and not torch.equal(mine, weights)
    assert losses == pytest.approx(plain, abs=5e-3)
