"""Documents: the texts of FineWeb-Edu, or of files of your own.

A part is one or more files that are loaded together, as a table of datasets with the column text.
"""

import errno
import functools
import glob
import itertools
import os
from dataclasses import asdict
from pathlib import Path

import pyarrow.ipc
from pydantic.dataclasses import dataclass

from errors import UserError, one_line
from files import read_json_lines

FINEWEB = "HuggingFaceFW/fineweb-edu"  # Penedo et al. 2024
REVISION = "87f09149ef4734204d70ed1d046ddc9ca3f2b8f9"
READERS = {".parquet": "parquet", ".jsonl": "json", ".json": "json", ".txt": "text"}


@dataclass
class Document:
    """A row of a JSON file; what else it has is not read."""

    text: str | None


def read_documents(paths, versions):
    """Yield the texts of jsonl and txt files for datasets, which finds its cache by these arguments."""
    for path in map(Path, paths):
        if path.suffix.lower() == ".txt":
            yield dict(text=path.read_text(encoding="utf-8"))
        else:
            yield from map(asdict, read_json_lines(path, Document))


def file_version(path):
    """Return what changes when a file is edited: its size and the time of its last change."""
    return path.stat().st_size, path.stat().st_mtime_ns


def find_parts(options):
    """List what to read, in order: for each part a reader of datasets, and paths."""
    groups = itertools.groupby(options.input, key=lambda path: READERS[path.suffix.lower()])
    parts = [(reader, [str(path) for path in group]) for reader, group in groups]
    if not parts:
        from datasets import load_dataset_builder

        try:
            builder = load_dataset_builder(FINEWEB, options.name, revision=REVISION)
        except Exception as error:  # every library below has errors of its own
            fix = "check the name and the network; --input takes files that you have"
            raise UserError(f"cannot reach {FINEWEB} {options.name}: {one_line(error)} ({fix})") from error
        files = builder.config.data_files["train"]
        parts = [("parquet", [file]) for file in files]  # one at a time: less disk
    return parts


def read_rows(reader, paths, cache):
    """Load a part with datasets, which keeps it in the folder `cache`."""
    from datasets import Dataset, Features, Value, load_dataset

    if reader != "parquet":  # its JSON reader ends the process at some files, one with a null for a row
        known = dict(paths=paths, versions=[file_version(Path(path)) for path in paths])
        features = Features(text=Value("string"))
        return Dataset.from_generator(read_documents, features, str(cache), gen_kwargs=known)
    if not paths[0].startswith("hf://"):
        paths = [str(Path(path).absolute()) for path in paths]  # a: is the scheme of a URL
        if any("::" in path or os.path.expandvars(path) != path for path in paths):
            raise ValueError("datasets would read another file: rename it, without a :: and variables")
        paths = [glob.escape(path) for path in paths]  # *, ? and [ ]
    return load_dataset(reader, data_files=paths, split="train", cache_dir=str(cache))


def load_part(part, cache):
    """Load the documents of a part: a datasets.Dataset with one column, text. Raises UserError."""
    from datasets import Value

    names = ", ".join(part[1])
    names = names if len(names) < 100 else f"{names[:100]}..."
    try:
        rows = read_rows(*part, cache)
    except Exception as error:  # every library below has errors of its own
        cause = error.__cause__ or error
        if getattr(cause, "errno", None) == errno.ENOSPC:
            raise UserError(
                f"cannot write {cache}: {cause} (make room, and run the command again)"
            ) from error
        fix = "check the file, the disk and the network; the same command continues"
        raise UserError(f"cannot read {names}: {one_line(cause)} ({fix})") from error
    kind = rows.features.get("text")
    if not isinstance(kind, Value) or "string" not in kind.dtype:
        columns = ", ".join(rows.column_names)
        raise UserError(f"{names} has no column text of strings (its columns: {columns})")
    return rows.select_columns("text")


@functools.lru_cache(maxsize=1)
def open_texts(path):
    """Map the texts of one of datasets' Arrow files into memory; they are read where they are used."""
    return pyarrow.ipc.open_stream(pyarrow.memory_map(path)).read_all()["text"]
