"""HellaSwag: which of four endings goes on with a context? (Zellers et al. 2019)

    python hellaswag.py --model gpt2     OpenAI's GPT-2 (124M): 29.55 % of 10,042 examples

A language model answers by completing: it takes the ending whose tokens it finds likeliest on average. A
guess is right in 25 %. The examples come from the hub (Rowan/hellaswag), or with --data from a file with a
JSON object on each line: ctx, endings and label.
"""

import contextlib
import functools
import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter

import torch
import torch.nn.functional as F
from tqdm import tqdm

from errors import UserError, one_line, run_program, warn
from fineweb import get_tokenizer
from machine import Machine


def load_examples(path=None):
    """The examples in a file, or of the hub's validation split: dictionaries with ctx, endings and label."""
    try:
        if path:
            with open(path, encoding="utf-8") as file:
                examples = [json.loads(line) for line in file if line.strip()]
        else:
            from datasets import load_dataset

            examples = list(load_dataset("Rowan/hellaswag", split="validation"))
            if len(examples) != 10_042:
                raise ValueError(f"{len(examples)} examples instead of 10,042")
        for example in examples:
            if not (example["ctx"] and 0 <= int(example["label"]) < len(example["endings"])):
                raise ValueError(f"no context, or no ending of the label's number: {example}"[:200])
        if not examples:
            raise ValueError("it is empty")
        return examples
    except Exception as error:  # no network, no file, no such fields: each library has errors of its own
        remedy = "connect once; hellaswag.py --data takes lines with a JSON object of ctx, endings, label"
        raise UserError(f"cannot read {path or 'Rowan/hellaswag'}: {one_line(error)} ({remedy})") from error


class Example:
    """An example as tokens: for each ending a row, and how many tokens at its end are the ending's.

    encode turns text into a list of tokens. What is longer than the model's context loses its beginning.
    """

    def __init__(self, example, encode, context):
        start = encode(example["ctx"])
        endings = [encode(" " + ending) for ending in example["endings"]]
        self.rows = [(start + ending)[-context:] for ending in endings]
        self.scored = [min(len(ending), len(row) - 1) for ending, row in zip(endings, self.rows, strict=True)]
        self.label = int(example["label"])
        self.length = max(map(len, self.rows))


@contextlib.contextmanager
def only_at(model, positions):
    """Within, a model computes logits at some positions only, bool (B, T): they have the shape (count, V)."""
    head = model.lm_head if hasattr(model, "lm_head") else model.get_output_embeddings()
    hook = head.register_forward_pre_hook(lambda _, inputs: (inputs[0][positions],))
    try:
        yield
    finally:
        hook.remove()


def answers(model, examples, machine):
    """The endings that a model finds likeliest a token: their numbers, from one forward pass."""
    rows = [row for example in examples for row in example.rows]
    scored = [count for example in examples for count in example.scored]
    idx = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.int64)  # (B, T), padded at the end
    positions = torch.zeros(idx.shape, dtype=torch.bool)  # that predict a token of an ending
    for b, (row, count) in enumerate(zip(rows, scored, strict=True)):
        idx[b, : len(row)] = torch.tensor(row)
        positions[b, len(row) - 1 - count : len(row) - 1] = True
    targets = idx.roll(-1, dims=1)[positions].to(machine.device)  # one for each token of an ending
    with machine.autocast(), only_at(model, positions.to(machine.device)):
        logits = model(idx.to(machine.device))[0]
    losses = F.cross_entropy(logits.float(), targets, reduction="none").cpu()
    means = iter([part.mean() for part in losses.split(scored)])  # nats a token, for each row
    return [int(torch.stack([next(means) for _ in example.rows]).argmin()) for example in examples]


@torch.no_grad()
def evaluate(model, examples, machine, batch=8, progress=False):
    """The share of the examples that a model answers right, on all ranks together; None if it is to stop.

    `batch` examples of about the same length share a forward pass.
    """
    longest_first = sorted(
        examples, key=lambda example: -example.length
    )  # what needs most memory comes first
    batches = [longest_first[first : first + batch] for first in range(0, len(examples), batch)]
    right = 0
    for group in tqdm(batches[machine.rank :: machine.world], disable=not progress, unit=" batches"):
        said = answers(model, group, machine)
        right += sum(answer == example.label for answer, example in zip(said, group, strict=True))
        if machine.stopping:
            break
    right, stopping = machine.sum(right, machine.stopping)
    return None if stopping else right / len(examples)


def load_for(model, machine):
    """The hub's examples as tokens for a GPT of ours, on every rank; None, and a warning, without them."""

    def load():
        try:
            encode = get_tokenizer(model.config.tokenizer).encode_ordinary
            return [Example(example, encode, model.config.context) for example in load_examples()]
        except UserError as error:
            warn(f"no HellaSwag in this run (--hellaswag_every 0): {error}")

    return machine.from_rank_0(load)


def load_model(name):
    """A causal language model, by its folder or its name on the hub, and what makes tokens of its text."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
        tokenizer = getattr(model.config, "tokenizer", None)  # ours, if the model says which
        if tokenizer in ("gpt2", "bytes"):
            return model, get_tokenizer(tokenizer).encode_ordinary
        encode = functools.partial(AutoTokenizer.from_pretrained(name).encode, add_special_tokens=False)
        if not encode("a test"):
            raise ValueError("its tokenizer is empty")
        return model, encode
    except Exception as error:  # no network, no such name, torn files: each library has errors of its own
        remedy = "give a folder with a model and its tokenizer, or a name on the hub"
        raise UserError(f"cannot load {name}: {one_line(error)} ({remedy})") from error


def main(arguments=None):
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--model", default="gpt2", help="a folder, or a name on the hub (default: gpt2)")
    parser.add_argument("--data", help="a file of examples (default: the hub's)")
    parser.add_argument("--limit", type=int, help="the first so many examples (default: all)")
    parser.add_argument("--batch", type=int, default=8, help="examples in a forward pass (default: 8)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, mps, ... (default: what there is)")
    dtypes = ("auto", "float32", "bfloat16")
    parser.add_argument("--dtype", default="float32", choices=dtypes, help="(default: float32)")
    parser.set_defaults(compile="false", deterministic=False)
    options = parser.parse_args(arguments)
    if min(options.batch, options.limit or 1) < 1 or options.limit == 0:
        parser.error("--batch and --limit must be at least 1")
    machine = Machine(options)
    examples = load_examples(options.data)[: options.limit]
    model, encode = load_model(options.model)
    context = getattr(model.config, "max_position_embeddings", 1024)
    examples = [Example(example, encode, context) for example in examples]
    accuracy = evaluate(model.to(machine.device), examples, machine, options.batch, progress=True)
    print(f"{options.model}: {100 * accuracy:.2f} % of {len(examples):,} examples, on {machine}")
    machine.shutdown()


if __name__ == "__main__":
    run_program(main)
