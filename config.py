"""The settings of a run: defaults, presets and limits, the command line, and everything wrong with it."""

import difflib
import math
import re
import sys
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from dataclasses import asdict, fields, replace
from typing import Literal, get_args

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

MOST = 10**9  # steps, and whatever counts them
WIDEST = 2**16
WARM_UP = 3  # steps before --profile begins: the first ones are slow


def setting(default, meaning, low=None, high=None):
    """A field of a dataclass with its default, its meaning for --help, and its limits (both allowed)."""
    return Field(default, description=meaning, ge=low, le=high)


# Checks types and limits when it is created. It cannot be changed: equal settings stand for equal batches.
settings = dataclass(config=ConfigDict(allow_inf_nan=False, extra="forbid"), frozen=True)


@settings
class GPTConfig:
    """The shape of a GPT; the defaults are GPT-2 (124M)."""

    vocab_size: int = setting(50257, "tokens in the vocabulary; comes with the data", 1, 65536)
    context: int = setting(1024, "longest sequence, in tokens", 1, 2**20)
    n_layer: int = setting(12, "number of blocks", 0, 1000)
    n_head: int = setting(12, "attention heads per block", 1, 1000)
    n_embd: int = setting(768, "width of the residual stream", 1, WIDEST)
    tokenizer: Literal["gpt2", "bytes"] = setting("gpt2", "turns text into tokens; comes with the data")
    dropout: float = setting(0.0, "share of activations that training sets to zero", 0, 0.99)
    bias: bool = setting(True, "biases in linear layers and LayerNorms, as GPT-2 has them")


PRESETS = {  # what differs from Config; rates, batches and GPT-3's sizes: Brown et al. 2020, table 2.1
    "laptop": dict(
        data="laptop", tokenizer="bytes", vocab_size=257, context=64, n_layer=3, n_head=4, n_embd=128
    )
    | dict(optimizer="muon", schedule="linear", lr=1e-2)
    | dict(batch_tokens=1024, micro_batch=16, steps=2000, warmup_steps=100, save_every=500)
    | dict(print_every=50, val_tokens=65536, hellaswag_every=0, sample_every=500)
    | dict(prompt="def ", samples=2, sample_tokens=200, temperature=0.8),
    "finetune": dict(steps=100, batch_tokens=32768, lr=3e-5, warmup_steps=10, dropout=0.1, hellaswag_every=0)
    | dict(save_every=10, eval_every=10, sample_every=50, sample_tokens=200, prompt=""),
    "gpt2": {},
    "gpt2-fast": dict(optimizer="muon", schedule="linear", lr=1.8e-3, steps=9537),  # half of the tokens
    "gpt2-medium": dict(n_layer=24, n_head=16, n_embd=1024, lr=3e-4),
    "gpt2-large": dict(n_layer=36, n_head=20, n_embd=1280, lr=2.5e-4),
    "gpt2-xl": dict(n_layer=48, n_head=25, n_embd=1600, lr=2e-4),
    "gpt3-small": dict(context=2048),
    "gpt3-medium": dict(context=2048, n_layer=24, n_head=16, n_embd=1024, lr=3e-4),
    "gpt3-large": dict(context=2048, n_layer=24, n_head=16, n_embd=1536, lr=2.5e-4),
    "gpt3-xl": dict(context=2048, n_layer=24, n_head=16, n_embd=2048, lr=2e-4)
    | dict(batch_tokens=1048576, steps=9537, warmup_steps=358),
}


@settings
class Config(GPTConfig):
    """Every setting of a run; the defaults are those of GPT-2 (124M). Each field is a flag."""

    # where from, where to
    preset: Literal[*PRESETS] = setting("laptop", "the defaults of all other flags")
    init: str = setting("scratch", "initial weights: scratch, gpt2, gpt2-medium, ..., a folder, a run")
    data: str = setting("data/fineweb-edu-10B", "folder of shards from fineweb.py; laptop: Python's own text")
    out: str = setting("", "folder of the run; default: the next free one of runs/PRESET, runs/PRESET-2, ...")
    resume: bool = setting(False, "continue from the newest checkpoint in --out; start if there is none")
    # the machine
    device: str = setting("auto", "cpu, cuda, mps, ..., or auto: the accelerator if there is one")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = setting(
        "auto", "of matrix products; auto: what is fast"
    )
    deterministic: bool = setting(False, "the same bits in every run, on CUDA too; slower")
    compile: Literal["auto", "true", "false"] = setting("auto", "torch.compile; auto: on CUDA")
    shard: bool = setting(False, "spread the optimizer's state over the ranks; slower, for large models")
    exchange: Literal["float32", "bfloat16"] = setting(
        "float32", "of gradients between ranks; bfloat16: half the bytes, for slow links"
    )
    # the recipe
    seed: int = setting(1, "of the initial weights, the order of the data and the samples", 0, 2**32 - 1)
    steps: int = setting(19073, "optimizer steps", 0, MOST)
    batch_tokens: int = setting(524288, "tokens per optimizer step, over all micro-batches", 1, MOST)
    micro_batch: int = setting(
        0, "sequences per forward pass, if they fit; 0: 64 on a GPU, 4 on a CPU", 0, 2**16
    )
    shuffle: bool = setting(True, "visit the windows of an epoch in random order")
    lr: float = setting(6e-4, "peak learning rate", 0, 1000)
    warmup_steps: int = setting(715, "steps of linear warm-up to the peak", 0, MOST)
    schedule: Literal["cosine", "linear"] = setting("cosine", "of the rate: to a tenth, or straight to zero")
    optimizer: Literal["adamw", "muon"] = setting("adamw", "muon: Muon for the matrices of the blocks")
    weight_decay: float = setting(0.1, "decay of matrices towards zero, times the learning rate", 0, 1000)
    # what is kept and shown on the way
    save_every: int = setting(1000, "steps between checkpoints; 0: only at the end", 0, MOST)
    keep: int = setting(2, "newest checkpoints to keep, beside the best; 0: all", 0, MOST)
    print_every: int = setting(1, "steps between two lines on the screen; 0: none, the log has all", 0, MOST)
    eval_every: int = setting(250, "steps between validations; 0: never", 0, MOST)
    val_tokens: int = setting(10_485_760, "tokens per validation", 1, 10**12)
    hellaswag_every: int = setting(250, "steps between HellaSwag scores; 0: never", 0, MOST)
    sample_every: int = setting(250, "steps between samples; 0: never", 0, MOST)
    profile: int = setting(0, f"steps to profile, after {WARM_UP} others; 0: none", 0, 1000)
    # samples
    sample: str = setting("", "print samples that continue this text, and exit; -: each line of the input")
    prompt: str = setting(
        "Hello, I'm a language model,",
        "text that the samples of a run continue; empty: that of the validation",
    )
    samples: int = setting(4, "number of samples", 0, 1000)
    sample_tokens: int = setting(32, "new tokens per sample", 0, 10**6)
    temperature: float = setting(1.0, "of the samples; 0: always the likeliest token", 0, 1000)
    top_k: int = setting(50, "sample among the k likeliest tokens; 0: among all", 0, 2**16)
    top_p: float = setting(1.0, "sample among the likeliest that together have this probability", 0, 1)


RECIPE = [f.name for f in fields(GPTConfig)]  # stays the same when a run is resumed
RECIPE += ["preset", "init", "steps", "batch_tokens", "shuffle", "lr", "warmup_steps", "weight_decay", "seed"]
RECIPE += ["schedule", "optimizer"]
BARE = dict(sample="-")  # what a flag without a value means, besides true for a bool
ELSEWHERE = {  # what minGPT, nanoGPT and build-nanogpt call our settings
    "max_iters": "--steps",
    "max_steps": "--steps",
    "lr_decay_iters": "--steps",
    "block_size": "--context",
    "batch_size": "--micro_batch, and --batch_tokens for the tokens per step",
    "gradient_accumulation_steps": "--batch_tokens, in tokens per step",
    "total_batch_size": "--batch_tokens, in tokens per step",
    "learning_rate": "--lr",
    "max_lr": "--lr",
    "warmup_iters": "--warmup_steps",
    "eval_interval": "--eval_every",
    "eval_iters": "--val_tokens, in tokens",
    "log_interval": "--print_every",
    "always_save_checkpoint": "--keep, for the newest checkpoints; the best one always stays",
    "dataset": "--data",
    "init_from": "--init, or --resume",
    "out_dir": "--out",
    "start": "--sample",
    "num_samples": "--samples",
    "max_new_tokens": "--sample_tokens",
    "eval_only": "--steps 0",
    "decay_lr": "--schedule",
    "min_lr": "--schedule, which ends at a tenth of --lr, or at zero",
    "grad_clip": "always 1.0, in take_step",
    "grad_norm_clip": "always 1.0, in take_step",
    "beta1": "always 0.9, in make_optimizer",
    "beta2": "always 0.95, in make_optimizer",
    "betas": "always 0.9 and 0.95, in make_optimizer",
    "model_type": "--init for trained weights, --preset for new ones",
    "attn_pdrop": "--dropout",
    "embd_pdrop": "--dropout",
    "resid_pdrop": "--dropout",
    "work_dir": "--out",
    "B": "--micro_batch",
    "T": "--context",
    "backend": "always the one that fits the --device",
    "wandb": "another program: python track.py RUN --to wandb",
    "wandb_log": "another program: python track.py RUN --to wandb",
    "wandb_project": "another program: python track.py RUN --to wandb",
    "wandb_run_name": "another program: python track.py RUN --to wandb",
}
KINDS = {int: "a whole number", float: "a number", bool: "true or false"}
SPELLINGS = {int: "[-+]?[0-9_]+", bool: "true|false"}  # pydantic reads 2.0 and yes, too


# ---- The command line --------------------------------------------------------------------------------------


def read_flags(config_class, description, arguments=None):
    """Read a command line into {field: text} and a list of problems; None means this process's arguments.

    Flags are the fields of the dataclass. They have no short forms, and a bare --flag means true.
    """
    parser = ArgumentParser(
        usage="%(prog)s [--name value ...]",
        description=description,
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    parser._negative_number_matcher = re.compile(r"-\.?\d")  # -1e-3 is a value, not a flag
    flags = [f"--{f.name}" for f in fields(config_class)]
    parser.add_argument(
        "-h", "--help", action="store_const", const="", default=SUPPRESS, help="show this help"
    )
    options = {}
    for f in fields(config_class):
        options[f.name] = parser.add_argument(
            f"--{f.name}",
            metavar=getattr(f.type, "__name__", "str").replace("Literal", "str"),
            nargs="?",
            const="true" if f.type is bool else BARE.get(f.name),
            default=SUPPRESS,
        )
    given, unknown = parser.parse_known_args(arguments)
    words = vars(given)
    if "help" in words:
        defaults = preset_defaults(words)
        for f in fields(config_class):
            choices = f", one of {', '.join(get_args(f.type))}" if get_args(f.type) else ""
            default = defaults.get(f.name, f.default.default)
            text = f"{f.default.description}{choices} (default: {default})"
            options[f.name].help = text.replace("%", "%%")
        parser.print_help()
        sys.exit(0)
    problems = []
    for before, word in zip(["", *unknown], unknown, strict=False):
        if word.startswith("-") or not before.startswith("-"):  # not the value of an unknown flag
            name = word.lstrip("-").split("=")[0].replace("-", "_").split(".")[-1]
            similar = difflib.get_close_matches(word, flags, n=1)
            fix = f"did you mean {similar[0]}?" if similar else "see --help"
            fix = f"here it is {ELSEWHERE[name]}" if name in ELSEWHERE else fix
            fix = "there are no config files: use flags and --preset" if word.endswith(".py") else fix
            problems.append(f"{word} is unknown ({fix})")
    kinds = {f.name: get_args(f.type) for f in fields(config_class)}
    for name in [name for name, word in words.items() if word is None]:
        problems.append(f"--{name} needs a value{': ' * bool(kinds[name])}{', '.join(kinds[name])}")
    return {name: word for name, word in words.items() if word is not None}, problems


def preset_defaults(words):
    """Return the values of the preset that a command line {field: text} chooses: {field: value}."""
    preset = words.get("preset") or ("finetune" if "init" in words else "laptop")
    defaults = dict(preset=preset) | PRESETS.get(preset, PRESETS["laptop"])
    if words.get("data", "laptop") != "laptop" and preset == "laptop":
        defaults["prompt"] = ""  # your text is not Python's
    return defaults


def whole_number(low, high):
    """Return a function that turns text into an int within limits (both allowed), for argparse."""

    def parse(text):
        if not re.fullmatch("-?[0-9]{1,20}", text) or not low <= int(text) <= high:
            raise ArgumentTypeError(f"must be at least {low} and at most {high}, not {text[:50]}")
        return int(text)

    return parse


def describe(error, kind):
    """Describe one error of a ValidationError, about the value of a flag of type `kind`."""
    value, limits = error["input"], error.get("ctx", {})
    name = f"--{error['loc'][0]} {str(value)[:50]}"
    if error["type"] == "greater_than_equal":
        return f"{name} is below the minimum of {limits['ge']:g}"
    if error["type"] == "less_than_equal":
        return f"{name} is above the maximum of {limits['le']:.15g}"
    if choices := get_args(kind):
        return f"{name} is not one of {', '.join(choices)}"
    return f"{name} is not {KINDS.get(kind, 'a text')}"


def parse_config(arguments=None, config_class=Config, description=""):
    """Turn a command line into a Config, the values of its flags {field: value}, and a list of problems.

    A flag with a problem has the value of the preset in the Config.
    """
    words, problems = read_flags(config_class, description, arguments)
    defaults = preset_defaults(words)
    kinds = {f.name: f.type for f in fields(config_class)}
    for name, word in list(words.items()):
        if kinds[name] is bool or name == "compile":
            words[name] = word = word.lower()  # True, as Python has it
        if not re.fullmatch(SPELLINGS.get(kinds[name], "(?s:.*)"), word):
            problems.append(f"--{name} {word[:50]} is not {KINDS[kinds[name]]}")
            del words[name]
    try:
        config = config_class(**(defaults | words))
    except ValidationError as error:
        for item in error.errors():
            problems.append(describe(item, kinds[item["loc"][0]]))
            words.pop(item["loc"][0], None)
        if defaults["preset"] not in PRESETS:
            defaults["preset"] = "laptop"
        config = config_class(**(defaults | words))
    return config, {name: getattr(config, name) for name in words}, problems


# ---- What cannot work together -----------------------------------------------------------------------------


def nearest_multiple(value, factor, most):
    """Return the multiple of factor from 1 to `most` that is nearest to value; 0 if there is none."""
    return min(max(round(value / factor), 1), most // factor) * factor


def find_problems(config, world, meta, start=0):
    """List what makes a run on `world` ranks with data described by `meta` impossible, with what to do.

    It has finished `start` steps.
    """
    problems = []
    if config.n_embd % config.n_head != 0:
        nearest = nearest_multiple(config.n_embd, config.n_head, WIDEST)
        reason = f"--n_embd {config.n_embd} is not a multiple of --n_head {config.n_head}"
        problems.append(f"{reason}; the nearest is {nearest}")
    share = config.context * world
    if config.batch_tokens % share != 0:
        nearest = nearest_multiple(config.batch_tokens, share, MOST) or "too large, use a smaller --context"
        product = f"--context {config.context} x {world} ranks = {share}"
        reason = f"--batch_tokens {config.batch_tokens} is not a multiple of {product}"
        problems.append(f"{reason}; the nearest is {nearest}")
    for name in ("tokenizer", "vocab_size"):
        if getattr(config, name) != meta.get(name, getattr(config, name)):
            reason = f"--{name} {getattr(config, name)}, but {config.data} has {meta[name]}"
            problems.append(f"{reason} (leave the flag out, or make the data again with fineweb.py)")
    if meta.get("train_tokens", math.inf) <= config.context:
        reason = f"{config.data} has {meta['train_tokens']} tokens to train"
        problems.append(f"--context {config.context} is too long: {reason} (use a smaller --context)")
    if meta.get("val_tokens", 2) < 2:
        problems.append(
            f"{config.data} has {meta['val_tokens']} tokens to validate, and 2 are needed (use a longer text)"
        )
    need, left = WARM_UP + config.profile, max(config.steps - start, 0)
    if config.profile and need > left:
        fix = f"the largest is {left - WARM_UP}" if left > WARM_UP else "leave the flag out"
        problems.append(f"--profile {config.profile} needs {need} steps, and {left} are left ({fix})")
    return problems


def as_word(value):
    """Return the value of a flag as it is typed."""
    return str(value).lower() if isinstance(value, bool) else value


def resumed_config(saved, given, folder, problems):
    """Return the Config of a resumed run: the recipe as saved, all other flags as given now.

    Appends a problem for each flag of the recipe that differs from what the checkpoint in `folder` has.
    """
    for name in RECIPE:
        old = getattr(saved, name)
        if given.get(name, old) != old:
            reason = f"--{name} {as_word(given[name])}, but {folder} was started with {as_word(old)}"
            fix = "leave the flag out"
            if name == "steps" and given[name] > old:  # its learning rate has ended near zero
                fix += f"; for more steps start a new run with --init {folder} and another --out"
            problems.append(f"{reason} ({fix})")
    now = {name: value for name, value in given.items() if name not in RECIPE}
    return replace(saved, **dict(profile=0) | now)  # it was profiled when it started


def check_weights(config, shape, given, meta):
    """List where `shape`, the GPTConfig of --init, differs from the flags `given` or the data's `meta`."""
    problems = []
    for name, theirs in asdict(shape).items():
        ours, weights = getattr(config, name), f"--init {config.init}"
        fits = theirs >= ours if name == "context" else theirs == ours
        if name in given and not fits:
            reason = f"--{name} {as_word(ours)}, but {weights} has {as_word(theirs)}"
            problems.append(f"{reason} (leave the flag out, or start from scratch)")
        elif name in meta and theirs != meta[name]:
            fix = f"make the data with --tokenizer {shape.tokenizer}, or use other weights"
            problems.append(f"{config.data} has {name} {meta[name]}, but {weights} has {theirs} ({fix})")
    return problems
