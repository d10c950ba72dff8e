"""The settings of a model and of a run, and the command line that is made of them."""

import difflib
from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import dataclass, field, fields


def knob(default, meaning, least=None, below=None, among=None):
    """A field with its default, its meaning for --help, and its limits."""
    limits = {"least": least, "below": below, "among": among}
    return field(default=default, metadata={"help": meaning, **limits})


@dataclass
class GPTConfig:
    """The shape of a GPT; the defaults are GPT-2 (124M)."""

    vocab_size: int = knob(50257, "tokens in the vocabulary; comes with the data")
    context: int = knob(1024, "longest sequence, in tokens", least=1)
    n_layer: int = knob(12, "number of blocks", least=0)
    n_head: int = knob(12, "attention heads per block", least=1)
    n_embd: int = knob(768, "width of the residual stream", least=1)
    tokenizer: str = knob("gpt2", "turns text into tokens; comes with the data", among=("gpt2", "bytes"))
    dropout: float = knob(0.0, "share of activations that training sets to zero", least=0, below=1)


PRESETS = {  # what differs from Config; rates, batches and GPT-3's sizes: Brown et al. 2020, table 2.1
    "laptop": dict(
        data="laptop", tokenizer="bytes", vocab_size=257, context=64, n_layer=3, n_head=4, n_embd=128
    )
    | dict(batch_tokens=1024, micro_batch=16, steps=2000, lr=5e-3, warmup_steps=100, save_every=500)
    | dict(print_every=50, val_tokens=65536, hellaswag_every=0, sample_every=500)
    | dict(prompt="def ", samples=2, sample_tokens=200, temperature=0.8),
    "finetune": dict(steps=100, batch_tokens=32768, lr=3e-5, warmup_steps=10, dropout=0.1, hellaswag_every=0)
    | dict(save_every=50, eval_every=10, sample_every=50, sample_tokens=200),
    "gpt2": {},
    "gpt2-medium": dict(n_layer=24, n_head=16, n_embd=1024, lr=3e-4),
    "gpt2-large": dict(n_layer=36, n_head=20, n_embd=1280, lr=2.5e-4),
    "gpt2-xl": dict(n_layer=48, n_head=25, n_embd=1600, lr=2e-4),
    "gpt3-small": dict(context=2048),
    "gpt3-medium": dict(context=2048, n_layer=24, n_head=16, n_embd=1024, lr=3e-4),
    "gpt3-large": dict(context=2048, n_layer=24, n_head=16, n_embd=1536, lr=2.5e-4),
    "gpt3-xl": dict(context=2048, n_layer=24, n_head=16, n_embd=2048, lr=2e-4)
    | dict(batch_tokens=1048576, steps=9537, warmup_steps=358),
}


# ---- The command line --------------------------------------------------------------------------------------


def read_flags(knobs, description, arguments=None):
    """Read a command line into {field: value} and a list of problems; None means this process's arguments.

    Flags are the fields of the dataclass. They have no short forms, and a bare --flag means true.
    """
    parser = ArgumentParser(
        description=description, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    types = {f.name: f.type for f in fields(knobs)}
    for f in fields(knobs):
        among = f", one of {', '.join(f.metadata['among'])}" if f.metadata["among"] else ""
        meaning = f"{f.metadata['help']}{among} (default: {f.default})"
        bare = "true" if f.type is bool else None
        more = dict(nargs="?", const=bare, default=SUPPRESS, metavar=f.type.__name__)
        parser.add_argument(f"--{f.name}", help=meaning, **more)
    words, unknown = parser.parse_known_args(arguments)
    given, problems = {}, []
    for before, word in zip(["", *unknown], unknown, strict=False):
        similar = difflib.get_close_matches(word, [f"--{name}" for name in types], n=1)
        if word.startswith("-") or not before.startswith("-"):  # not the value of an unknown flag
            hint = f"did you mean {similar[0]}?" if similar else "see --help"
            problems.append(f"{word} is unknown ({hint})")
    kinds = {int: "a whole number", float: "a number", bool: "true or false"}
    for name, word in vars(words).items():
        kind = types[name]
        if word is None:
            problems.append(f"--{name} needs a value")
            continue
        try:
            given[name] = {"true": True, "false": False}[word] if kind is bool else kind(word)
        except (ValueError, KeyError):
            problems.append(f"--{name} {word} is not {kinds[kind]}")
    return given, problems


def find_invalid(config):
    """List the fields of a dataclass whose values are outside their limits."""
    problems = []
    for f in fields(config):
        value, among = getattr(config, f.name), f.metadata["among"]
        least, below = f.metadata["least"], f.metadata["below"]
        if least is not None and not value >= least:
            problems.append(f"--{f.name} {value} is below the minimum of {least}")
        elif below is not None and not value < below:
            problems.append(f"--{f.name} {value} is not below {below}")
        if among and value not in among:
            problems.append(f"--{f.name} {value} is not one of {', '.join(among)}")
    return problems
