import re
import sys
import time

import pytest
import torch
from processes import ROOT, descendants, run_ranks, start, torchrun, wait_for_end
from test_data import as_shards
from test_program import TINY, make_data

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="not tested on Windows")

WORKER = """
import os
import torch
import train_gpt2
from torch.nn.parallel import DistributedDataParallel
from pathlib import Path
from data import Shards
from runs import Run
META = dict(tokenizer="bytes")
from config import Config
from machine import Machine
from train_gpt2 import accumulate_gradients, make_model, train

recipe = dict(device="cpu", dtype="float32", batch_tokens=256, micro_batch=2, steps=5, lr=1e-2)
recipe |= dict(val_tokens=1000, sample_every=0, hellaswag_every=0, save_every=0, dropout=0.1)
config = Config(65, 16, 2, 2, 32, "bytes", **recipe)
machine = Machine(config)
tokens = Shards("data", "train")
model = make_model(config)
replica, decisions = model, []
if machine.world > 1:
    replica = DistributedDataParallel(model)
    model.register_forward_pre_hook(lambda *_: decisions.append(replica.require_backward_grad_sync))
loss, stopping = accumulate_gradients(replica, tokens, config, 0, machine)
gradient = torch.cat([weight.grad.flatten() for weight in model.parameters()])
decided = list(decisions)
model.zero_grad()
run = Run(Path("out"), config, machine, 1)
train(model, (tokens, tokens, META), config, machine, run)
weights = torch.cat([weight.detach().flatten() for weight in model.parameters()])
val = train_gpt2.validate(make_model(config).eval(), tokens, config, machine)
results = dict(val=val, loss=loss, gradient=gradient, weights=weights, decisions=decided)
torch.save(results, f"rank{machine.rank}.pt")
machine.shutdown()
os._exit(0)  # it holds a DDP: see Machine.shutdown
"""
COMPILING_WORKER = """
import functools
import torch
from pathlib import Path
from data import Shards
from runs import Run
META = dict(tokenizer="bytes")
from config import Config
from machine import Machine
from train_gpt2 import make_model, train

recipe = dict(device="cpu", dtype="float32", batch_tokens=256, micro_batch=2, steps=3, lr=1e-2)
recipe |= dict(eval_every=0, sample_every=0, hellaswag_every=0, save_every=0)
tokens = Shards("data", "train")
torch.compile = functools.partial(torch.compile, backend="aot_eager")
weights = []
for choice in ("true", "false"):
    config = Config(65, 16, 2, 2, 32, "bytes", compile=choice, **recipe)
    machine = Machine(config) if choice == "true" else machine
    machine.compile = choice == "true"
    model = make_model(config)
    run = Run(Path("out"), config, machine, 1)
    train(model, (tokens, tokens, META), config, machine, run)
    weights.append(torch.cat([weight.detach().flatten() for weight in model.parameters()]))
torch.testing.assert_close(*weights, atol=1e-4, rtol=1e-4)
machine.shutdown()
"""
SHORT_WORKER = """
import os
import torch
import train_gpt2
from data import Shards
from config import Config
from machine import Machine
from train_gpt2 import make_model

original, rows = train_gpt2.add_gradient, []

def add_gradient(model, tokens, config, step, micro, machine):
    if machine.rank == 1 and config.micro_batch > 2:
        raise torch.OutOfMemoryError("CUDA out of memory.")
    return original(model, tokens, config, step, micro, machine)

train_gpt2.add_gradient = add_gradient
torch.compile = lambda model, dynamic: model
recipe = dict(device="cpu", dtype="float32", batch_tokens=256, micro_batch=8, compile="true")
config = Config(65, 16, 2, 2, 32, "bytes", **recipe)
machine = Machine(config)
replica, config = train_gpt2.make_replica(make_model(config), Shards("data", "train"), config, machine)
print(f"rank {machine.rank} takes {config.micro_batch}.", flush=True)
machine.shutdown()
os._exit(0)  # it holds a DDP: see Machine.shutdown
"""
DYING_WORKER = """
import os
import torch
import train_gpt2
from pathlib import Path
from data import Shards
from runs import Run
META = dict(tokenizer="bytes")
from config import Config
from machine import Machine
from train_gpt2 import accumulate_gradients, make_model, train

def die_in_step_2(model, tokens, config, step, machine):
    if machine.rank == 1 and step == 2:
        os._exit(3)
    return accumulate_gradients(model, tokens, config, step, machine)

train_gpt2.accumulate_gradients = die_in_step_2
recipe = dict(device="cpu", dtype="float32", batch_tokens=256, micro_batch=2, steps=50)
recipe |= dict(eval_every=0, sample_every=0, hellaswag_every=0, save_every=0)
config = Config(65, 16, 2, 2, 32, "bytes", **recipe)
machine = Machine(config)
run = Run(Path("out"), config, machine, 1)
train(make_model(config), (Shards("data", "train"), None, META), config, machine, run)
"""

FAILING_WORKER = """
import os
import sys
import hellaswag
import train_gpt2
from errors import run_program

where, failing = sys.argv.pop(1), int(sys.argv.pop(1))
module = dict(predict=hellaswag, save_pretrained=train_gpt2.GPT).get(where, train_gpt2)
original, calls = getattr(module, where), []

def fail(*arguments, **options):
    calls.append(1)
    if os.environ["RANK"] == str(failing) and len(calls) == (1 if where == "prepare" else 2):
        raise RuntimeError("a bug of one rank")
    return original(*arguments, **options)

setattr(module, where, fail)
hellaswag.load_rows = lambda: [hellaswag.Row("a b", ["c", "d e", "f", "g"], 1)] * 100
run_program(train_gpt2.main)
"""
OTHER_WORKER = """
import os
import sys
import train_gpt2
from errors import run_program

sys.argv += ["--steps", "5", "--shard"] if os.environ["RANK"] == "1" else ["--steps", "4"]
run_program(train_gpt2.main)
"""
LEAVING_WORKER = """
import gc
import train_gpt2
from errors import run_program
from pathlib import Path

def main():
    gc.disable()
    train_gpt2.main()
    threads = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]  # on Linux
    assert not any("gloo" in name for name in threads), threads

run_program(main)
"""


def make_tokens(folder):
    """Write shards of random tokens into folder/data."""
    tokens = torch.randint(65, (5000,), generator=torch.Generator().manual_seed(0))
    as_shards(tokens, 1500, folder / "data")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """What the worker leaves on 1 rank and on 2 ranks: a list with one dictionary a rank."""
    results = {}
    for world in (1, 2):
        folder = tmp_path_factory.mktemp(f"{world}-ranks")
        make_tokens(folder)
        code, out = run_ranks(folder, WORKER, world)
        assert code == 0, out
        results[world] = [torch.load(folder / f"rank{rank}.pt") for rank in range(world)]
    return results


def test_two_ranks_have_the_gradient_of_one_with_twice_the_accumulation(runs):
    expected = runs[1][0]["gradient"]
    for rank in runs[2]:
        assert (rank["gradient"] - expected).norm() < 1e-6 * expected.norm()


def test_the_loss_is_the_mean_over_the_ranks(runs):
    for rank in runs[2]:
        assert rank["loss"].item() == pytest.approx(runs[1][0]["loss"].item(), rel=1e-6)


def test_the_validation_loss_does_not_depend_on_the_ranks(runs):
    for rank in runs[2]:
        assert rank["val"] == pytest.approx(runs[1][0]["val"], rel=1e-6)


def test_replicas_are_bitwise_equal_after_five_steps(runs):
    assert torch.equal(runs[2][0]["weights"], runs[2][1]["weights"])
    torch.testing.assert_close(runs[2][0]["weights"], runs[1][0]["weights"], atol=1e-3, rtol=0)


def test_before_each_forward_pass_it_is_decided_that_only_the_last_micro_batch_averages(runs):
    for rank in runs[2]:  # 256 tokens = 4 micro-batches x 2 ranks x 2 x 16
        assert rank["decisions"] == [False, False, False, True]


def test_compiled_replicas_have_the_same_losses(tmp_path):
    make_tokens(tmp_path)
    code, out = run_ranks(tmp_path, COMPILING_WORKER, 2)
    assert code == 0, out


def test_a_rank_with_other_flags_is_refused(tmp_path):
    make_data(tmp_path)
    code, out = run_ranks(tmp_path, OTHER_WORKER, 2, *TINY, "--sample_every", "0")
    reason = "rank 1 has --shard true where rank 0 has false, --steps 5 where rank 0 has 4"
    assert code == 2 and out.count(f"error: {reason} (start all ranks with the same flags") == 1, out
    assert not list(tmp_path.glob("runs/*/log.jsonl"))


def test_all_ranks_take_the_micro_batch_that_fits_on_each(tmp_path):
    make_tokens(tmp_path)
    code, out = run_ranks(tmp_path, SHORT_WORKER, 2)
    assert code == 0 and sorted(re.findall(r"rank \d takes \d+\.", out)) == [
        "rank 0 takes 2.",
        "rank 1 takes 2.",
    ], out


def test_a_rank_that_dies_does_not_leave_the_others_hanging(tmp_path):
    make_tokens(tmp_path)
    code, out = torchrun(tmp_path, DYING_WORKER, 2)
    assert code != 0 and "step    2  loss" in out and "step    3" not in out, out


@pytest.mark.parametrize(
    "where, rank", [("prepare", 1), ("add_gradient", 1), ("predict", 1), ("save_pretrained", 0)]
)
def test_a_bug_of_one_rank_ends_all_of_them_at_once(where, rank, tmp_path):
    make_data(tmp_path)
    words = [*TINY, "--steps", "4", "--save_every", "1", "--eval_every", "1", "--hellaswag_every", "1"]
    words += ["--sample_every", "1", "--samples", "1", "--out", "out"]
    code, out = torchrun(tmp_path, FAILING_WORKER, 2, where, str(rank), *words)  # at most 120 seconds
    if where == "save_pretrained":  # a disk may be full: older checkpoints are kept, and the run goes on
        assert code == 0 and "warning: cannot save out/step_000002: RuntimeError: a bug of one rank" in out, (
            out
        )
    else:
        assert code == 1 and out.count("RuntimeError: a bug of one rank") == 1, out
        assert "closed by peer" not in out and "SIGKILL" not in out, out  # torchrun's last resort, after 30 s


LATE_WORKER = """
import os, sys, time

late, rank = sys.argv.pop(1) == "late", os.environ["RANK"]
if not late or rank == "0":
    import train_gpt2
    from errors import run_program
open("ready" + rank, "w").close()
while late and not os.path.exists("go"):
    time.sleep(0.01)
if not late or rank == "0":  # one that connects is enough
    run_program(train_gpt2.main)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")
@pytest.mark.parametrize("when", ["late", "training"])
def test_no_rank_outlives_torchrun(tmp_path, when):
    """It is killed while the ranks train, and before they have connected to each other."""
    make_data(tmp_path)
    (tmp_path / "worker.py").write_text(LATE_WORKER, encoding="utf-8")
    # Not QUICK: a fork keeps torchrun's store open, and PyTorch itself ends it with its parent.
    words = ["--standalone", "--nproc_per_node=2", "worker.py", when, *TINY, "--steps", "1000000"]
    options = dict(folder=tmp_path, output=tmp_path / "output.txt", PYTHONPATH=str(ROOT))
    with start("torch.distributed.run", *words, "--out", "out", **options) as process:
        while process.is_alive() and not all((tmp_path / f"ready{rank}").exists() for rank in (0, 1)):
            time.sleep(0.01)
        while when == "training" and process.is_alive() and "step    2" not in read(tmp_path):
            time.sleep(0.01)
        ranks = descendants(process.pid)
        assert process.is_alive() and len(ranks) >= 2, read(tmp_path)
    (tmp_path / "go").touch()
    wait_for_end(ranks)
    assert ("cannot connect to the other ranks" in read(tmp_path)) == (when == "late")


def read(folder):
    """What the ranks have printed."""
    return (folder / "output.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Run the program with torchrun on 2 ranks, each a new Python: its exit code and all output."""
    folder = tmp_path_factory.mktemp("whole")
    make_data(folder)
    return torchrun(folder, LEAVING_WORKER, 2, *TINY, "--steps", "3", "--samples", "1", options=[])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_no_thread_of_the_ranks_outlives_them(told):
    code, out = told
    assert code == 0, out


def test_only_rank_0_prints(told):
    code, out = told
    assert code == 0 and "on 2 x cpu" in out and "1 micro-batch of 2 x 16 on each rank\n" in out, out
    assert re.findall(r"step +(\d) +loss", out) == ["1", "2", "3"] and out.count("> Hello") == 1
