"""Make token shards of text.

    python fineweb.py --input my.txt --out data/mine

A shard is a file in llm.c's format: 256 int32 (20240520, 1, the number of tokens), then the tokens as uint16.
<|endoftext|> stands before every document. The first 90 % train, the last 10 % validate.
"""

import contextlib
import functools
import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

import numpy as np
import tiktoken


class UserError(Exception):
    """Something that the user can mend: a message with the remedy; the exit code is 2."""


# ---- Tokens ------------------------------------------------------------------------------------------------


@functools.cache
def get_tokenizer():
    """GPT-2's byte-pair encoding; tiktoken downloads its vocabulary once."""
    try:
        return tiktoken.get_encoding("gpt2")
    except (OSError, ValueError) as error:  # no network, or something else than the vocabulary came back
        remedy = "connect once, or set TIKTOKEN_CACHE_DIR to a folder that has it"
        raise UserError(f"GPT-2's vocabulary is not here and cannot be downloaded ({remedy})") from error


def tokenize(texts):
    """The tokens of some documents, each after <|endoftext|>: uint16 (count,)."""
    encoding = get_tokenizer()
    pieces = []
    for text in texts:
        pieces += [[encoding.eot_token], encoding.encode_to_numpy(text, disallowed_special=())]
    return np.concatenate(pieces).astype("<u2")


# ---- Shards ------------------------------------------------------------------------------------------------

MAGIC, VERSION, HEADER_BYTES = 20240520, 1, 1024


@contextlib.contextmanager
def whole_file(path):
    """Open a binary file that gets its name when it is complete and on the disk. UserError if it cannot."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error} (make room, and run it again)") from error
    finally:
        partial.unlink(missing_ok=True)


def write_shard(path, tokens):
    """Write tokens, uint16 (count,), as a shard: whole, or not at all."""
    header = np.zeros(HEADER_BYTES // 4, "<i4")
    header[:3] = MAGIC, VERSION, len(tokens)
    with whole_file(path) as file:
        file.write(header.data)
        file.write(tokens.data)


# ---- The command line --------------------------------------------------------------------------------------


def parse_options(arguments=None):
    """The options that a command line asks for: a list of words, by default this process's."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--input", type=Path, required=True, help="a text in UTF-8")
    parser.add_argument("--out", type=Path, required=True, help="folder of the shards")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse_options(arguments)
    try:
        tokens = tokenize([options.input.read_text(encoding="utf-8")])
    except UnicodeDecodeError as error:
        raise UserError(f"{options.input} is not UTF-8: {error}") from error
    if len(tokens) < 10:
        raise UserError(f"{options.input} has hardly any text")
    cut = len(tokens) * 9 // 10
    options.out.mkdir(parents=True, exist_ok=True)
    write_shard(options.out / "train_000001.bin", tokens[:cut])
    write_shard(options.out / "val_000000.bin", tokens[cut:])
    print(f"{options.out}: {cut:,} tokens to train, {len(tokens) - cut:,} to validate")


if __name__ == "__main__":
    try:
        main()
    except (UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
