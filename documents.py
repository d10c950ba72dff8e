"""Documents: the texts of FineWeb-Edu, or of files of your own, in blocks.

A block is about 4 MB of a file, and holds the documents that begin there. It can be read without what comes
before it, so that many processes can read a file at once.
"""

import collections
import functools
import glob
import hashlib
import itertools
import os
import threading
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pyarrow.parquet
from typing_extensions import TypedDict

from data import tokenize
from errors import UserError, one_line
from files import read_json_lines, regular_file

FINEWEB = "HuggingFaceFW/fineweb-edu"  # Penedo et al. 2024
REVISION = "87f09149ef4734204d70ed1d046ddc9ca3f2b8f9"
SUFFIXES = (".parquet", ".jsonl", ".json", ".txt")
BLOCK = 4_000_000  # bytes of text, about
LONG = 50_000  # characters; a longer document is a book, or many documents in one

# ---- Files -------------------------------------------------------------------------------------------------


def file_version(path):
    """Return what changes when a file is edited: its size and the time of its last change."""
    return path.stat().st_size, path.stat().st_mtime_ns


def list_input(word):
    """List the files that a word of --input names: a file, those in a folder, or those that fit a pattern.

    Raises UserError if there is none.
    """
    kinds = "parquet, jsonl or txt"
    if os.path.isfile(word):  # Path.is_file fails where a name is too long
        if Path(word).suffix.lower() not in SUFFIXES:
            raise UserError(f"--input {word} is not {kinds}")
        return [Path(word)]
    pattern = os.path.join(glob.escape(word), "**", "*") if os.path.isdir(word) else word
    found = map(Path, sorted(glob.glob(pattern, recursive=True)))
    found = [path for path in found if path.suffix.lower() in SUFFIXES and path.is_file()]
    if not found:
        reason = ": no such file or folder"
        if os.path.isdir(word) or glob.has_magic(word):
            reason = f" has no {kinds} file"
        raise UserError(f"--input {word}{reason}")
    return found


def list_fineweb(name):
    """List the files of a part of FineWeb-Edu, in order, as addresses on the hub. Raises UserError."""
    from datasets import load_dataset_builder

    try:
        builder = load_dataset_builder(FINEWEB, name, revision=REVISION)
    except Exception as error:  # every library below has errors of its own
        fix = "check the name and the network; --input takes files that you have"
        raise UserError(f"cannot reach {FINEWEB} {name}: {one_line(error)} ({fix})") from error
    return list(builder.config.data_files["train"])


def fetch(file):
    """Return the path of a file, after downloading it if it is an address on the hub. Raises UserError."""
    if not file.startswith("hf://"):
        return file
    from huggingface_hub import hf_hub_download

    name = file.split(f"{FINEWEB}@{REVISION}/")[-1]
    try:
        return hf_hub_download(FINEWEB, name, repo_type="dataset", revision=REVISION)
    except Exception as error:  # every library below has errors of its own
        fix = "check the disk and the network; the same command continues"
        raise UserError(f"cannot download {file}: {one_line(error)} ({fix})") from error


def in_background(function, *arguments):
    """Call a function in a thread that ends with the program; returns the Future of its result."""
    future = Future()

    def call():
        try:
            future.set_result(function(*arguments))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=call, daemon=True).start()
    return future


# ---- Blocks ------------------------------------------------------------------------------------------------


def cut_into_blocks(path, column="text", separator=""):
    """List the blocks of a file, each a tuple for read_block. Raises UserError."""
    try:
        suffix, size = Path(path).suffix.lower(), regular_file(Path(path)).stat().st_size
        if suffix == ".parquet":
            return cut_parquet(path, column)
        if suffix == ".txt" and not is_seekable(separator):
            return [(0, size)]
        return [(start, min(start + BLOCK, size)) for start in range(0, size, BLOCK)]
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise UserError(f"cannot read {path}: {one_line(error)} (check the file)") from error


def is_seekable(separator):
    """Return whether a search for a separator finds the same places from wherever it starts."""
    overlaps = any(separator.endswith(separator[:count]) for count in range(1, len(separator)))
    return separator != "" and not overlaps and not set(separator) & set("\r\n")


def cut_parquet(path, column):
    """List the blocks of a parquet file: (row group, first row in it, number of rows)."""
    with pyarrow.parquet.ParquetFile(path) as file:
        names, groups = file.schema_arrow.names, file.metadata
        kinds = [str(field.type) for field in file.schema_arrow if field.name == column]
        if kinds not in (["string"], ["large_string"], ["string_view"]):
            raise UserError(f"{path} has no column {column} of strings (its columns: {', '.join(names)})")
        blocks = []
        for number in range(groups.num_row_groups):
            group = groups.row_group(number)
            columns = [group.column(column) for column in range(group.num_columns)]
            size = sum(each.total_uncompressed_size for each in columns if each.path_in_schema == column)
            count = min(max(group.num_rows // max(round(size / BLOCK), 1), 1), 1000)
            for first in range(0, group.num_rows, count):
                blocks.append((number, first, min(count, group.num_rows - first)))
        return blocks


class RowGroup:
    """The texts of a row group of a parquet file, decoded as far as they have been read."""

    def __init__(self, path, number, column):
        self.file = pyarrow.parquet.ParquetFile(path, buffer_size=2**20)  # else a whole group is read at once
        batches = self.file.iter_batches(1000, [number], [column], use_threads=False)
        self.rows = (row for batch in batches for row in batch.column(0))
        self.position = 0

    def read(self, first, count):
        """Return the texts of `count` rows; `first` is not before the end of what was read last."""
        skipped = itertools.islice(self.rows, first - self.position)
        collections.deque(skipped, maxlen=0)
        self.position = first + count
        return [row.as_py() for row in itertools.islice(self.rows, count)]


open_row_group = functools.lru_cache(maxsize=1)(RowGroup)  # a worker reads several blocks of a group


@functools.cache
def row_type(column):
    """Return the type of a row of a JSON file; what else it has is not read."""
    return TypedDict("Row", {column: str | None})


def read_pieces(path, start, end, separator):
    """Return the documents between separators that begin at bytes from `start` to before `end`."""
    mark = separator.encode()
    with regular_file(path).open("rb") as file:
        first = file.seek(max(start - len(mark), 0))
        content = file.read(end - first)
        last = max(end - len(mark) - first, 0)  # the last document ends here or later
        while (stop := content.find(mark, last)) < 0 and (more := file.read(BLOCK)):
            content += more
    pieces = (content[:stop] if stop >= 0 else content).split(mark)
    return [piece.decode() for piece in pieces[start > 0 :]]  # without what began before


def read_text(path, start, end, separator):
    """Return the documents of a txt file that begin in a block. Line endings become \\n."""
    if not separator:
        return [regular_file(path).read_text(encoding="utf-8")]
    if is_seekable(separator):
        pieces = read_pieces(path, start, end, separator)
    else:
        pieces = regular_file(path).read_text(encoding="utf-8").split(separator)
    pieces = [piece.replace("\r\n", "\n").replace("\r", "\n").strip() for piece in pieces]
    return [piece for piece in pieces if piece]


def read_block(path, block, column="text", separator=""):
    """Return the documents of a block. Raises UserError."""
    suffix = Path(path).suffix.lower()
    try:
        if suffix == ".parquet":
            group, first, count = block
            if open_row_group(path, group, column).position > first:  # it does not go back
                open_row_group.cache_clear()
            texts = open_row_group(path, group, column).read(first, count)
        elif suffix == ".txt":
            texts = read_text(Path(path), *block, separator)
        else:
            texts = [row[column] for row in read_json_lines(Path(path), row_type(column), *block)]
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise UserError(f"cannot read {path}: {one_line(error)} (check the file)") from error
    return [(text or "").removeprefix("\ufeff") for text in texts]  # a byte order mark


def list_blocks(files, first_file=0, first_block=0, reading=("text", "")):
    """Yield all blocks from one on: (number of the file, of the block, share done, path, block).

    `reading` is the column and the separator. While the blocks of a file are used, the next file is
    downloaded. Raises UserError.
    """
    coming = in_background(fetch, files[first_file]) if first_file < len(files) else None
    for number in range(first_file, len(files)):
        path = coming.result()
        if number + 1 < len(files):
            coming = in_background(fetch, files[number + 1])
        blocks = cut_into_blocks(path, *reading)
        for index in range(first_block if number == first_file else 0, len(blocks)):
            yield number, index, (number + (index + 1) / len(blocks)) / len(files), path, blocks[index]


# ---- Validation --------------------------------------------------------------------------------------------


def is_drawn(text):
    """Return whether a document is for validation: one in ten is, by the hash of its text alone."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") % 10 == 0


def split_documents(texts, tokenizer):
    """Tokenize documents: uint16 (count,) to train, and uint16 (count,) to validate.

    A long document gives its last tenth for validation; of the others one in ten is drawn as a whole.
    """
    parts = [[tokenize([], tokenizer)] for _ in range(2)]
    for text in texts:
        tokens = tokenize([text], tokenizer)
        cut = len(tokens) * 9 // 10 if len(text) >= LONG else 0 if is_drawn(text) else len(tokens)
        for part, piece in zip(parts, np.split(tokens, [cut]), strict=True):
            part.append(piece)
    return tuple(map(np.concatenate, parts))


def split_by_position(tokens, eot):
    """Cut each document after nine tenths of its tokens: all first pieces, and all last pieces."""
    documents = np.split(tokens, np.flatnonzero(tokens == eot))
    halves = [np.split(document, [len(document) * 9 // 10]) for document in documents]
    return [np.concatenate(pieces) for pieces in zip(*halves, strict=True)]
