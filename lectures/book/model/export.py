"""Export a GPT for the page that runs it: float16, either as a script for the browser or as a checkpoint.

    python lectures/book/model/export.py runs/laptop/step_002000 lectures/book/model/checkpoint
    python lectures/book/model/export.py lectures/book/model/checkpoint site/weights.js

The first command halves a checkpoint, as it lies in lectures/book/model/checkpoint. The second one writes the
script: a page that is opened from a file may load a script, but must not fetch data.
"""

import base64
import json
import shutil
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

HERE = Path(__file__).resolve().parent
SIZES = {"vocab_size": "vocab_size", "n_positions": "context"}
SIZES |= {name: name for name in ("n_layer", "n_head", "n_embd")}  # in config.json, and in GPTConfig


def load_half(folder):
    """Return a checkpoint's tensors by name, in float16. Raises ValueError if a number does not fit."""
    tensors = {}
    for name, tensor in sorted(load_file(Path(folder) / "model.safetensors").items()):
        with np.errstate(over="ignore"):
            half = tensor.astype("<f2")
        if not np.isfinite(half).all():
            raise ValueError(f"{name} in {folder} has numbers that are too large for float16, or not finite")
        tensors[name] = half
    return tensors


def save_half(folder, out):
    """Write a checkpoint in float16: config.json as it is, model.safetensors half as large."""
    Path(out).mkdir(parents=True, exist_ok=True)
    save_file(load_half(folder), Path(out) / "model.safetensors", metadata={"format": "pt"})
    shutil.copyfile(Path(folder) / "config.json", Path(out) / "config.json")


def script(folder=HERE / "checkpoint"):
    """Return a checkpoint as JavaScript: its sizes, and the shape and float16 numbers of each tensor.

    The matrices of blocks are (in, out), as the checkpoint has them. Raises ValueError for another tokenizer.
    """
    config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    if config.get("tokenizer") != "bytes":
        raise ValueError(f"the model in {folder} does not read bytes, and the page knows no other tokenizer")
    tensors = {
        name.removeprefix("transformer."): [list(half.shape), base64.b64encode(half.tobytes()).decode()]
        for name, half in load_half(folder).items()
    }
    sizes = {ours: config[theirs] for theirs, ours in SIZES.items()}
    lines = [f"    {json.dumps(name)}: {json.dumps(tensor)},\n" for name, tensor in tensors.items()]
    head = "// Written by lectures/book/model/export.py. A weight is a shape and float16 numbers in base64.\n"
    body = f"  config: {json.dumps(sizes)},\n  weights: {{\n{''.join(lines)}  }},\n"
    return f'{head}"use strict";\nconst CHECKPOINT = {{\n{body}}};\n'


def main(folder, out):
    """Write a script if `out` ends with .js, else a checkpoint."""
    if out.endswith(".js"):
        Path(out).write_text(script(folder), encoding="utf-8", newline="\n")
    else:
        save_half(folder, out)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
