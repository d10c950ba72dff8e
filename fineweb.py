"""Turn text into token shards.

    python fineweb.py                    FineWeb-Edu, its sample of 10 billion tokens
    python fineweb.py --pretokenized     the same as ready-made shards: a download of 20 GB, and no work
    python fineweb.py --input my.txt     any text, into data/my: txt, or the column text of parquet, jsonl
    python fineweb.py --input a.txt a.txt b/    a mix: what is named twice is read twice, and weighs twice
    python fineweb.py --part 2/3         the second of three parts; three machines fill one folder

Every document is preceded by <|endoftext|>. The first shard of FineWeb-Edu is for validation. Of your own
documents one in ten is, drawn by the hash of its text, and of those with 50,000 characters or more the last
tenth of each. A txt file is a document, unless --split_on says what separates several. Byte order marks are
dropped, and the line endings of txt files become \\n. Of several inputs, the share of each is printed. If it
is interrupted or killed, the same command continues. data.py describes and reads the shards.

The sample of FineWeb-Edu needs 48 GB of disk: 28 GB of downloads, which stay in Hugging Face's cache, and 20
GB of shards. A core tokenizes about 5 million tokens per second, in 0.4 GB of memory.
"""

import collections
import contextlib
import hashlib
import itertools
import multiprocessing
import os
import re
import signal
import sys
import threading
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass
from tqdm import tqdm

from config import whole_number
from data import (
    Meta,
    Shards,
    count_tokens,
    get_tokenizer,
    list_shards,
    name_part,
    open_data,
    tokenize,
    write_shard,
)
from documents import (
    FINEWEB,
    REVISION,
    file_version,
    list_blocks,
    list_fineweb,
    list_input,
    read_block,
    split_by_position,
    split_documents,
)
from errors import UserError, one_line, printable, run_program
from files import lock_folder, name_some, read_json, write_json

PRETOKENIZED = "kjj0/finewebedu10B-gpt2"  # the sample of 10 billion tokens in shards

# ---- Workers -----------------------------------------------------------------------------------------------


def tokenize_block(path, block, tokenizer, reading=("text", ""), split=False):
    """Tokenize the documents of a block of a file: uint16 (count of tokens,). Runs in a worker.

    With `split` they are two arrays: to train, and to validate.
    """
    texts = read_block(path, block, *reading)
    return split_documents(texts, tokenizer) if split else tokenize(texts, tokenizer)


def worker_loop(connection):
    """Answer each task with its tokens or an exception, until the parent's end of the connection closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent alone
    with contextlib.suppress(EOFError, OSError):
        while True:
            task = connection.recv()
            try:
                answer = tokenize_block(*task)
            except Exception as error:
                answer = error
            connection.send(answer)


def start_worker():
    """Start a worker, and return the connection to it, which breaks when the worker dies."""
    spawn = multiprocessing.get_context("spawn")
    connection, other = spawn.Pipe()
    spawn.Process(target=worker_loop, args=[other], daemon=True).start()
    other.close()
    return connection


thread_local = threading.local()  # each thread of the parent has a worker of its own


def request_tokens(*task):
    """Return the tokens of a task from this thread's worker. Raises UserError if the worker dies."""
    try:
        if not hasattr(thread_local, "connection"):
            thread_local.connection = start_worker()
        thread_local.connection.send(task)
        answer = thread_local.connection.recv()
    except (EOFError, OSError) as error:
        fix = "the same command continues; fewer --workers need less memory"
        raise UserError(f"a worker was killed, perhaps for lack of memory ({fix})") from error
    if isinstance(answer, Exception):
        raise answer
    return answer


def token_chunks(files, task, workers, first_file=0, first_block=0):
    """Tokenize everything from a block of a file on, in order: yields (file, block, share done, tokens).

    `task` are the arguments of tokenize_block after the block.
    """
    pool = ThreadPoolExecutor(workers)  # of threads: each waits for its worker
    waiting = collections.deque()  # at most three times as many as workers: results take memory
    try:
        for *position, path, block in list_blocks(files, first_file, first_block, *task[1:2]):
            waiting.append((*position, pool.submit(request_tokens, path, block, *task)))
            if len(waiting) > 3 * workers:
                *position, tokens = waiting.popleft()
                yield *position, tokens.result()
        for *position, tokens in waiting:
            yield *position, tokens.result()
    finally:
        pool.shutdown(cancel_futures=True)


def cut_into_shards(chunks, size, skip=0):
    """Cut a stream of chunks, without its first `skip` tokens, into shards.

    Yields (tokens, position): uint16, `size` of them but for the last shard, and where the next one begins: a
    file, a block, and the tokens from there on to skip; None after the last. The array is used again.
    """
    shard, filled = np.empty(size, "<u2"), 0
    for file, block, _, tokens in chunks:
        used = min(skip, len(tokens))
        skip -= used
        while used < len(tokens):
            if filled == size:
                yield shard, dict(file=file, block=block, skip=used)
                filled = 0
            count = min(len(tokens) - used, size - filled)
            shard[filled : filled + count] = tokens[used : used + count]
            used, filled = used + count, filled + count
    yield shard[:filled], None


def set_aside(chunks, held, names, inputs):
    """Pass on the first of the two arrays of each chunk; when it is used, append the second to `held`.

    Then their lengths are added to those of the file's input, too: inputs[name] is (to train, to validate).
    """
    for file, *position, (tokens, others) in chunks:
        yield file, *position, tokens
        held.append(others)
        train, val = inputs.get(names[file], (0, 0))
        inputs[names[file]] = train + len(tokens), val + len(others)


def show_tokens(chunks, before, limit):
    """Pass chunks on, and show the number of tokens (`before` from earlier), their rate, the time left."""
    with tqdm(initial=before, unit=" tokens", unit_scale=True, smoothing=0.05) as bar:
        for chunk in chunks:
            *_, done, tokens = chunk
            bar.total = min(int((bar.n + len(tokens)) / done), limit or sys.maxsize)
            bar.update(min(len(tokens), bar.total - bar.n))
            yield chunk


# ---- The folder --------------------------------------------------------------------------------------------

FIX = "delete the folder, or choose another --out"
TOO_SHORT = "the input has fewer than 10 tokens of text (check the files)"


@dataclass
class Progress:
    """progress.json: what is finished, and where to continue. meta.json has its settings, too."""

    settings: dict
    shards: int = Field(ge=0)
    tokens: int = Field(ge=0)
    file: int = Field(ge=0)
    block: int = Field(ge=0)
    skip: int = Field(ge=0)  # tokens of that block that are in a shard already
    inputs: dict[str, tuple[int, int]] = Field(default_factory=dict)  # of the blocks before, see set_aside


def describe_setting(value):
    """Return a value of the settings of shards as text; of a file in a list, its name and size are enough."""
    if not isinstance(value, list):
        return str(value)[:80] or "''"
    words = []
    for item in value:
        match item:
            case [str(path), int(size), int(_)]:
                words.append(f"{Path(path).name} ({size:,} bytes)")
            case _:
                words.append(str(item)[:80])
    return name_some(words, 4)


def describe_changes(old, new):
    """Return where two settings of shards differ, with both values; of lists, what only one of them has."""
    changes = []
    for name in sorted(key for key in old | new if old.get(key) != new.get(key)):
        values = [old.get(name, "none"), new.get(name, "none")]
        if all(isinstance(value, list) for value in values):
            only = [[item for item in mine if item not in theirs] for mine, theirs in (values, values[::-1])]
            values = only if all(only) else values
        before, now = map(describe_setting, values)
        changes.append(f"{name} {before}, now {now if now != before else 'changed'}")
    return "; ".join(changes)


def begin(out, settings):
    """Return the Progress to continue from in the folder `out`, None if it is complete. Raises UserError."""
    for name, schema in (("meta.json", Meta), ("progress.json", Progress)):
        if os.path.lexists(out / name):
            found = read_json(out / name, schema, FIX)
            if found.settings == settings:
                return check_progress(out, found) if name == "progress.json" else None
            if name == "meta.json" or found.shards:
                changes = describe_changes(found.settings, settings)
                raise UserError(f"{out} holds shards of other settings: {changes} ({FIX})")
    if any(out.glob("*.bin")):
        raise UserError(f"{out} holds shards of another program (delete it, or choose another --out)")
    return Progress(settings, 0, 0, 0, 0, 0)


def shard_path(out, index, settings):
    """Return the path of a shard; the first one is for validation, but not in a later part."""
    if "val" in settings:  # drawn: it has shards of its own
        return out / f"train_{index + 1:06d}.bin"
    later = index > 0 or settings.get("part", [1, 1])[0] > 1
    return out / f"{'train' if later else 'val'}_{index:06d}.bin"


def check_progress(out, state):
    """Return a Progress that agrees with itself and with the shards in the folder `out`. Or UserError."""
    size = state.settings["shard_tokens"]
    begun = state.shards or not (state.file or state.block or state.skip)
    whole = all(count_tokens(shard_path(out, index, state.settings)) == size for index in range(state.shards))
    if not begun or not whole or state.tokens != state.shards * size:
        raise UserError(f"{out / 'progress.json'} does not fit the shards beside it ({FIX})")
    return state


def continued(chunks, out, state):
    """Return the chunks after checking that they begin at the position of a Progress. Or UserError."""
    first = next(chunks, (None, None, []))
    if first[:2] != (state.file, state.block) or state.skip >= len(first[-1]):
        raise UserError(f"{out / 'progress.json'} does not fit the input ({FIX})")
    return itertools.chain([first], chunks)


def share(files, part, parts):
    """Return the files of a part (from 1): as many as of the others, or one more. Raises UserError."""
    if parts > len(files):
        raise UserError(f"--part {part}/{parts} is not possible: there are only {len(files)} files to share")
    return files[len(files) * (part - 1) // parts : len(files) * part // parts]


def check_text(tokens, eot):
    """Raise UserError if there is almost no text in tokens."""
    if np.count_nonzero(tokens != eot) < 10:
        raise UserError(TOO_SHORT)


def make_shards(options, state):
    """Read, tokenize and write the shards from a Progress on; progress.json follows.

    Returns how many tokens of whole blocks each input has: {name: (to train, to validate)}.
    """
    out, tokenizer, size = options.out, options.tokenizer, options.shard_tokens
    eot = get_tokenizer(tokenizer).eot_token
    files = share([str(path) for path in options.input] or list_fineweb(options.name), *options.part)
    drawn, held, task = "val" in state.settings, [], (tokenizer, (options.column, options.split_on))
    chunks = token_chunks(files, (*task, drawn), options.workers, state.file, state.block)
    names, inputs = share(options.names or files, *options.part), dict(state.inputs)
    chunks = set_aside(chunks, held, names, inputs) if drawn else chunks
    if state.shards:
        chunks = continued(chunks, out, state)
    chunks = show_tokens(chunks, state.tokens - state.skip, options.shards * size)
    for tokens, position in cut_into_shards(chunks, size, state.skip):
        index = state.shards
        last = position is None or index + 1 == options.shards
        small = last and state.tokens + len(tokens) < 2 * size and not drawn
        if small and options.part[0] == 1:  # too few for two shards: split 90 to 10
            if index == 1:  # the first is written already; if this is killed, all starts again
                tokens = np.concatenate([Shards(out, "val").read(0, state.tokens), tokens])
                write_json(out / "progress.json", asdict(Progress(state.settings, 0, 0, 0, 0, 0)))
                index = 0
            check_text(tokens, eot)
            cut = len(tokens) * 9 // 10
            write_shard(out / "train_000001.bin", tokens[:cut])
            tokens = tokens[cut:]
        if drawn:
            val = np.concatenate([tokens[:0], *held])
            paths = [out / f"val_{number:06d}.bin" for number in range(index + 1)]
            held.clear()
            empty = not len(tokens) or not (len(val) or any(path.exists() for path in paths[:-1]))
            if last and empty and options.part == (1, 1):  # too few documents to draw from
                tokens = np.concatenate([tokens, val])
                check_text(tokens, eot)
                tokens, val = split_by_position(tokens, eot)
            paths[-1].unlink(missing_ok=True)
            if len(val):
                write_shard(paths[-1], val)
        if len(tokens):
            write_shard(shard_path(out, index, state.settings), tokens)
        if last:
            break
        tokens = state.tokens + len(tokens)
        state = replace(state, shards=index + 1, tokens=tokens, inputs=inputs, **position)
        write_json(out / "progress.json", asdict(state))
    return inputs


@contextlib.contextmanager
def one_line_errors():
    """Turn any error of a download into a UserError."""
    try:
        yield
    except Exception as error:  # every library below has errors of its own
        fix = "check the disk and the network; the same command continues"
        raise UserError(f"cannot download {PRETOKENIZED}: {one_line(error)} ({fix})") from error


def pin_shards(out):
    """Return name and revision of the ready-made shards: those of the folder `out`, or else the newest one.

    Raises UserError.
    """
    for name, schema in (("meta.json", Meta), ("progress.json", Progress)):
        if os.path.lexists(out / name):
            source = read_json(out / name, schema, FIX).settings.get("source")
            if isinstance(source, list) and source[:1] == [PRETOKENIZED]:
                return source
    with one_line_errors():
        import huggingface_hub

        return [PRETOKENIZED, huggingface_hub.HfApi().dataset_info(PRETOKENIZED).sha]


@one_line_errors()
def download_shards(options, source):
    """Download the ready-made shards that pin_shards names; those that are here already are kept."""
    from huggingface_hub import snapshot_download

    names = [f"finewebedu_train_{index:06d}.bin" for index in range(1, options.shards or 100)]
    names.append("finewebedu_val_000000.bin")
    name, revision = (*source, None)[:2]  # an older version did not record the revision
    settings = dict(repo_type="dataset", revision=revision, local_dir=options.out)
    snapshot_download(name, allow_patterns=names, **settings)
    for name in names:
        (options.out / name).stat()  # without a network the library may return as if all were here


def prepare(options):
    """Fill the folder options.out, or that of a part in it, as the command line asks."""
    out, source = options.out, [FINEWEB, options.name, REVISION]
    if options.pretokenized:
        source = pin_shards(out)
    elif options.input:
        source = [[printable(str(path.resolve())), *file_version(path)] for path in options.input]
        if sum(size for _, size, _ in source) < 10:  # before there is a folder: a token has at least a byte
            raise UserError(TOO_SHORT)
        if len(source) > 100:
            source = [f"{len(source)} files", hashlib.sha256(repr(source).encode()).hexdigest()]
    settings = dict(source=source, tokenizer=options.tokenizer)
    settings |= dict(shard_tokens=options.shard_tokens, shards=options.shards)
    if options.val == "documents":
        settings |= dict(val="one document in ten", column=options.column, split_on=options.split_on)
    vocab_size = get_tokenizer(options.tokenizer).n_vocab
    number, count = options.part
    there = [*out.iterdir()] if os.path.isdir(out) else []  # a name that is too long is refused by the lock
    others = [path for path in there if path.match("part*of*") and not path.name.endswith(f"of{count}")]
    if count > 1:
        settings |= dict(part=[number, count])
        others += [path for path in there if path.suffix == ".bin"]
        out = options.out = out / name_part(number, count)
    if others:
        raise UserError(f"{others[0]} was not made with --part i/{count} ({FIX})")
    with lock_folder(out):
        state = begin(out, settings)
        if state:
            write_json(out / "progress.json", asdict(state))
            ready = options.pretokenized
            inputs = download_shards(options, source) if ready else make_shards(options, state)
            meta = dict(
                inputs=inputs or {}, tokenizer=options.tokenizer, vocab_size=vocab_size, settings=settings
            )
            meta |= {f"{split}_tokens": count_split(out, split) or None for split in ("train", "val")}
            write_json(out / "meta.json", meta)
        (out / "progress.json").unlink(missing_ok=True)
    if count == 1:
        open_data(out)  # does it fit its meta.json?
    train, val = count_split(out, "train"), count_split(out, "val")
    print(f"{out}: {train:,} tokens to train, {val:,} to validate")
    inputs = read_json(out / "meta.json", Meta, FIX).inputs
    if len(inputs) > 1 and sum(first for first, _ in inputs.values()) == train:  # else a block is cut
        for name, (first, second) in inputs.items():
            shares = f"{first / max(train, 1):.1%}) to train, {second:,} ({second / max(val, 1):.1%}"
            print(f"{name}: {first:,} ({shares}) to validate")


def count_split(out, split):
    """Return the number of tokens to train on, or to validate with, in the folder of a part or of all."""
    return sum(map(count_tokens, list_shards(out, split)))


# ---- The command line --------------------------------------------------------------------------------------


def part_number(text):
    """Turn i/n into two numbers, for argparse."""
    match = re.fullmatch("([0-9]{1,4})/([0-9]{1,4})", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise ArgumentTypeError(f"must be i/n, with i from 1 to n, e.g. 2/3, not {text[:50]}")
    return int(match[1]), int(match[2])


def parse_options(arguments=None):
    """Return the options of a command line, a list of words; None means this process's arguments."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--name", default="sample-10BT", help="part of FineWeb-Edu, e.g. sample-100BT")
    source.add_argument("--pretokenized", action="store_true", help=f"sample-10BT as shards: {PRETOKENIZED}")
    meaning = (
        "your texts: parquet, jsonl, txt; folders, patterns like 'a/*.txt'; what is named twice is read twice"
    )
    source.add_argument("--input", nargs="+", default=[], help=meaning)
    add = parser.add_argument
    add("--column", default="text", help="the column of parquet and jsonl (default: text)")
    add("--split_on", default="", metavar="TEXT", help="what separates the documents of a txt file")
    meaning = "validate on one document in ten (default with --input), or on the first shard"
    add("--val", choices=["documents", "first"], help=meaning)
    add("--out", type=Path, help="folder of the shards (default: data/NAME)")
    part = "make only the i-th of n parts, from its share of the files; one command per i fills the folder"
    add("--part", type=part_number, default=(1, 1), metavar="i/n", help=part)
    add(
        "--tokenizer",
        choices=["gpt2", "bytes"],
        default="gpt2",
        help="bytes: for small models (default: gpt2)",
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for name, default, low, high, meaning in (
        ("--shards", 0, 0, 10**6, "write only the first so many (default: 0, all)"),
        ("--shard_tokens", 100_000_000, 100, 2**31 - 1, "tokens per shard (default: 100 million)"),
        ("--workers", min(cores, 61), 1, 1000, "processes that tokenize (default: one per core)"),
    ):
        add(name, type=whole_number(low, high), default=default, help=meaning)
    options = parser.parse_args(arguments)
    if options.pretokenized and options.shards == 1:
        parser.error("--pretokenized --shards 1 must be at least 2: one to train, one to validate")
    if options.pretokenized and options.tokenizer != "gpt2":
        parser.error("--pretokenized shards are made with --tokenizer gpt2")
    if options.pretokenized and options.part != (1, 1):
        parser.error("--pretokenized shards are not made in parts (leave out --part)")
    options.val = options.val or ("documents" if options.input else "first")
    if options.val == "documents" and not options.input:
        parser.error("--val documents needs --input")
    words, found = options.input, [(word, path) for word in options.input for path in list_input(word)]
    times = {word: f" x {words.count(word)}" if words.count(word) > 1 else "" for word in words}
    options.input, options.names = [path for _, path in found], [word + times[word] for word, _ in found]
    if options.out is None:
        name = f"fineweb-edu-{options.name.removeprefix('sample-').removesuffix('T')}"
        if words:
            name = Path(words[0]).resolve().stem if os.path.exists(words[0]) else options.input[0].parent.name
        options.out = Path("data", name or "input")
    return options


def main(arguments=None):
    prepare(parse_options(arguments))


if __name__ == "__main__":
    run_program(main, interrupted="interrupted (the same command continues)")
