"""Make token shards of text, and read them.

    python fineweb.py                    FineWeb-Edu, its sample of 10 billion tokens
    python fineweb.py --pretokenized     the same as ready-made shards: a download of 20 GB, and no work
    python fineweb.py --input my.txt     any text, into data/my: txt, or the column text of parquet, jsonl

A shard is a file in llm.c's format: 256 int32 (20240520, 1, the number of tokens), then the tokens as uint16.
<|endoftext|> stands before every document. The first shard is for validation; a text of fewer than two shards
is split: its first 90 % train, its last 10 % validate. Killed at any moment, the same command goes on.

The sample of FineWeb-Edu needs 52 GB of disk: 28 GB of download (they stay in Hugging Face's cache), 4 GB for
the work, 20 GB of shards. A core makes some 5 million tokens a second, all of them in half an hour, and
takes 0.4 GB of memory.
"""

import bisect
import collections
import contextlib
import functools
import hashlib
import itertools
import json
import multiprocessing
import os
import shutil
import signal
import sys
import sysconfig
import threading
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow.ipc
import tiktoken
from tqdm import tqdm

from errors import UserError, one_line, run_program

# ---- Tokens ------------------------------------------------------------------------------------------------


@functools.cache
def get_tokenizer(name):
    """gpt2: GPT-2's byte-pair encoding, which tiktoken downloads once; bytes: the bytes of UTF-8."""
    if name == "bytes":
        ranks = {bytes([byte]): byte for byte in range(256)}
        special = {"<|endoftext|>": 256}
        return tiktoken.Encoding(
            "bytes", pat_str="(?s).{1,512}", mergeable_ranks=ranks, special_tokens=special
        )
    if name != "gpt2":
        raise UserError(f"the tokenizer {name} is unknown (gpt2, bytes)")
    try:
        return tiktoken.get_encoding("gpt2")
    except (OSError, ValueError) as error:  # no network, or something else than the vocabulary came back
        remedy = "connect once, or set TIKTOKEN_CACHE_DIR to a folder that has it"
        raise UserError(f"GPT-2's vocabulary is not here and cannot be downloaded ({remedy})") from error


def tokenize(texts, tokenizer):
    """The tokens of some documents, each after <|endoftext|>: uint16 (count,)."""
    encoding = get_tokenizer(tokenizer)
    pieces = []
    for text in texts:
        pieces += [[encoding.eot_token], encoding.encode_to_numpy(text or "", disallowed_special=())]
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


def write_json(path, value):
    """Write a value as JSON: whole, or not at all."""
    with whole_file(path) as file:
        file.write(json.dumps(value, indent=2).encode())


def write_shard(path, tokens):
    """Write tokens, uint16 (count,), as a shard: whole, or not at all."""
    header = np.zeros(HEADER_BYTES // 4, "<i4")
    header[:3] = MAGIC, VERSION, len(tokens)
    with whole_file(path) as file:
        file.write(header.data)
        file.write(tokens.data)


def count_tokens(path):
    """The tokens in a shard. Raises UserError if the file is not a shard, or not a whole one."""
    with path.open("rb") as file:
        header = np.frombuffer(file.read(HEADER_BYTES).ljust(HEADER_BYTES, b"\0"), "<i4")
    remedy = "delete the folder, and run fineweb.py again"
    if header[0] != MAGIC or header[1] != VERSION:
        raise UserError(f"{path} is not a shard of llm.c's format with uint16 tokens ({remedy})")
    count, size = int(header[2]), path.stat().st_size
    if size != HEADER_BYTES + 2 * count or count < 1:
        raise UserError(f"{path} has {size} bytes, but a header for {count} tokens ({remedy})")
    return count


class Shards:
    """The tokens of a split ("train" or "val"), in all its shards as if in one; they stay in the files."""

    def __init__(self, folder, split):
        self.paths = sorted(Path(folder).glob(f"*{split}*.bin"))
        if not self.paths:
            raise UserError(
                f"there are no {split} shards in {folder} (is that its name? fineweb.py makes them)"
            )
        self.ends = list(itertools.accumulate(count_tokens(path) for path in self.paths))

    def __len__(self):
        return self.ends[-1]

    def read(self, start, count):
        """The tokens from number `start` on: uint16 (count,)."""
        assert 0 <= start and start + count <= len(self), f"{count} tokens from {start} on, of {len(self)}"
        pieces = []
        while count > 0:
            shard = bisect.bisect_right(self.ends, start)
            first = self.ends[shard - 1] if shard else 0
            part = min(count, self.ends[shard] - start)
            offset = HEADER_BYTES + 2 * (start - first)
            pieces.append(np.fromfile(self.paths[shard], "<u2", part, offset=offset))
            start, count = start + part, count - part
        return np.concatenate(pieces)


def laptop_documents():
    """Texts that every Python brings, in a fixed order: its language reference, its library's top modules."""
    from pydoc_data.topics import topics

    library = Path(sysconfig.get_paths()["stdlib"])
    paths = [library / f"{name}.py" for name in sorted(sys.stdlib_module_names)]
    sources = [path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file()]
    return [topics[name] for name in sorted(topics)] + sources


class Tokens:
    """Tokens in memory, uint16 (count,), to be read like Shards."""

    def __init__(self, tokens):
        self.tokens = tokens

    def __len__(self):
        return len(self.tokens)

    def read(self, start, count):
        """The tokens from number `start` on: uint16 (count,)."""
        return self.tokens[start : start + count]


def open_data(name):
    """The tokens to train, those to validate, and what they are: of a data folder, or of "laptop".

    The last is a dictionary: tokenizer, vocab_size (GPT-2's, without a meta.json), train_tokens,
    val_tokens, and the source if that is known. Raises UserError for what is missing, torn or not finished.
    """
    if name == "laptop":
        tokens = tokenize(laptop_documents(), "bytes")
        cut = len(tokens) * 9 // 10
        source = f"Python, sha256 {hashlib.sha256(tokens.data).hexdigest()}"
        meta = dict(tokenizer="bytes", vocab_size=257, source=source)
        return (
            Tokens(tokens[:cut]),
            Tokens(tokens[cut:]),
            meta | dict(train_tokens=cut, val_tokens=len(tokens) - cut),
        )
    folder = Path(name)
    if (folder / "progress.json").exists():
        raise UserError(f"{folder} is not finished: run its fineweb.py command again, and it goes on")
    train, val = Shards(folder, "train"), Shards(folder, "val")
    meta = dict(tokenizer="gpt2", vocab_size=50257, train_tokens=len(train), val_tokens=len(val))
    if (folder / "meta.json").exists():
        try:
            found = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        except ValueError as error:
            remedy = "delete the folder, and run fineweb.py again"
            raise UserError(f"{folder / 'meta.json'} is torn: {one_line(error)} ({remedy})") from error
        found["source"] = found.pop("settings", {}).get("source")
        for key in ("train_tokens", "val_tokens"):
            if found.get(key, meta[key]) != meta[key]:
                reason = f"{folder} has {meta[key]:,} {key}, but was made with {found[key]:,}"
                raise UserError(f"{reason} (delete the folder, and run fineweb.py again)")
        meta |= found
    return train, val, meta


def shuffled(position, count, key):
    """Where a position of 0 .. count - 1 goes in the random order that `key` (any text) stands for.

    Nothing is stored: four Feistel rounds permute the numbers of so many bits (Luby & Rackoff 1988), and what
    lands beyond goes round again. The same order for ever, whatever random streams the libraries have.
    """
    half = ((count - 1).bit_length() + 1) // 2  # bits
    mask = (1 << half) - 1
    while True:
        left, right = position >> half, position & mask
        for turn in range(4):
            digest = hashlib.blake2b(f"{key} {turn} {right}".encode(), digest_size=8).digest()
            left, right = right, left ^ (int.from_bytes(digest, "little") & mask)
        position = left << half | right
        if position < count:
            return position


# ---- Text --------------------------------------------------------------------------------------------------

FINEWEB = "HuggingFaceFW/fineweb-edu"  # Penedo et al. 2024
REVISION = "87f09149ef4734204d70ed1d046ddc9ca3f2b8f9"
PRETOKENIZED = "kjj0/finewebedu10B-gpt2"  # its sample-10BT in shards
READERS = {".parquet": "parquet", ".jsonl": "json", ".json": "json", ".txt": "text"}


def find_parts(options):
    """What is to be read, in order: for each part the arguments of datasets.load_dataset."""
    parts = []
    for reader, group in itertools.groupby(options.input, key=lambda path: READERS[path.suffix.lower()]):
        whole = {"sample_by": "document"} if reader == "text" else {}
        parts.append(dict(path=reader, data_files=[str(path) for path in group], **whole))
    if not parts:
        from datasets import load_dataset_builder

        try:
            builder = load_dataset_builder(FINEWEB, options.name, revision=REVISION)
        except Exception as error:  # every library below has errors of its own
            remedy = "is the name right, is there a network? --input takes files that you have"
            raise UserError(f"cannot reach {FINEWEB} {options.name}: {one_line(error)} ({remedy})") from error
        files = builder.config.data_files["train"]
        parts = [dict(path="parquet", data_files=[file]) for file in files]  # one at a time: less disk
    return parts


def load_part(part, cache):
    """The documents of a part: a datasets.Dataset with one column, text."""
    from datasets import load_dataset

    names = ", ".join(part["data_files"])
    names = names if len(names) < 100 else f"{names[:100]}..."
    try:
        rows = load_dataset(**part, split="train", cache_dir=str(cache), keep_in_memory=False)
    except Exception as error:  # every library below has errors of its own
        remedy = "is the file whole, is there disk and network? the same command goes on"
        raise UserError(f"cannot read {names}: {one_line(error.__cause__ or error)} ({remedy})") from error
    if "text" not in rows.column_names or "string" not in rows.features["text"].dtype:
        raise UserError(f"{names} has no column text of strings (it has {', '.join(rows.column_names)})")
    return rows.select_columns("text")


@functools.lru_cache(maxsize=1)
def open_texts(path):
    """The texts in an Arrow file, as datasets keeps it: mapped into memory, read where they are wanted."""
    return pyarrow.ipc.open_stream(pyarrow.memory_map(path)).read_all()["text"]


def tokenize_rows(path, first, count, tokenizer):
    """The tokens of some documents in an Arrow file, which are read here: the work of a worker."""
    return tokenize(open_texts(path).slice(first, count).to_pylist(), tokenizer)


def work(connection):
    """A worker: answer each task that comes with its tokens, or an error; leave when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent alone
    with contextlib.suppress(EOFError, OSError):
        while True:
            task = connection.recv()
            try:
                answer = tokenize_rows(*task)
            except Exception as error:
                answer = error
            connection.send(answer)


def start_worker():
    """The connection to a new worker. Nobody else holds its other end, so it breaks when the worker dies."""
    spawn = multiprocessing.get_context("spawn")
    connection, other = spawn.Pipe()
    spawn.Process(target=work, args=[other], daemon=True).start()
    other.close()
    return connection


mine = threading.local()  # each thread of the parent has a worker of its own


def ask(*task):
    """The tokens of a task, from this thread's worker. Raises UserError if that is killed."""
    try:
        if not hasattr(mine, "connection"):
            mine.connection = start_worker()
        mine.connection.send(task)
        answer = mine.connection.recv()
    except (EOFError, OSError) as error:
        remedy = "the same command goes on; fewer --workers take less memory"
        raise UserError(f"a worker was killed; out of memory? ({remedy})") from error
    if isinstance(answer, Exception):
        raise answer
    return answer


def token_chunks(parts, cache, tokenizer, workers, first_part=0, first_row=0):
    """All tokens from a row of a part on, in order: yields (part, row, share of the whole done, tokens)."""
    pool = ThreadPoolExecutor(workers)  # of threads: each waits for its worker
    waiting = collections.deque()  # few more than there are workers: they take memory
    try:
        for part in range(first_part, len(parts)):
            rows, before = load_part(parts[part], cache), 0
            size = max(1, min(1000, 4_000_000 * len(rows) // max(rows.data.nbytes, 1)))  # about 4 MB of text
            for path in [file["filename"] for file in rows.cache_files]:
                here = len(open_texts(path))
                for row in range(max(0, first_row - before), here, size):
                    done = (part + min(before + row + size, len(rows)) / len(rows)) / len(parts)
                    waiting.append((part, before + row, done, pool.submit(ask, path, row, size, tokenizer)))
                    if len(waiting) > 2 * workers:
                        *position, tokens = waiting.popleft()
                        yield *position, tokens.result()
                before += here
            while waiting:
                *position, tokens = waiting.popleft()
                yield *position, tokens.result()
            first_row = 0
            del rows
            open_texts.cache_clear()
            shutil.rmtree(cache, ignore_errors=True)  # no worker reads it any more
    finally:
        pool.shutdown(cancel_futures=True)


def cut_into_shards(chunks, size, skip=0):
    """Cut a stream of chunks, without its first `skip` tokens, into shards.

    Yields (tokens, position): uint16, `size` of them but for the last shard, and where the next one begins: a
    part, a row, and the tokens from there on to skip; None after the last. The array is used again.
    """
    shard, filled = np.empty(size, "<u2"), 0
    for part, row, _, tokens in chunks:
        used = min(skip, len(tokens))
        skip -= used
        while used < len(tokens):
            if filled == size:
                yield shard, dict(part=part, row=row, skip=used)
                filled = 0
            count = min(len(tokens) - used, size - filled)
            shard[filled : filled + count] = tokens[used : used + count]
            used, filled = used + count, filled + count
    yield shard[:filled], None


def show_progress(chunks, before, limit):
    """Pass chunks on, and show how many tokens there are (`before` of old), how fast, how long it takes."""
    with tqdm(initial=before, unit=" tokens", unit_scale=True, smoothing=0.05) as bar:
        for chunk in chunks:
            *_, done, tokens = chunk
            bar.total = min(int((bar.n + len(tokens)) / done), limit or sys.maxsize)
            bar.update(min(len(tokens), bar.total - bar.n))
            yield chunk


START = dict(shards=0, tokens=0, part=0, row=0, skip=0)  # of a folder's progress.json


def begin(out, settings):
    """The state to go on from in the folder `out`; None if it is complete. UserError if it is another's."""
    for name in ("meta.json", "progress.json"):
        if (out / name).exists():
            try:
                state = json.loads((out / name).read_text(encoding="utf-8"))
            except ValueError:  # not ours
                state = {}
            if state.get("settings") == settings:
                return state if name == "progress.json" else None
            if state.get("shards") != 0:
                raise UserError(f"{out} holds shards of other settings (delete it, or choose another --out)")
    if any(out.glob("*.bin")):
        raise UserError(f"{out} holds shards of another program (delete it, or choose another --out)")
    out.mkdir(parents=True, exist_ok=True)
    return dict(settings=settings, **START)


def make_shards(options, state):
    """Read, tokenize and write the shards from a state on; progress.json keeps up with them."""
    out, tokenizer, parts = options.out, options.tokenizer, find_parts(options)
    chunks = token_chunks(
        parts, out / ".fineweb_cache", tokenizer, options.workers, state["part"], state["row"]
    )
    chunks = show_progress(chunks, state["tokens"] - state["skip"], options.shards * options.shard_tokens)
    for tokens, position in cut_into_shards(chunks, options.shard_tokens, state["skip"]):
        index = state["shards"]
        last = position is None or index + 1 == options.shards
        if last and state["tokens"] + len(tokens) < 2 * options.shard_tokens:  # too little for two shards
            if index == 1:  # one is written, as if more came; if this is killed, all begins again
                tokens = np.concatenate([Shards(out, "val").read(0, state["tokens"]), tokens])
                write_json(out / "progress.json", state | START)
                index = 0
            if np.count_nonzero(tokens != get_tokenizer(tokenizer).eot_token) < 10:
                raise UserError("there is hardly any text in the input")
            cut = len(tokens) * 9 // 10
            write_shard(out / "train_000001.bin", tokens[:cut])
            tokens = tokens[cut:]
        write_shard(out / f"{'train' if index else 'val'}_{index:06d}.bin", tokens)
        if last:
            break
        state |= dict(shards=index + 1, tokens=state["tokens"] + len(tokens), **position)
        write_json(out / "progress.json", state)


def download_shards(options):
    """Fetch shards that somebody else has made; what is here already is not fetched again."""
    from huggingface_hub import snapshot_download

    names = [f"finewebedu_train_{index:06d}.bin" for index in range(1, options.shards or 100)]
    names.append("finewebedu_val_000000.bin")
    try:
        snapshot_download(PRETOKENIZED, repo_type="dataset", allow_patterns=names, local_dir=options.out)
        for name in names:
            (options.out / name).stat()  # without a network the library may return as if all were here
    except Exception as error:  # every library below has errors of its own
        remedy = "is there disk and network? the same command goes on"
        raise UserError(f"cannot fetch {PRETOKENIZED}: {one_line(error)} ({remedy})") from error


def prepare(options):
    """Fill the folder options.out as the command line asks."""
    source = [PRETOKENIZED] if options.pretokenized else [FINEWEB, options.name, REVISION]
    if options.input:
        source = [
            [str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns] for path in options.input
        ]
    settings = dict(source=source, tokenizer=options.tokenizer)
    settings |= dict(shard_tokens=options.shard_tokens, shards=options.shards)
    vocab_size = get_tokenizer(options.tokenizer).n_vocab
    state = begin(options.out, settings)
    if state:
        write_json(options.out / "progress.json", state)
        if options.pretokenized:
            download_shards(options)
        else:
            make_shards(options, state)
        meta = dict(tokenizer=options.tokenizer, vocab_size=vocab_size, settings=settings)
        meta |= {f"{split}_tokens": len(Shards(options.out, split)) for split in ("train", "val")}
        write_json(options.out / "meta.json", meta)
    shutil.rmtree(options.out / ".fineweb_cache", ignore_errors=True)
    (options.out / "progress.json").unlink(missing_ok=True)
    *_, meta = open_data(options.out)
    print(f"{options.out}: {meta['train_tokens']:,} tokens to train, {meta['val_tokens']:,} to validate")


# ---- The command line --------------------------------------------------------------------------------------


def parse_options(arguments=None):
    """The options that a command line asks for: a list of words, by default this process's."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--name", default="sample-10BT", help="part of FineWeb-Edu: sample-10BT, sample-100BT"
    )
    source.add_argument("--pretokenized", action="store_true", help=f"sample-10BT as shards: {PRETOKENIZED}")
    source.add_argument(
        "--input", type=Path, nargs="+", default=[], help="your own files: parquet, jsonl, txt"
    )
    add = parser.add_argument
    add("--out", type=Path, help="folder of the shards (default: data/NAME)")
    add(
        "--tokenizer",
        choices=["gpt2", "bytes"],
        default="gpt2",
        help="bytes is for small models (default: gpt2)",
    )
    add("--shards", type=int, default=0, help="only the first so many (default: 0, all)")
    add("--shard_tokens", type=int, default=100_000_000, help="tokens in a shard (default: 100 million)")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    add("--workers", type=int, default=min(cores, 61), help="processes that tokenize (default: one a core)")
    options = parser.parse_args(arguments)
    fewest = 2 if options.pretokenized and options.shards else 0  # one to train, one to validate
    for name, least in dict(shards=fewest, shard_tokens=100, workers=1).items():
        if not least <= getattr(options, name) < 2**31:
            parser.error(f"--{name} must be at least {least}, and less than 2**31")
    if options.pretokenized and options.tokenizer != "gpt2":
        parser.error("--pretokenized shards are made with --tokenizer gpt2")
    for path in options.input:
        if path.suffix.lower() not in READERS or not path.is_file():
            reason = "is neither parquet, jsonl nor txt" if path.is_file() else "is not here"
            raise UserError(f"--input {path} {reason}")
    if options.out is None:
        name = f"fineweb-edu-{options.name.removeprefix('sample-').removesuffix('T')}"
        options.out = Path("data", options.input[0].stem if options.input else name)
    return options


def main(arguments=None):
    prepare(parse_options(arguments))


if __name__ == "__main__":
    run_program(main, interrupted="interrupted (the same command continues)")
