import math
import shutil
from pathlib import Path

import pytest
import torch
import transformers
from processes import run_ranks, torchrun
from test_program import TINY, losses, own_folder  # noqa: F401
from test_ranks import WORKER, make_tokens
from test_resume import change_state, fails_in_step, same, weights

import train_gpt2
from config import Config
from errors import UserError
from machine import Machine
from muon import Muon, orthogonalize

SHAPE = dict(vocab_size=65, context=16, n_layer=2, n_head=2, n_embd=32, tokenizer="bytes")
WORDS = [*TINY, "--optimizer", "muon", "--lr", "0.01", "--warmup_steps", "2", "--eval_every", "4"]
WORDS += ["--sample_every", "0"]


def draw(*shape, dtype=torch.float64, seed=0):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def by_singular_values(matrix):
    """What orthogonalize does to one matrix, computed from its singular values."""
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    values = values / values.square().sum().sqrt()
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return left @ torch.diag(values) @ right


@pytest.mark.parametrize("shape", [(8, 8), (6, 24), (24, 6), (1, 5)])
def test_only_the_singular_values_change(shape):
    matrices = draw(3, *shape)
    for matrix, found in zip(matrices, orthogonalize(matrices), strict=True):
        torch.testing.assert_close(found, by_singular_values(matrix), atol=1e-6, rtol=0)
        values = torch.linalg.svdvals(found)
        assert 0.68 < values.min() and values.max() < 1.21


def test_zeros_stay_zeros():
    assert torch.equal(orthogonalize(torch.zeros(2, 3, 4)), torch.zeros(2, 3, 4))


def plain_muon(matrix, gradients, lr, decay):
    """The weight after some steps of Muon, one matrix at a time: an independent loop."""
    momentum = torch.zeros_like(matrix)
    for gradient in gradients:
        momentum = 0.95 * momentum + 0.05 * gradient
        update = by_singular_values(0.05 * gradient + 0.95 * momentum)
        matrix = matrix - lr * decay * matrix - lr * 0.2 * math.sqrt(max(matrix.shape)) * update
    return matrix


def test_the_steps_are_those_of_a_plain_loop_in_float64():
    shapes = {"three": (24, 8), "wide": (8, 32), "tall": (32, 8), "square": (8, 8), "table": (5, 8)}
    start = {name: draw(*shape, seed=number) for number, (name, shape) in enumerate(shapes.items())}
    tensors = {name: torch.nn.Parameter(value.clone()) for name, value in start.items()}
    gradients = [{name: draw(*shapes[name], seed=9 * n + len(name)) for name in shapes} for n in range(4)]
    one = [tensors[name] for name in ("wide", "tall", "square")]
    groups = [dict(params=[tensors["table"]]), dict(params=[tensors["three"]], parts=3)]
    groups += [dict(params=one, parts=1)]
    settings = dict(lr=0.02, weight_decay=0.5, betas=(0.9, 0.95), eps=1e-8)
    optimizer = Muon(groups, fused=True, **settings)
    for step in gradients:
        for name, tensor in tensors.items():
            tensor.grad = step[name].clone()
        optimizer.step()
        optimizer.zero_grad()
    for name in ("wide", "tall", "square"):
        expected = plain_muon(start[name], [step[name] for step in gradients], 0.02, 0.5)
        torch.testing.assert_close(tensors[name].detach(), expected, atol=1e-6, rtol=0)
    thirds = [
        plain_muon(part, [step["three"][8 * n : 8 * n + 8] for step in gradients], 0.02, 0.5)
        for n, part in enumerate(start["three"].split(8))
    ]
    torch.testing.assert_close(tensors["three"].detach(), torch.cat(thirds), atol=1e-6, rtol=0)
    table = torch.nn.Parameter(start["table"].clone())
    adamw = torch.optim.AdamW([table], **settings)
    for step in gradients:
        table.grad = step["table"].clone()
        adamw.step()
    torch.testing.assert_close(tensors["table"], table, atol=1e-12, rtol=0)


def test_pytorch_s_muon_takes_the_same_steps_in_bfloat16():
    ours, theirs = (torch.nn.Parameter(draw(16, 64, dtype=torch.float32)) for _ in range(2))
    start = ours.detach().clone()
    mine = Muon([dict(params=[ours], parts=1)], bfloat16=True, lr=0.02, weight_decay=0.1)
    other = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for seed in range(3):
        ours.grad, theirs.grad = (draw(16, 64, dtype=torch.float32, seed=seed) for _ in range(2))
        mine.step()
        other.step()
    assert (ours - theirs).norm() < 0.02 * (theirs - start).norm()


def test_muon_has_the_matrices_of_the_blocks_and_adamw_all_else():
    with torch.device("meta"):
        model = train_gpt2.GPT(Config())
    config = Config(optimizer="muon", device="cpu")
    groups = train_gpt2.make_optimizer(model, config, Machine(config)).param_groups
    names = {weight: name for name, weight in model.named_parameters()}
    found = {(group["parts"], group["weight_decay"]): group["params"] for group in groups}
    every = [weight for group in groups for weight in group["params"]]
    assert sorted(map(id, every)) == sorted(map(id, names)) and len(groups) == 4
    assert [names[weight] for weight in found[0, 0.1]] == ["wte.weight", "wpe.weight"]
    assert all(weight.dim() == 1 for weight in found[0, 0.0])
    assert {names[weight].split(".", 2)[2] for weight in found[3, 0.1]} == {"attn.c_attn.weight"}
    assert len(found[3, 0.1]) == 12 and len(found[1, 0.1]) == 36


def test_a_scaler_that_finds_infinity_skips_the_whole_step():
    config = Config(optimizer="muon", device="cpu", dtype="float32", **SHAPE)
    model = train_gpt2.GPT(config)
    optimizer = train_gpt2.make_optimizer(model, config, Machine(config))
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    model.wpe.weight.grad[0, 0] = torch.inf
    before = [weight.detach().clone() for weight in model.parameters()]
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(torch.ones(()))
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    assert all(map(torch.equal, model.parameters(), before))


def test_a_muon_run_learns_and_transformers_opens_it(capsys):
    train_gpt2.main([*WORDS, "--steps", "30", "--out", "out"])
    told = losses(capsys.readouterr().out)
    assert told[-1] < told[0] - 1
    theirs = transformers.AutoModelForCausalLM.from_pretrained("out/step_000030")
    idx = torch.randint(257, (2, 16), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits, _ = train_gpt2.GPT.from_pretrained("out/step_000030")(idx)
        torch.testing.assert_close(theirs(idx).logits, logits, atol=1e-4, rtol=1e-4)


def test_a_resumed_muon_run_is_bitwise_the_same():
    words = [*WORDS, "--steps", "10", "--save_every", "3"]
    train_gpt2.main([*words, "--out", "whole"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_gpt2, "learning_rate", fails_in_step(7))
        with pytest.raises(KeyboardInterrupt):
            train_gpt2.main([*words, "--out", "torn"])
    train_gpt2.main([*words, "--out", "torn", "--resume"])
    assert same("whole/step_000010", "torn/step_000010")
    state = torch.load("whole/step_000010/train_state.pt")["optimizer"]["state"]
    assert sum("momentum" in values for values in state.values()) == 4  # the matrices of one block


def find_momentum(state):
    return next(values for values in state["optimizer"]["state"].values() if "momentum" in values)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda state: find_momentum(state).pop("momentum"), "KeyError: 'momentum'"),
        (lambda state: find_momentum(state).update(momentum=torch.zeros(1)), r"momentum \d+ is .* \(1,\)"),
        (lambda state: find_momentum(state)["momentum"].fill_(math.nan), r"momentum \d+ is damaged"),
    ],
)
def test_a_momentum_that_does_not_fit_is_refused(change, reason):
    words = [*WORDS, "--steps", "3", "--out", "out"]
    train_gpt2.main([*words, "--save_every", "2"])
    change_state(Path("out/step_000003"), change)
    with pytest.raises(UserError, match=f"the optimizer state of step 3 does not fit: .*{reason}"):
        train_gpt2.main([*words, "--resume"])


def test_the_optimizer_of_a_run_cannot_change():
    train_gpt2.main([*WORDS, "--steps", "2", "--out", "out"])
    with pytest.raises(UserError, match="--optimizer adamw, but out was started with muon .leave the flag"):
        train_gpt2.main([*WORDS, "--steps", "2", "--out", "out", "--resume", "--optimizer", "adamw"])


# ---- Ranks -------------------------------------------------------------------------------------------------

MUON_WORKER = WORKER.replace("Config(65, 16, 2,", "Config(65, 16, 3,").replace(
    "lr=1e-2", "lr=1e-2, optimizer='muon'"
)
DYING_WORKER = """
import os
import sys
import train_gpt2

original, dies = train_gpt2.learning_rate, sys.argv.pop(1) == "dies"

def learning_rate(step, config):
    if dies and step == 7:
        os._exit(9)
    return original(step, config)

train_gpt2.learning_rate = learning_rate
train_gpt2.main(sys.argv[1:])
"""


def test_two_and_four_ranks_take_the_steps_of_one(tmp_path):
    found = {}
    for world in (1, 2, 4):  # 12 square and 6 wide matrices: the last of four ranks has no wide one
        folder = tmp_path / str(world)
        folder.mkdir()
        make_tokens(folder)
        code, out = run_ranks(folder, MUON_WORKER, world)
        assert code == 0, out
        found[world] = [torch.load(folder / f"rank{rank}.pt")["weights"] for rank in range(world)]
    for world in (2, 4):
        assert all(torch.equal(found[world][0], other) for other in found[world][1:])
        torch.testing.assert_close(found[world][0], found[1][0], atol=1e-3, rtol=0)


def test_ranks_that_die_resume_bitwise_and_in_any_number(tmp_path):
    words = [*WORDS, "--dtype", "bfloat16", "--steps", "10", "--save_every", "3", "--resume"]
    code, out = torchrun(tmp_path, DYING_WORKER, 2, "lives", *words, "--out", "whole")
    assert code == 0, out
    code, _ = torchrun(tmp_path, DYING_WORKER, 2, "dies", *words, "--out", "torn")
    assert code != 0 and Path("torn/step_000006").exists()
    shutil.copytree("torn", "alone")
    code, out = torchrun(tmp_path, DYING_WORKER, 2, "lives", *words, "--out", "torn")
    assert code == 0 and "continued after step 6" in out, out
    assert same("whole/step_000010", "torn/step_000010")
    train_gpt2.main([*words, "--out", "alone"])
    alone, whole = weights("alone/step_000010"), weights("whole/step_000010")
    assert all((alone[name] - whole[name]).abs().max() < 2e-3 for name in whole)
