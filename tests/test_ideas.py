"""Ideas: each changes what it says and nothing else, and only while it is applied."""

import math

import pytest
import torch
from test_data import as_shards
from test_muon import draw
from test_program import TINY, own_folder  # noqa: F401
from test_resume import same
from test_runs import read_events

import ablate
import ideas
import train_gpt2
from config import Config
from data import Shards
from machine import Machine

WORDS = [*TINY, *"--micro_batch 4 --optimizer muon --lr 0.01 --warmup_steps 2 --sample_every 0".split()]
SHAPE = dict(vocab_size=65, context=8, n_layer=2, n_head=2, n_embd=16, tokenizer="bytes", device="cpu")
OWNERS = train_gpt2, train_gpt2.GPT


@pytest.mark.parametrize("name", ["", *ideas.IDEAS])
def test_an_idea_replaces_what_it_says_while_it_is_applied(name):
    before = {(owner, key): value for owner in OWNERS for key, value in vars(owner).items()}

    def find_changes():
        return {(owner, key) for (owner, key), old in before.items() if vars(owner)[key] is not old}

    replaced = set(ideas.IDEAS[name]()) if name else set()
    with pytest.raises(KeyboardInterrupt), ideas.applied(name):
        assert find_changes() == replaced
        train_gpt2.main([*WORDS, "--steps", "2", "--eval_every", "1", "--out", "out"])
        raise KeyboardInterrupt
    assert not find_changes()


def test_the_study_has_every_idea():
    named = {recipe.partition(" + ")[2] for recipe in ablate.STUDIES["ideas"].values()}
    assert named == {"", *ideas.IDEAS}


# ---- Averages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["exponential_average", "tail_average"])
def test_only_the_validation_sees_an_average(name):
    words = [*WORDS, "--steps", "20", "--eval_every", "10"]
    seen = []

    def watch(step, loss, model):
        seen.append({key: value.double() for key, value in model.state_dict().items()})

    train_gpt2.main([*words, "--out", "plain"], [watch])
    with ideas.applied(name):
        train_gpt2.main([*words, "--out", "average"])
    assert same("plain/step_000020", "average/step_000020")
    plain, average = (
        [(e["step"], e["loss"]) for e in read_events(out) if e["event"] == "step"]
        for out in ("plain", "average")
    )
    assert plain == average
    model = train_gpt2.GPT.from_pretrained("plain/step_000020")
    _, held_out, _ = train_gpt2.open_data("data")
    config, found = Config(**SHAPE | dict(context=16, micro_batch=4, dtype="float32")), []
    for step in (10, 20):
        shares = [0.95 ** (step - n) for n in range(1, step + 1)]  # of the weights after each step
        if name == "tail_average":
            shares = [float(n == step if step < 20 else n > 18) for n in range(1, step + 1)]
        mean = {
            key: sum(share * weights[key] for share, weights in zip(shares, seen, strict=step == 20))
            / sum(shares)
            for key in seen[0]
        }
        model.load_state_dict(mean)
        found.append(train_gpt2.validate(model, held_out, config, Machine(config)))
    events = [event["loss"] for event in read_events("average") if event["event"] == "validation"]
    assert events == pytest.approx(found, abs=1e-5) and len(events) == 2
    raw = [event["loss"] for event in read_events("plain") if event["event"] == "validation"]
    assert abs(raw[-1] - events[-1]) > 1e-3  # or the average is none


# ---- The start, the optimizer ------------------------------------------------------------------------------


def make_model():
    return train_gpt2.GPT(Config(**SHAPE), torch.Generator().manual_seed(5))


def test_with_zero_projections_a_block_adds_nothing_and_all_else_is_as_before():
    plain = make_model().state_dict()
    with ideas.applied("zero_projections"):
        model = make_model()
    changed = {name for name, weight in model.state_dict().items() if not torch.equal(weight, plain[name])}
    assert changed == {f"h.{n}.{part}.c_proj.weight" for n in range(2) for part in ("attn", "mlp")}
    idx = torch.arange(8)[None]
    torch.testing.assert_close(model.hidden(idx), model.ln_f(model.wte(idx) + model.wpe.weight[:8]))


def take_steps(model, optimizer, lr):
    """Take five steps with gradients that do not depend on the weights; returns the weights after each."""
    path = []
    for number in range(5):
        for group in optimizer.param_groups:
            group["lr"] = lr
        for place, weight in enumerate(model.parameters()):
            weight.grad = draw(*weight.shape, seed=97 * number + place)
        optimizer.step()
        optimizer.zero_grad()
        path.append({name: weight.detach().clone() for name, weight in model.named_parameters()})
    return path


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_cautious_decay_spares_what_the_update_makes_larger(kind):
    lr, decay, ends = 0.02, 0.5, {}
    for name, settings in {"": dict(weight_decay=0.0), "cautious_decay": dict(weight_decay=decay)}.items():
        config = Config(**SHAPE, optimizer=kind, dtype="float32", **settings)
        with ideas.applied(name):
            model = make_model().double()
            start = {key: weight.detach().clone() for key, weight in model.named_parameters()}
            optimizer = train_gpt2.make_optimizer(model, config, Machine(config))
            ends[name] = take_steps(model, optimizer, lr)
            assert {group["weight_decay"] for group in optimizer.param_groups} == {0.0, *settings.values()}
    spared = 0
    for key, weight in start.items():
        before = weight
        for after in ends[""]:  # its steps are the updates alone
            update, before = before - after[key], after[key]
            towards = torch.where(weight > 0, update >= 0, update <= 0) if weight.dim() > 1 else 0.0
            weight = weight - update - lr * decay * weight * towards
            spared += (towards == 0).sum().item() if weight.dim() > 1 else 0
        torch.testing.assert_close(ends["cautious_decay"][-1][key], weight, atol=1e-12, rtol=0)
    assert spared > 100


def test_pytorch_s_muon_has_the_blocks_matrices_and_adamw_the_rest():
    config = Config(**SHAPE, optimizer="muon", dtype="float32", weight_decay=0.5)
    with ideas.applied("pytorch_muon"):
        model = make_model().double()
        optimizer = train_gpt2.make_optimizer(model, config, Machine(config))
        found = take_steps(model, optimizer, 0.02)[-1]
    plain = make_model().double()
    matrices = [weight for name, weight in plain.named_parameters() if ".c_" in name and weight.dim() > 1]
    others = [weight for name, weight in plain.named_parameters() if ".c_" not in name or weight.dim() == 1]
    assert len(matrices) == 8
    muon = torch.optim.Muon(matrices, lr=0.02, weight_decay=0.5, adjust_lr_fn="match_rms_adamw")
    groups = [dict(params=[w for w in others if (w.dim() > 1) == decays]) for decays in (True, False)]
    groups[1]["weight_decay"] = 0.0
    adamw = torch.optim.AdamW(groups, lr=0.02, weight_decay=0.5, betas=(0.9, 0.95), eps=1e-8)
    for optimizer in (muon, adamw):
        take_steps(plain, optimizer, 0.02)
    for name, weight in plain.named_parameters():
        torch.testing.assert_close(found[name], weight.detach(), atol=1e-9, rtol=0)


# ---- The batches -------------------------------------------------------------------------------------------


def all_rows(tokens, config):
    """The batches of all steps."""
    return [train_gpt2.get_batch(tokens, config, step, 0, 0, 1) for step in range(config.steps)]


def test_a_growing_batch_has_the_same_rows_in_other_portions():
    as_shards(torch.arange(4000) % 65)
    tokens = Shards("data", "train")
    config = Config(**SHAPE, steps=20, batch_tokens=64, micro_batch=8)
    plain = all_rows(tokens, config)
    with ideas.applied("growing_batch"):
        grown = all_rows(tokens, config)
    for part in (0, 1):
        assert torch.equal(torch.cat([b[part] for b in plain]), torch.cat([b[part] for b in grown]))
    sizes = [len(idx) for idx, _ in grown]
    assert (sizes[0], sizes[-1], sum(sizes)) == (4, 12, 160)
    assert all(abs(size - 8 * (0.5 + (step + 0.5) / 20)) <= 1 for step, size in enumerate(sizes))
    with ideas.applied("growing_batch"), pytest.raises(AssertionError, match="one forward pass"):
        train_gpt2.get_batch(tokens, Config(**SHAPE, batch_tokens=64, micro_batch=4), 0, 0, 0, 1)


def check_masks(tokens, config, eot):
    """masked_documents changes only targets that follow the end of a window's first document."""
    ((idx, plain),) = all_rows(tokens, config)
    with ideas.applied("masked_documents"):
        ((same_idx, targets),) = all_rows(tokens, config)
    assert torch.equal(idx, same_idx)
    for row, before, after in zip(idx.tolist(), plain.tolist(), targets.tolist(), strict=True):
        end = next((n for n, token in enumerate(row) if n and token == eot), len(row))
        assert after == before[:end] + [-100] * (len(row) - end)
    assert (targets == -100).any()


def test_windows_begin_with_documents_and_learn_from_one_only():
    T, eot, stream, expected = SHAPE["context"], 256, [], []
    lengths = [3, 30, 8, 7, 1, 17, 64, 0, 25, 40]
    documents = [[eot, *(length + n for n in range(length))] for length in lengths]
    for document in documents:
        stream += document
    begin = 0
    for document, after in zip(documents, [*documents[1:], []], strict=True):
        learned = document + after[:1]  # its end is learned
        for offset in range(0, len(document), T):
            place = begin + offset
            if place + T < len(stream):
                targets = learned[offset + 1 : offset + 1 + T]
                expected.append((stream[place : place + T], targets + [-100] * (T - len(targets))))
        begin += len(document)
    as_shards(stream)
    count = len(expected)
    config = Config(**SHAPE | dict(vocab_size=257), steps=1, batch_tokens=count * T, micro_batch=count)
    with ideas.applied("whole_documents"):
        ((idx, targets),) = all_rows(Shards("data", "train"), config)
    check_masks(Shards("data", "train"), config, eot)
    found = zip(idx.tolist(), targets.tolist(), strict=True)
    assert sorted(found) == sorted(expected)  # each window once
    assert math.isclose(sum(-100 in targets for _, targets in expected) / count, 10 / 30, abs_tol=0.2)
