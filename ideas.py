"""Ideas that others published, each tried on a run from outside: train_gpt2.py does not know them.

    python ablate.py ideas               measure them over seeds; lectures/LOG.md says what came out

An idea is a function that returns what it replaces for the duration of a run: {(owner, name): new value}.
What it remembers is in no checkpoint, so that a run with an idea cannot be resumed. It is for one process.
"""

import contextlib
import functools
from dataclasses import replace
from unittest import mock

import numpy as np
import torch

import train_gpt2
from data import get_tokenizer

# ---- Averages of the weights: training stays as it is, and the validation sees the average -----------------


def average(share):
    """Validate a running mean of the weights. After each step it moves by share(step, config) to them."""
    take_step, validate, means = train_gpt2.take_step, train_gpt2.validate, {}

    def take_and_average(model, replica, optimizer, tokens, config, step, machine):
        result = take_step(model, replica, optimizer, tokens, config, step, machine)
        for weight in model.parameters():
            mean = means.setdefault(weight, torch.zeros_like(weight))
            mean.lerp_(weight.detach(), share(step + 1, config))
        return result

    @torch.no_grad()
    def validate_average(model, *others):
        weights = {weight: weight.clone() for weight in means}
        for weight, mean in means.items():
            weight.copy_(mean)
        loss = validate(model, *others)
        for weight, value in weights.items():
            weight.copy_(value)
        return loss

    return {(train_gpt2, "take_step"): take_and_average, (train_gpt2, "validate"): validate_average}


def exponential_average():
    """Weights that are n steps old count 0.95^n. Polyak & Juditsky 1992; Busbridge et al. 2023, section 2."""
    return average(lambda step, config: 0.05 / (1 - 0.95**step))  # the first steps: no zeros in the mean


def tail_average():
    """The plain mean of the weights in the last tenth of the steps (Izmailov et al. 2018, section 3.2)."""
    return average(lambda step, config: 1 / max(1, step - config.steps * 9 // 10))


# ---- The start ---------------------------------------------------------------------------------------------


def zero_projections():
    """Begin with both c_proj of a block at zero: it adds nothing (Zhang et al. 2019, "Fixup", section 3)."""
    init_weights = train_gpt2.GPT.init_weights

    @torch.no_grad()
    def init_and_zero(model, generator=None):
        init_weights(model, generator)
        for block in model.h:
            block.attn.c_proj.weight.zero_()
            block.mlp.c_proj.weight.zero_()

    return {(train_gpt2.GPT, "init_weights"): init_and_zero}


# ---- The optimizer -----------------------------------------------------------------------------------------


def replace_step(make_step):
    """Give the optimizer of a run another step, make_step(optimizer, the step it has)."""
    make_optimizer = train_gpt2.make_optimizer

    def make(model, config, machine):
        optimizer = make_optimizer(model, config, machine)
        optimizer.step = torch.no_grad()(make_step(optimizer, optimizer.step))
        return optimizer

    return {(train_gpt2, "make_optimizer"): make}


def cautious_decay():
    """Do not decay numbers that the update moves away from zero (Chen et al. 2025, arXiv 2510.12402)."""

    def make_step(optimizer, step):
        def step_and_decay():
            groups = [group for group in optimizer.param_groups if group["weight_decay"]]
            before = [[weight.clone() for weight in group["params"]] for group in groups]
            decays = [group["weight_decay"] for group in groups]
            for group in groups:
                group["weight_decay"] = 0.0
            step()
            for group, decay, olds in zip(groups, decays, before, strict=True):
                group["weight_decay"] = decay
                for weight, old in zip(group["params"], olds, strict=True):
                    agree = (old - weight) * old >= 0
                    weight.sub_(old * agree, alpha=group["lr"] * decay)

        return step_and_decay

    return replace_step(make_step)


def pytorch_muon():
    """Muon as PyTorch has it: a matrix at a time, and c_attn's query, key and value as a single matrix."""

    def make_step(optimizer, step):
        groups = [group for group in optimizer.param_groups if group["parts"]]
        settings = dict(lr=0.0, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")  # rate and decay: below
        theirs = torch.optim.Muon([dict(params=group["params"]) for group in groups], **settings)

        def step_both():
            for group, other in zip(groups, theirs.param_groups, strict=True):
                other.update(lr=group["lr"], weight_decay=group["weight_decay"])
            theirs.step()
            theirs.zero_grad()  # so that our step has only AdamW's part left
            torch.optim.AdamW.step(optimizer)

        return step_both

    return replace_step(make_step)


# ---- The batches -------------------------------------------------------------------------------------------


def growing_batch():
    """Grow the batch in a line from 1/2 to 3/2 of --batch_tokens (Brown et al. 2020, appendix B, grew it).

    The run has as many steps and as many tokens as without. A step is one forward pass.
    """
    get_batch, first_row = train_gpt2.get_batch, train_gpt2.first_row

    def rows_before(config, step):
        rows = config.batch_tokens // config.context
        return round(rows * (step + step**2 / config.steps) / 2)

    def get_grown_batch(tokens, config, step, micro, rank, world):
        assert train_gpt2.micro_steps(config, world) == world == 1, "one forward pass per step"
        size = rows_before(config, step + 1) - rows_before(config, step)
        return get_batch(tokens, replace(config, micro_batch=size), step, micro, rank, world)

    def find_first_row(config, step, *others):
        return rows_before(config, step) + first_row(config, 0, *others)

    return {(train_gpt2, "get_batch"): get_grown_batch, (train_gpt2, "first_row"): find_first_row}


class Aligned:
    """Tokens whose windows of T + 1 begin where documents begin, and every T tokens after that."""

    def __init__(self, tokens, T, eot):
        self.tokens, self.T, begins = tokens, T, [0]
        for start in range(0, len(tokens), 2**20):
            part = tokens.read(start, min(2**20, len(tokens) - start))
            begins += [start + place for place in np.flatnonzero(part == eot)]
        windows = [np.arange(*ends, T) for ends in zip(begins, [*begins[1:], len(tokens)], strict=True)]
        windows = np.concatenate(windows)
        self.windows = windows[windows + T < len(tokens)].tolist()

    def __len__(self):
        return len(self.windows) * self.T + 1

    def read(self, start, count):
        return self.tokens.read(self.windows[start // self.T], count)


def separate(align):
    """Do not learn in the rest of a window what another document says; align(tokens, T, eot) cuts windows."""
    get_batch = train_gpt2.get_batch

    def get_separate_batch(tokens, config, *others):
        eot = get_tokenizer(config.tokenizer).eot_token
        idx, targets = get_batch(align(tokens, config.context, eot), config, *others)
        other = (idx[:, 1:] == eot).cumsum(dim=1) > 0  # after a document's end, which is a target itself
        targets = targets.clone()
        targets[:, 1:][other] = -100
        return idx, targets

    return {(train_gpt2, "get_batch"): get_separate_batch}


def masked_documents():
    """Leave windows where they are, and learn from the first document in each.

    A mask in attention would let the rest be learned, too (Grattafiori et al. 2024, Llama 3, section 3.2).
    """
    return separate(lambda tokens, T, eot: tokens)


def whole_documents():
    """Begin windows with documents as well, like modded-nanogpt (pull request 108)."""
    return separate(functools.lru_cache(maxsize=1)(Aligned))


# ---- How to use them ---------------------------------------------------------------------------------------

IDEAS = {
    idea.__name__: idea
    for idea in (
        exponential_average,
        tail_average,
        zero_projections,
        cautious_decay,
        pytorch_muon,
        growing_batch,
        masked_documents,
        whole_documents,
    )
}


@contextlib.contextmanager
def applied(name):
    """Change how train_gpt2 works while the context lasts. name is one of IDEAS; "" changes nothing."""
    with contextlib.ExitStack() as stack:
        for (owner, attribute), value in (IDEAS[name]() if name else {}).items():
            stack.enter_context(mock.patch.object(owner, attribute, value))
        yield
