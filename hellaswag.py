"""HellaSwag: which of four endings continues a context? (Zellers et al. 2019)

    python hellaswag.py --model gpt2     OpenAI's GPT-2 (124M): 29.55 % of 10,042 examples

A language model predicts the ending with the lowest mean loss per token. A random guess is right in 25 % of
the examples. They come from the hub (Rowan/hellaswag), or with --data from a file with one JSON object per
line: ctx, endings and label.
"""

import contextlib
import copy
import functools
import math
import os
import re
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from config import whole_number
from data import find_tokenizer
from errors import UserError, one_line, run_program, warn
from files import parse_values, read_json_lines, refuse_missing_folder
from machine import Machine
from progress import show_progress
from runs import newest_whole

REVISION = "218ec52e09a7e7462a5400043bb9a69a41d06b76"  # of Rowan/hellaswag
PASSES = 4  # at most so many for the endings of a batch: a row is padded to the longest of its pass
Text = Annotated[str, Field(min_length=1)]


def to_number(label):
    """Return a label of the hub, where it is a string, as a number."""
    return int(label) if isinstance(label, str) and re.fullmatch("[0-9]{1,9}", label) else label


@dataclass
class Row:
    """A row of HellaSwag: a context, its endings, and the number of the right one."""

    ctx: Text
    endings: Annotated[list[Text], Field(min_length=2)]
    label: Annotated[int, Field(ge=0, strict=True), BeforeValidator(to_number)]

    def __post_init__(self):
        if self.label >= len(self.endings):
            raise ValueError(f"label {self.label}, but {len(self.endings)} endings")


def load_rows(path=None):
    """Load the rows of a file, or of the hub's validation split. Raises UserError."""
    try:
        if path:
            rows = list(read_json_lines(Path(path), Row))
        else:
            from datasets import load_dataset

            found = load_dataset("Rowan/hellaswag", split="validation", revision=REVISION)
            rows = [parse_values(row, Row) for row in found]
            if len(rows) != 10_042:
                raise ValueError(f"{len(rows)} rows instead of 10,042")
        if not rows:
            raise ValueError("it is empty")
        return rows
    except Exception as error:  # no network, no file, no such fields: each library has errors of its own
        fix = "connect to the network once; hellaswag.py --data takes lines of JSON with ctx, endings, label"
        raise UserError(f"cannot read {path or 'Rowan/hellaswag'}: {one_line(error)} ({fix})") from error


class Example:
    """A row as tokens: for each ending, context and ending, and how many of these tokens are the ending's.

    encode turns text into a list of tokens. What is longer than the model's context loses its beginning.
    The first `shared` tokens are the same in all rows, and predict none of an ending.
    """

    def __init__(self, row, encode, context):
        if context < 2:
            raise UserError("HellaSwag needs a model with a --context of 2 tokens or more")
        start = encode(row.ctx)
        endings = [encode(" " + ending) for ending in row.endings]
        self.rows = [(start + ending)[-context:] for ending in endings]
        self.scored = [min(len(ending), len(row) - 1) for ending, row in zip(endings, self.rows, strict=True)]
        before = [len(row) - 1 - count for row, count in zip(self.rows, self.scored, strict=True)]
        self.shared = min(len(os.path.commonprefix(self.rows)), *before)
        self.label = row.label
        self.length = max(map(len, self.rows))


@contextlib.contextmanager
def only_at(model, positions):
    """Make a model compute logits at some positions only, bool (B, T); their shape is (count, V)."""
    head = model.lm_head if hasattr(model, "lm_head") else model.get_output_embeddings()
    hook = head.register_forward_pre_hook(lambda _, inputs: (inputs[0][positions],))
    try:
        yield
    finally:
        hook.remove()


def compute_once(model, contexts):
    """Compute contexts, int64 (B, S); return a function of what follows them. None if the model has no cache.

    follow(owners, size) returns with which arguments a model computes rows of `size` more tokens, of which
    row r follows the context owners[r].
    """
    shared = contexts.shape[1]
    if hasattr(model, "make_cache"):  # ours
        known = model.make_cache(len(contexts), shared)
        model.hidden(contexts, known)

        def follow(owners, size):
            cache = model.make_cache(len(owners), shared + size)
            cache[..., :shared, :] = known[:, :, owners]
            return dict(cache=cache, start=shared)

        return follow
    with only_at(model, torch.zeros_like(contexts, dtype=torch.bool)):
        known = getattr(model(contexts, use_cache=True), "past_key_values", None)

    def follow(owners, size):
        cache = copy.deepcopy(known)  # it is changed in place
        cache.batch_select_indices(owners)
        return dict(past_key_values=cache)

    return follow if hasattr(known, "batch_select_indices") else None


def compute_means(model, rows, follow, machine):
    """Return the mean loss, in nats, of the last tokens of each row: (owner, tokens, how many of them)."""
    owners, tokens, scored = zip(*rows, strict=True)
    idx = torch.zeros(len(rows), max(map(len, tokens)) - 1, dtype=torch.int64)  # (B, T), padded at the end
    positions = torch.zeros(idx.shape, dtype=torch.bool)  # that predict a token of an ending
    for b, (row, count) in enumerate(zip(tokens, scored, strict=True)):
        idx[b, : len(row) - 1] = torch.tensor(row[:-1])  # the last token predicts nothing
        positions[b, len(row) - 1 - count : len(row) - 1] = True
    targets = [token for row, count in zip(tokens, scored, strict=True) for token in row[len(row) - count :]]
    targets = torch.tensor(targets, device=machine.device)
    known = follow(torch.tensor(owners, device=machine.device), idx.shape[1]) if follow else {}
    with only_at(model, positions.to(machine.device)):
        logits = model(idx.to(machine.device), **known)[0]
    losses = F.cross_entropy(logits.float(), targets, reduction="none").cpu()
    return torch.stack([part.mean() for part in losses.split(scored)])


def plan_passes(lengths):
    """Return how many rows each pass takes, for the least padding; the lengths of the rows are sorted."""
    ends = [end for end in range(1, len(lengths) + 1) if lengths[end - 1 : end] != lengths[end : end + 1]]
    best = {0: (0, [])}  # for the first so many rows: the tokens that are computed, the sizes of the passes
    for _ in range(PASSES):
        best |= {
            end: min(
                (tokens + (end - first) * lengths[end - 1], [*sizes, end - first])
                for first, (tokens, sizes) in best.items()
                if first < end
            )
            for end in ends
        }
    return best[len(lengths)][1]


def predict(model, examples, machine):
    """Return the number of the ending with the lowest mean loss per token, for each example.

    As many tokens as all the examples share are computed once, and then the endings in a few passes. The
    number is -1 where a loss is not a number.
    """
    shared = min(example.shared for example in examples)
    contexts = torch.tensor([example.rows[0][:shared] for example in examples], device=machine.device)
    with machine.autocast():
        follow = compute_once(model, contexts) if shared else None
        rows = [
            (owner, row[shared if follow else 0 :], count)
            for owner, example in enumerate(examples)
            for row, count in zip(example.rows, example.scored, strict=True)
        ]
        means = torch.empty(len(rows))
        order = sorted(range(len(rows)), key=lambda number: len(rows[number][1]))
        sizes = plan_passes([len(rows[number][1]) for number in order])
        for part in torch.tensor(order).split(sizes):
            means[part] = compute_means(model, [rows[number] for number in part], follow, machine)
    groups = means.split([len(example.rows) for example in examples])
    return [int(group.argmin()) if group.isfinite().all() else -1 for group in groups]


@torch.no_grad()
def evaluate(model, examples, machine, batch=8):
    """Return the share of right predictions over all ranks' examples; None if asked to stop.

    `batch` examples with contexts of about the same length share the forward passes.
    """
    ordered = sorted(examples, key=lambda example: (example.shared, example.length))
    batches = [ordered[first : first + batch] for first in range(0, len(ordered), batch)]
    batches.sort(key=lambda group: -max(example.length for example in group))  # most memory first
    right = 0
    for group in show_progress(batches[machine.rank :: machine.world], "HellaSwag"):
        predictions = predict(model, group, machine)
        right += sum(guess == example.label for guess, example in zip(predictions, group, strict=True))
        if machine.stopping:
            break
    right, stopping = machine.sum(right, machine.stopping)
    return None if stopping else right / len(examples)


def load_for(model, machine):
    """Load the hub's examples for a GPT of ours, on every rank; without them return None, with a warning."""

    def load():
        try:
            encode = find_tokenizer(model.config.tokenizer, model.config.vocab_size).encode_ordinary
            return [Example(row, encode, model.config.context) for row in load_rows()]
        except UserError as error:
            warn(f"no HellaSwag in this run (--hellaswag_every 0): {error}")

    return machine.from_rank_0(load)


def load_model(name):
    """Load a causal language model by its folder or its name on the hub, and the encode of its tokenizer."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    name = newest_whole(name, str) or name  # of a run
    refuse_missing_folder(name)
    try:
        layers = getattr(AutoConfig.from_pretrained(name), "num_hidden_layers", None) or 0
        if layers > 1000:  # it would make them before it looks at the weights
            raise ValueError(f"its config.json has {layers} layers")
        more = dict(dtype=torch.float32, output_loading_info=True)
        model, info = AutoModelForCausalLM.from_pretrained(name, **more)
        if absent := sorted(info["missing_keys"]) + sorted(info["mismatched_keys"]):
            raise ValueError(f"its weights do not fit its config.json: {len(absent)} tensors, {absent[0]}")
        tokenizer = getattr(model.config, "tokenizer", None)  # ours, if the model says which
        if tokenizer in ("gpt2", "bytes"):
            return model, find_tokenizer(tokenizer, model.config.vocab_size).encode_ordinary
        encode = functools.partial(AutoTokenizer.from_pretrained(name).encode, add_special_tokens=False)
        if not encode("a test"):
            raise ValueError("its tokenizer is empty")
        return model, encode
    except Exception as error:  # no network, no such name, torn files: each library has errors of its own
        fix = "use a folder with a model and its tokenizer, or a name on the hub"
        raise UserError(f"cannot load {name}: {one_line(error)} ({fix})") from error


def main(arguments=None):
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--model", default="gpt2", help="a folder, or a name on the hub (default: gpt2)")
    parser.add_argument("--data", help="a file of rows (default: the hub's)")
    number = whole_number(1, 10**6)
    parser.add_argument("--limit", type=number, help="score the first so many rows (default: all)")
    parser.add_argument("--batch", type=number, default=8, help="examples per forward pass (default: 8)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, mps, ... (default: the accelerator)")
    dtypes = ("auto", "float32", "bfloat16", "float16")
    parser.add_argument("--dtype", default="float32", choices=dtypes, help="(default: float32)")
    parser.set_defaults(compile="false", deterministic=False)
    options = parser.parse_args(arguments)
    machine = Machine(options)
    rows = load_rows(options.data)[: options.limit]
    model, encode = load_model(options.model)
    context = getattr(model.config, "max_position_embeddings", 1024)
    examples = [Example(row, encode, context) for row in rows]
    size = len(model.get_input_embeddings().weight)
    if any(token >= size for example in examples for row in example.rows for token in row):
        raise UserError(f"the tokenizer of {options.model} has more tokens than its model (use another one)")
    accuracy = evaluate(model.to(machine.device), examples, machine, options.batch)
    error = math.sqrt(accuracy * (1 - accuracy) / len(examples))  # of a share, were other examples drawn
    score = f"{100 * accuracy:.2f} % of {len(examples):,} examples, standard error {100 * error:.2f} %"
    print(f"{options.model}: {score}, on {machine}")
    machine.shutdown()


if __name__ == "__main__":
    run_program(main)
