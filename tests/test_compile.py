"""What torch.compile makes of a training step: graphs, breaks and recompilations, with and without DDP."""

import json
import sys

import pytest
from processes import run_ranks
from test_ranks import make_tokens

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="not tested on Windows")

WORKER = """
import functools
import json
import os
import torch
from torch._dynamo.utils import counters
import train_gpt2
from config import Config
from data import Shards
from machine import Machine

graphs, found = [], {}
compiler = functools.partial(torch.compile, backend=lambda graph, _: graphs.append(graph) or graph.forward)
cap = functools.partial(train_gpt2.DistributedDataParallel, bucket_cap_mb=1)  # several buckets, as GPT-2 has
train_gpt2.DistributedDataParallel = cap

def count():
    return counters["frames"]["total"], len(graphs), sum(counters["graph_break"].values())

recipe = dict(device="cpu", dtype="float32", batch_tokens=256, micro_batch=2, val_tokens=64, compile="true")
machine, tokens = Machine(Config(**recipe)), Shards("data", "train")
options = dict(plain={}, dropout=dict(dropout=0.1), ranks=dict(shard=True, exchange="bfloat16"))
for name, more in options.items():
    torch._dynamo.reset()
    counters.clear()
    graphs.clear()
    torch.compile, machine.compile = compiler, True
    config = Config(65, 16, 4, 2, 128, "bytes", **more, **recipe)
    model = train_gpt2.make_model(config)
    replica, config = train_gpt2.make_replica(model, tokens, config, machine)
    stages = {"probe": count()}
    optimizer = train_gpt2.make_optimizer(model, config, machine)
    for stage in ("first step", "more steps", "after an evaluation"):
        for step in range(3):  # 8 or 4 micro-batches, of which the last one averages
            train_gpt2.take_step(model, replica, optimizer, tokens, config, step, machine)
        stages[stage] = count()
        model.eval()
        train_gpt2.validate(model, tokens, config, machine)
        model.train()
    found[name] = stages

def fail(*_):
    raise RuntimeError("no compiler")

ends = []
for backend in (fail, None):
    torch._dynamo.reset()
    torch.compile, machine.compile = functools.partial(compiler.func, backend=backend), backend is not None
    config = Config(65, 16, 2, 2, 32, "bytes", lr=1e-2, **recipe | dict(compile="auto"))
    model = train_gpt2.make_model(config)
    replica, config = train_gpt2.make_replica(model, tokens, config, machine)
    optimizer = train_gpt2.make_optimizer(model, config, machine)
    for step in range(3):
        train_gpt2.take_step(model, replica, optimizer, tokens, config, step, machine)
    ends.append(torch.cat([weight.detach().flatten() for weight in model.parameters()]))
found["fallback is the same"] = torch.equal(*ends)
if machine.rank == 0:
    with open("found.json", "w") as file:
        json.dump(found, file)
machine.shutdown()
os._exit(0)  # it holds a DDP: see Machine.shutdown
"""


@pytest.fixture(scope="module", params=[1, 2])
def found(request, tmp_path_factory):
    """The world size, and what the worker has counted with so many ranks."""
    folder = tmp_path_factory.mktemp(f"compiled-{request.param}")
    make_tokens(folder)
    code, out = run_ranks(folder, WORKER, request.param)
    assert code == 0, out
    return request.param, json.loads((folder / "found.json").read_text())


@pytest.mark.parametrize("options", ["plain", "dropout", "ranks"])
def test_the_probe_compiles_everything_and_no_graph_breaks(found, options):
    """No step, last micro-batch or evaluation compiles again. With DDP there is a graph for each bucket."""
    world, counted = found
    stages = counted[options]
    frames, graphs, breaks = stages["probe"]
    assert breaks == 0 and (graphs == 1 if world == 1 else graphs > 2)
    assert all(counts == [frames, graphs, 0] for counts in stages.values()), stages


def test_without_a_compiler_the_run_goes_on_as_if_it_had_never_been_tried(found):
    assert found[1]["fallback is the same"]
