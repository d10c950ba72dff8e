"""GPT-2 as Hugging Face keeps it: settings, weights and tokenizer, in a folder or on the hub."""

import functools
import itertools
import json
import os
from pathlib import Path

import torch
import torch.nn.functional as F
from pydantic import StrictInt
from pydantic.dataclasses import dataclass
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from data import find_tokenizer
from errors import UserError, one_line, warn
from files import parse_json, parse_values, refuse_missing_folder, regular_file

FEATURES = {  # Hugging Face's GPT-2 has switches; ours has these settings
    "model_type": "gpt2",
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
    "tie_word_embeddings": True,
}
END = "<|endoftext|>"
FLOATS = (torch.float32, torch.float16, torch.bfloat16)
SIZES = {  # our names, and theirs
    "vocab_size": "vocab_size",
    "context": "n_positions",
    "n_layer": "n_layer",
    "n_head": "n_head",
    "n_embd": "n_embd",
}


@dataclass
class Index:
    """model.safetensors.index.json: which file holds which weight."""

    weight_map: dict[str, str]


def is_transposed(key, weight):
    """Return whether the checkpoint has a weight transposed: the matrices of blocks are (in, out)."""
    return key.startswith("h.") and weight.dim() == 2


def load(name, build):
    """Load the GPT-2 in the folder `name`, or of that name on the hub: build(fields of a GPTConfig), filled.

    Raises UserError if it cannot be read, differs from GPT-2 in more than its sizes, or lacks a tensor.
    """
    refuse_missing_folder(name)
    try:
        folder = Path(name)
        if not folder.is_dir():
            from huggingface_hub import snapshot_download  # slow to import, and seldom needed

            folder = Path(snapshot_download(name, allow_patterns=["config.json", "model*.safetensors*"]))
        theirs = parse_json(regular_file(folder / "config.json").read_bytes(), dict)
        for key, value in FEATURES.items():
            if theirs.get(key, value) != value:
                raise ValueError(f"its {key} is {theirs[key]!r}, and only {value!r} is implemented")
        sizes = parse_values({ours: theirs[key] for ours, key in SIZES.items()}, dict[str, StrictInt])
        weights = {}
        for key, weight in read_weights(folder):
            key = key.removeprefix("transformer.")
            if key.endswith((".attn.bias", ".attn.masked_bias")):  # causal masks, not weights
                continue
            if weight.dtype not in FLOATS:
                raise ValueError(f"its {key} is {weight.dtype}, not a float type")
            if not weight.isfinite().all():
                raise ValueError(f"its {key} has values that are not numbers")
            weight = weight.t() if is_transposed(key, weight) else weight
            weights[key] = weight.to(torch.float32, copy=True, memory_format=torch.contiguous_format)
        biases = [key for key in weights if key.endswith(".bias")]
        trained = any(weights[key].any() for key in biases)  # by a program that does not know the note
        bias = theirs.get("bias") is not False or trained
        for key in () if bias else biases:
            del weights[key]
        with torch.device("meta"):  # shapes only: their sizes may be more than there is memory
            model = build(sizes | dict(tokenizer=theirs.get("tokenizer", "gpt2"), bias=bias))
        padding = len(model.wte.weight) - model.config.vocab_size
        weights["wte.weight"] = F.pad(weights["wte.weight"], (0, 0, 0, padding))
        weights["lm_head.weight"] = weights["wte.weight"]
        model.load_state_dict(weights, assign=True)  # strict: the same names and shapes, both ways
        model.lm_head.weight = model.wte.weight
    except Exception as error:  # no network, no such name, a file that is missing, torn, of another model
        fix = "use a folder with config.json and model.safetensors, or the name of a GPT-2 on the hub"
        where = "" if os.path.isdir(name) else ", which is no folder here, from the hub"
        raise UserError(f"cannot load {name}{where}: {one_line(error)} ({fix})") from error
    return model


def read_weights(folder):
    """Yield the names and tensors of model.safetensors, or of the files that its index lists."""
    files, index = ["model.safetensors"], folder / "model.safetensors.index.json"
    if index.exists():
        files = sorted(set(parse_json(regular_file(index).read_bytes(), Index).weight_map.values()))
    for name in files:
        if Path(name).name != name:
            raise ValueError(f"{index.name} lists {name}, which is not in the folder")
        yield from load_file(regular_file(folder / name)).items()


def export_tokenizer(name, vocab_size):
    """Return a tokenizer with so many tokens as the text of Hugging Face's tokenizer.json. UserError."""
    encoding, others = find_tokenizer(name, vocab_size), itertools.count(256)
    # A token is a text there: printable bytes are the characters of Latin-1, the others those from 256 on.
    letters = [
        chr(byte) if chr(byte).isprintable() and byte != 32 else chr(next(others)) for byte in range(256)
    ]
    tokens = {token: encoding.encode_single_token(token) for token in encoding.token_byte_values()}
    names = {token: "".join(letters[byte] for byte in token) for token in tokens}
    merges = []  # every pair of tokens that gives a token; the lowest id is merged first, as tiktoken does
    for token in sorted(tokens, key=tokens.get):
        pairs = [(token[:cut], token[cut:]) for cut in range(1, len(token))]
        merges += [(names[left], names[right]) for left, right in pairs if left in names and right in names]
    exported = Tokenizer(models.BPE({names[token]: number for token, number in tokens.items()}, merges))
    exported.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # with GPT-2's pattern
    exported.decoder = decoders.ByteLevel()
    exported.add_special_tokens([AddedToken(END, normalized=False)])
    return exported.to_str()


@functools.cache  # a run saves often: it waits for the network, and warns, once
def try_export(name, vocab_size):
    """Return what export_tokenizer returns, or None after a warning if the vocabulary cannot be had."""
    try:
        return export_tokenizer(name, vocab_size)
    except UserError as error:
        warn(f"the model is saved without its tokenizer: {error}")


def save(model, directory):
    """Write a GPT to a folder as Hugging Face's libraries read it: float32, without the padding.

    The tokenizer is left out if its vocabulary cannot be had.
    """
    folder, size = Path(directory), model.config.vocab_size
    folder.mkdir(parents=True, exist_ok=True)
    weights = {}
    for key, weight in model.state_dict().items():
        if key != "lm_head.weight":  # it is wte.weight
            weight = weight[:size] if key == "wte.weight" else weight
            if not model.config.bias and key.startswith(("h.", "ln_f.")):  # without them Hugging Face warns
                weights[f"transformer.{key.removesuffix('weight')}bias"] = torch.zeros(len(weight))
            weight = weight.t() if is_transposed(key, weight) else weight
            weights[f"transformer.{key}"] = weight.contiguous().cpu()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = FEATURES | {key: getattr(model.config, ours) for ours, key in SIZES.items()}
    config |= dict(architectures=["GPT2LMHeadModel"], tokenizer=model.config.tokenizer)
    config |= dict(bias=model.config.bias)
    config |= dict.fromkeys(("attn_pdrop", "embd_pdrop", "resid_pdrop"), model.config.dropout)
    ids = dict.fromkeys(("bos_token_id", "eos_token_id"), size - 1)  # <|endoftext|>
    limits = dict(pad_token_id=size - 1)
    if model.config.context < 512:  # without a limit, a pipeline writes 256 tokens, even beyond the context
        limits |= dict(max_length=model.config.context)
    files = {"config.json": config | ids, "generation_config.json": ids | limits}
    if tokenizer := try_export(model.config.tokenizer, size):
        (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
        files["tokenizer_config.json"] = dict.fromkeys(("bos_token", "eos_token", "unk_token"), END)
        files["tokenizer_config.json"] |= dict(model_max_length=model.config.context)
    for name, values in files.items():
        (folder / name).write_text(json.dumps(values, indent=2), encoding="utf-8")
