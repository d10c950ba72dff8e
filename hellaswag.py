"""HellaSwag: which of four endings goes on with a context? (Zellers et al. 2019)

    python hellaswag.py --model gpt2     OpenAI's GPT-2 (124M): 29.55 % of 10,042 examples

A language model answers by completing: it takes the ending whose tokens it finds likeliest on average. A
guess is right in 25 %. The examples come from the hub (Rowan/hellaswag), or with --data from a file with a
JSON object on each line: ctx, endings and label.
"""

import functools
import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter

import torch
import torch.nn.functional as F
from tqdm import tqdm

from fineweb import UserError, get_tokenizer, one_line
from machine import pick_device


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
        remedy = "connect once, or give --data FILE with a JSON object of ctx, endings, label a line"
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


def answer(model, example, device):
    """The ending that a model finds likeliest a token: its number."""
    losses = []
    for row, count in zip(example.rows, example.scored, strict=True):
        idx = torch.tensor([row], device=device)  # (1, T)
        logits = model(idx)[0][0, :-1].float()  # (T - 1, vocab_size): each predicts the token after it
        losses.append(F.cross_entropy(logits[-count:], idx[0, -count:]))  # nats a token of the ending
    return int(torch.stack(losses).argmin())


@torch.no_grad()
def evaluate(model, examples, device):
    """The share of the examples that a model answers right."""
    right = sum(answer(model, example, device) == example.label for example in tqdm(examples))
    return right / len(examples)


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
    parser.add_argument("--device", default="auto", help="cpu, cuda, mps, ... (default: what there is)")
    options = parser.parse_args(arguments)
    if options.limit is not None and options.limit < 1:
        parser.error("--limit must be at least 1")
    device = pick_device(options.device)
    examples = load_examples(options.data)[: options.limit]
    model, encode = load_model(options.model)
    context = getattr(model.config, "max_position_embeddings", 1024)
    examples = [Example(example, encode, context) for example in examples]
    accuracy = evaluate(model.to(device), examples, device)
    print(f"{options.model}: {100 * accuracy:.2f} % of {len(examples):,} examples")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
