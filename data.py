"""Tokens: where they come from, how shards hold them, and in which order training visits them.

A data folder holds train and validation shards and meta.json. A shard is a file in llm.c's format: 256 int32
(20240520, 1, the number of tokens), then the tokens as uint16.
"""

import bisect
import functools
import hashlib
import itertools
import os
import re
import sys
import sysconfig
from pathlib import Path
from typing import Literal

import numpy as np
import tiktoken
from pydantic import Field
from pydantic.dataclasses import dataclass

from errors import UserError
from files import read_json, whole_file

# ---- Tokenizers --------------------------------------------------------------------------------------------


@functools.cache
def get_tokenizer(name):
    """Return the tiktoken.Encoding of that name. Raises UserError.

    gpt2: GPT-2's byte-pair encoding, which tiktoken downloads once; bytes: the bytes of UTF-8.
    """
    if name == "bytes":
        ranks = {bytes([byte]): byte for byte in range(256)}
        special = {"<|endoftext|>": 256}
        pattern = "(?s).{1,512}"
        return tiktoken.Encoding("bytes", pat_str=pattern, mergeable_ranks=ranks, special_tokens=special)
    if name != "gpt2":
        raise UserError(f"tokenizer {name} is not one of gpt2, bytes")
    try:
        return tiktoken.get_encoding("gpt2")
    except (OSError, ValueError) as error:  # no network, or something else than the vocabulary came back
        fix = "connect to the network once, or set TIKTOKEN_CACHE_DIR to a folder that has it"
        raise UserError(f"cannot download GPT-2's vocabulary ({fix})") from error


def find_tokenizer(name, vocab_size):
    """Return the tiktoken.Encoding of that name. Raises UserError unless its vocabulary has that size."""
    tokenizer = get_tokenizer(name)
    if tokenizer.n_vocab != vocab_size:
        sizes = f"{tokenizer.n_vocab} tokens, but the model has {vocab_size}"
        fix = "put its tokenizer, gpt2 or bytes, into config.json or meta.json"
        raise UserError(f"the tokenizer {name} has {sizes} ({fix})")
    return tokenizer


def tokenize(texts, tokenizer):
    """Tokenize documents, each preceded by <|endoftext|>: uint16 (count,)."""
    encoding = get_tokenizer(tokenizer)
    pieces = [np.empty(0, "<u2")]  # there may be no text at all
    for text in texts:
        pieces += [[encoding.eot_token], encoding.encode_to_numpy(text or "", disallowed_special=())]
    return np.concatenate(pieces).astype("<u2")


# ---- Shards ------------------------------------------------------------------------------------------------

MAGIC, VERSION, HEADER_BYTES = 20240520, 1, 1024
REBUILD = "delete the folder, and run fineweb.py again"
PART = r"part\d+of(?P<count>\d+)"  # folders of fineweb.py --part


def name_part(number, count):
    """Return the name of the folder of a part; in the order of names they are in the order of the parts."""
    return f"part{number:0{len(str(count))}}of{count}"


def write_shard(path, tokens):
    """Write tokens, uint16 (count,), as a shard: whole, or not at all."""
    header = np.zeros(HEADER_BYTES // 4, "<i4")
    header[:3] = MAGIC, VERSION, len(tokens)
    with whole_file(path) as file:
        file.write(header.data)
        file.write(tokens.data)


def count_tokens(path):
    """Return the number of tokens in a shard. Raises UserError if the file is not a shard, or not whole."""
    if not path.is_file():  # a FIFO would wait forever
        raise UserError(f"{path} is not a file ({REBUILD})")
    with path.open("rb") as file:
        header = np.frombuffer(file.read(HEADER_BYTES).ljust(HEADER_BYTES, b"\0"), "<i4")
    if header[0] != MAGIC or header[1] != VERSION:
        raise UserError(
            f"{path} is not a shard in llm.c's format with uint16 tokens (make a new folder with fineweb.py)"
        )
    count, size = int(header[2]), path.stat().st_size
    if size != HEADER_BYTES + 2 * count or count < 1:
        raise UserError(f"{path} has {size} bytes, but a header for {count} tokens ({REBUILD})")
    return count


def list_shards(folder, split):
    """Return the shards of a split in a folder, in the order of their names, which have its word."""
    word = re.compile(f"(?<![a-zA-Z]){split}(?![a-zA-Z])")  # "val" is not in retrieval_train_000001.bin
    return [path for path in sorted(folder.glob(f"*{split}*.bin")) if word.search(path.name)]


def find_parts(folder):
    """Return the folders with the shards of a data folder: itself, or those of fineweb.py --part, in order.

    Raises UserError if not all parts of the same number are there, and nothing else.
    """
    numbers = {path: re.fullmatch(PART, path.name) for path in sorted(Path(folder).glob("part*of*"))}
    found = {path: int(match["count"]) for path, match in numbers.items() if match}
    if not found:
        return [Path(folder)]
    count = max(found.values())
    expected = [Path(folder, name_part(number, count)) for number in range(1, count + 1)]
    if missing := [path.name for path in expected if path not in found]:
        reason = f"{folder} is not finished: {', '.join(missing)[:100]} missing"
        raise UserError(f"{reason} (make the rest with fineweb.py --part)")
    if list(found) != expected or any(Path(folder).glob("*.bin")):
        raise UserError(f"{folder} holds more than {count} parts ({REBUILD})")
    return expected


class Shards:
    """The tokens of a split ("train" or "val") in all its shards, as one long row. They stay on the disk."""

    def __init__(self, folder, split, vocab_size=65536):
        self.paths = [path for part in find_parts(folder) for path in list_shards(part, split)]
        if not self.paths:
            named = Path("data", folder)  # as fineweb.py names it
            found = named.is_dir() and named != Path(folder)
            fix = f"did you mean {named}?" if found else "check its name; fineweb.py makes shards"
            raise UserError(f"no {split} shards in {folder} ({fix})")
        self.ends = list(itertools.accumulate(count_tokens(path) for path in self.paths))
        self.vocab_size = vocab_size
        self.open = functools.lru_cache(maxsize=256)(lambda path: path.open("rb", buffering=0))

    def __len__(self):
        return self.ends[-1]

    def read(self, start, count):
        """Read the tokens from position `start` on: uint16 (count,)."""
        assert 0 <= start and start + count <= len(self), f"{count} tokens from {start} on, of {len(self)}"
        tokens, done = np.empty(count, "<u2"), 0
        while done < count:
            shard = bisect.bisect_right(self.ends, start + done)
            first = self.ends[shard - 1] if shard else 0
            part = tokens[done : done + self.ends[shard] - start - done]
            file = self.open(self.paths[shard])
            file.seek(HEADER_BYTES + 2 * (start + done - first))
            if file.readinto(part) != part.nbytes:
                raise UserError(f"{self.paths[shard]} has become shorter ({REBUILD})")
            if part.max() >= self.vocab_size:  # the model would fail, on CUDA without a message
                reason = f"{self.paths[shard]} has token {part.max()}, but the vocabulary {self.vocab_size}"
                raise UserError(f"{reason} ({REBUILD})")
            done += len(part)
        return tokens


class Tokens:
    """Tokens in memory, uint16 (count,), with the interface of Shards."""

    def __init__(self, tokens):
        self.tokens = tokens

    def __len__(self):
        return len(self.tokens)

    def read(self, start, count):
        """Read the tokens from position `start` on: uint16 (count,)."""
        assert 0 <= start and start + count <= len(self), f"{count} tokens from {start} on, of {len(self)}"
        return self.tokens[start : start + count]


# ---- Data folders ------------------------------------------------------------------------------------------


@dataclass
class Meta:
    """meta.json: what the tokens of a data folder are. Without the file they are GPT-2's."""

    tokenizer: Literal["gpt2", "bytes"]
    vocab_size: int = Field(ge=1, le=65536)
    train_tokens: int | None = Field(None, ge=1)
    val_tokens: int | None = Field(None, ge=1)
    settings: dict = Field(default_factory=dict)  # of fineweb.py
    inputs: dict[str, tuple[int, int]] = Field(default_factory=dict)  # name: tokens to train, to validate


def list_inputs(name):
    """Return the names of the inputs that a data folder says it was made from. Raises UserError."""
    metas = [part / "meta.json" for part in find_parts(name)]
    return {key for path in metas if path.exists() for key in read_json(path, Meta, REBUILD).inputs}


def laptop_documents():
    """Return texts that come with Python, in a fixed order: its language reference, its top-level modules."""
    from pydoc_data.topics import topics

    library = Path(sysconfig.get_paths()["stdlib"])
    paths = [library / f"{name}.py" for name in sorted(sys.stdlib_module_names)]
    sources = [path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file()]
    return [topics[name] for name in sorted(topics)] + sources


def open_data(name):
    """Open a data folder, or "laptop": returns the training tokens, the validation tokens, a description.

    The description is a dictionary: tokenizer, vocab_size, train_tokens, val_tokens, and source if known.
    Raises UserError for what is missing, torn or unfinished.
    """
    if name == "laptop":
        tokens = tokenize(laptop_documents(), "bytes")
        train, val = np.split(tokens, [len(tokens) * 9 // 10])
        source = f"Python, sha256 {hashlib.sha256(tokens.data).hexdigest()}"
        meta = dict(tokenizer="bytes", vocab_size=257, source=source)
        return Tokens(train), Tokens(val), meta | dict(train_tokens=len(train), val_tokens=len(val))
    folder, metas = Path(name), []
    for part in find_parts(folder):
        if os.path.lexists(part / "progress.json"):  # a link that leads nowhere is not a missing file
            raise UserError(f"{part} is not finished (run its fineweb.py command again to continue it)")
        metas.append(Meta("gpt2", 50257))
        if os.path.lexists(part / "meta.json"):
            metas[-1] = read_json(part / "meta.json", Meta, REBUILD)
    meta = metas[0]
    if any(other.settings | dict(part="") != meta.settings | dict(part="") for other in metas):
        raise UserError(f"the parts in {folder} were made with different settings ({REBUILD})")
    train, val = (Shards(folder, split, meta.vocab_size) for split in ("train", "val"))
    for split, shards in (("train", train), ("val", val)):
        expected = sum(getattr(each, f"{split}_tokens") or 0 for each in metas) or len(shards)
        if len(shards) != expected:
            reason = f"{folder} has {len(shards):,} {split} tokens, but its meta.json says {expected:,}"
            raise UserError(f"{reason} ({REBUILD})")
    known = dict(tokenizer=meta.tokenizer, vocab_size=meta.vocab_size)
    known |= dict(train_tokens=len(train), val_tokens=len(val))
    return train, val, known | {key: meta.settings[key] for key in ("source",) if key in meta.settings}


# ---- Order -------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=2)
def round_tables(key, half):
    """Return four tables of 2**half random numbers of `half` bits, int64, that `key` stands for."""

    def draw(text):
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") % 2**half

    return [np.array([draw(f"{key} {turn} {right}") for right in range(2**half)]) for turn in range(4)]


def shuffled(positions, count, key):
    """Return where positions of 0 .. count - 1 go in the random order that `key` (any text) stands for.

    Four Feistel rounds permute the numbers of so many bits (Luby & Rackoff 1988), and a result of `count` or
    more is permuted again. Positions are int64 of any shape. No library's random numbers are involved.
    """
    half = ((count - 1).bit_length() + 1) // 2  # bits
    tables, positions = round_tables(key, half), np.asarray(positions)
    found, outside = np.empty_like(positions), np.ones(positions.shape, bool)
    while outside.any():
        left, right = positions >> half, positions & (2**half - 1)
        for table in tables:
            left, right = right, left ^ table[right]
        positions = left << half | right
        found = np.where(outside, positions, found)
        outside &= positions >= count
    return found
