"""Property-based tests: whatever its flags and its files are, a program works or says what to do.

make test tries some cases, the same each time. make fuzz tries more than 20,000 new ones in ten minutes, and
prints its seed; `make fuzz SEED=...` repeats them.
"""

import builtins
import contextlib
import functools
import io
import json
import logging
import math
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections import Counter
from dataclasses import asdict, fields
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import datasets
import huggingface_hub
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
import transformers
from hypothesis import HealthCheck, Phase, example, given, seed, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from test_data import as_shards

import config
import curve
import data
import files
import fineweb
import hellaswag
import machine
import plan
import runs
import train_gpt2
from errors import UserError
from machine import Machine

ROOT = Path(__file__).parent.parent
FUZZ = bool(os.environ.get("FUZZ"))
SEED = int(os.environ.get("SEED") or random.SystemRandom().getrandbits(32))
SECONDS = 60 if FUZZ else 30  # a program that takes longer hangs
CASES, TIMES = Counter(), Counter()

TINY = "--device cpu --dtype float32 --context 16 --n_layer 1 --n_head 2 --n_embd 8 --micro_batch 2".split()
TINY += "--batch_tokens 32 --preset gpt2 --data data --hellaswag_every 0 --sample_tokens 2".split()
TEXT = "First Citizen:\nBefore we proceed any further, hear me speak.\n" * 5
ROW = dict(ctx="A man", endings=["sits down.", "flies.", "is a tree.", "sings."], label="0")


# ---- The frame ---------------------------------------------------------------------------------------------


def fuzz(short, long, *pinned, **strategies):
    """Run a test with pinned cases and `short` others, always the same; in make fuzz with `long` new ones."""

    def decorate(test):
        @functools.wraps(test)
        def counted(**values):
            begin = time.process_time()
            try:
                test(**values)
            finally:
                CASES[test.__name__] += 1
                TIMES[test.__name__] += time.process_time() - begin

        phases = [Phase.explicit, Phase.generate, Phase.shrink]
        options = dict(derandomize=not FUZZ, database=None, deadline=None, print_blob=True, phases=phases)
        options |= dict(max_examples=long if FUZZ else short, suppress_health_check=list(HealthCheck))
        wrapped = given(**strategies)(counted)
        for case in pinned:  # each was a fault
            wrapped = example(**case)(wrapped)
        wrapped = settings(**options)(wrapped)
        return seed(SEED)(wrapped) if FUZZ else wrapped

    return decorate


class Hang(BaseException):
    """A program takes too long."""


def end(program, *arguments):
    """Call a program: "" if it ends normally, else what it says. Any other end fails the test."""

    def stop(*_):
        raise Hang

    err = io.StringIO()
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
            program(*arguments)
        return ""
    except UserError as error:
        said = str(error)
    except SystemExit as error:
        said = err.getvalue() if error.code else "--help"
        assert error.code in (0, 2), error.code
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        torch.use_deterministic_algorithms(False)
        torch.set_float32_matmul_precision("highest")
    assert said.strip()
    return said


@pytest.fixture(scope="module", autouse=True)
def frame():
    """Patch what is slow, global or needs a network; print the number of cases at the end."""
    if not hasattr(signal, "SIGALRM"):
        pytest.skip("needs alarms, to end what hangs")

    def refuse(*_, **__):
        raise ConnectionError("no network in the tests")

    read_rows = hellaswag.load_rows

    def load_rows(path=None):
        return read_rows(path) if path else [files.parse_values(ROW, hellaswag.Row)] * 3

    sysconf = os.sysconf

    logging.disable()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
            patch.delenv(name, raising=False)
        patch.setattr(Machine, "stop_on_signals", lambda self: None)
        patch.setattr(machine, "keep_freed_memory", lambda: None)
        patch.setattr(os, "fsync", lambda descriptor: None)
        patch.setattr(os, "sysconf", lambda name: 5000 if name == "SC_PHYS_PAGES" else sysconf(name))  # 20 MB
        patch.setattr(torch, "compile", lambda model, **_: model)
        patch.setattr(runs, "draw", lambda folders: "")
        patch.setattr(runs, "subprocess", SimpleNamespace(run=lambda *_, **__: SimpleNamespace(stdout="")))
        patch.setattr(hellaswag, "load_rows", load_rows)
        patch.setattr(fineweb, "request_tokens", fineweb.tokenize_block)  # in this process
        patch.setattr(datasets, "load_dataset_builder", refuse)
        patch.setattr(huggingface_hub, "snapshot_download", refuse)
        for name in ("AutoConfig", "AutoModelForCausalLM", "AutoTokenizer"):
            loader = getattr(transformers, name)
            local = functools.partial(loader.from_pretrained, local_files_only=True)
            patch.setattr(loader, "from_pretrained", local)
        yield
    logging.disable(logging.NOTSET)
    if FUZZ:
        for name, count in CASES.items():
            print(f"{count:7,} cases in {TIMES[name]:6.1f} s  {name}")
        print(f"{CASES.total():7,} cases in {sum(TIMES.values()):6.1f} s, seed {SEED}")


@pytest.fixture(scope="module")
def material(frame, tmp_path_factory):
    """A folder with data, and a run of three steps that was stopped after the second."""
    folder = tmp_path_factory.mktemp("material")
    with contextlib.chdir(folder):
        as_shards(data.tokenize([TEXT], "bytes"))
        meta = dict(tokenizer="bytes", vocab_size=257, settings=dict(source=["mine"]))
        files.write_json(Path("data/meta.json"), meta)
        assert not end(train_gpt2.main, [*TINY, *"--out run --steps 3 --save_every 1 --keep 0".split()])
        Path("run/step_000003").rename("finished")
        for path in set(Path("run").glob("step_*")) - {Path("run/step_000002")}:
            shutil.rmtree(path)
    return folder


RARELY = st.integers(0, 19).map(lambda number: number == 19)


@contextlib.contextmanager
def place(material=None, *names):
    """Work in a new folder with copies of some of the material."""
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top, "a", "b", "c")  # for names like ../..
        folder.mkdir(parents=True)
        for name in names:
            shutil.copytree(material / name, folder / name, symlinks=True)
        with contextlib.chdir(folder):
            yield folder


# ---- What is generated -------------------------------------------------------------------------------------

NUMBERS = [0, 1, -1, 2, 3, 2**31 - 1, 2**31, 2**32, 2**63, 2**64, 10**9, 10**30, 10**400, 1.7, -0.5, 1e-320]
NUMBERS += [1e308, math.nan, math.inf, -math.inf, True, False]
STRANGE = ["", " ", "9" * 5000, "a" * 300, "x" * 5000, "\udcff", "\x1b[31m", "a\nb", "run/step_000002"]
STRANGE += "nan inf -inf 1e400 ٣ １２ 1_000 0x10 1e-320 - -- none null true [] {} %s % * [a] ~ . ..".split()
STRANGE += "日本語 gpt2 bytes cpu laptop data run".split()
letters = st.characters(codec="utf-8", exclude_characters="\0/")
numbers = st.sampled_from(NUMBERS) | st.integers() | st.floats()
words = st.sampled_from(STRANGE) | numbers.map(str) | st.integers(-3, 40).map(str)
words |= st.text(letters, max_size=20)
scalars = st.none() | numbers | st.text(max_size=8) | st.sampled_from(STRANGE)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def variants(draw, value, new=anything):
    """Values like this one, but that one part of it is another, is missing or is added."""
    if isinstance(value, dict | list) and value and draw(st.integers(0, 7)):
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key = draw(st.sampled_from(keys))
        changed = value.copy()
        if draw(st.integers(0, 5)):
            changed[key] = draw(variants(value[key], new))
        else:
            del changed[key]
        return changed
    if isinstance(value, dict) and draw(st.integers(0, 3)):
        return value | {draw(st.text(max_size=5)): draw(new)}
    return draw(new)


def as_json(value):
    """A value as the bytes of a JSON document; Python's own writer has no limits."""
    return json.dumps(value).encode()


@st.composite
def damaged(draw, content):
    """Bytes like these, but torn, overwritten, longer, or others."""
    kind, at = draw(st.integers(0, 5)), draw(st.integers(0, max(len(content) - 1, 0)))
    if kind == 0:
        return content[:at]
    if kind == 1:
        other = draw(st.binary(min_size=1, max_size=8))
        return content[:at] + other + content[at + len(other) :]
    if kind == 2:
        return content[:at] + draw(st.binary(min_size=1, max_size=8)) + content[at:]
    if kind == 3:
        return content + draw(st.sampled_from([b"\0", content, b"}", b"\n", b"\xff"]))
    some = [b"", b"\0" * 100, b"\xef\xbb\xbf" + content, b"[" * 100_000, b'{"a":' * 10_000, b"\xff\xfe"]
    return draw(st.sampled_from(some) | st.binary(max_size=50))


def documents(value):
    """The bytes of JSON documents like a value."""
    changed = variants(value).map(as_json)
    return st.one_of(changed, changed, changed, st.just(as_json(value)), damaged(as_json(value)))


def loaded(content):
    """What a JSON document says, by Python's own reader; None if it is not one."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def whole(value, low, high=math.inf):
    """Whether a value is an integer between two limits; True is none."""
    return type(value) is int and low <= value <= high


# ---- Command lines -----------------------------------------------------------------------------------------


def limits(field):
    """The lowest and the highest value of a field that is a number."""
    found = {type(limit).__name__: limit for limit in field.default.metadata}
    return found["Ge"].ge, found["Le"].le


def likely(field):
    """Words that are allowed for a field; the limits among them."""
    if choices := get_args(field.type):
        return st.sampled_from(choices)
    if field.type is bool:
        return st.sampled_from(["true", "false", "True", "FALSE"])
    if field.type is str:
        return st.sampled_from("data run run/step_000002 new cpu laptop scratch text".split())
    low, high = limits(field)
    if field.type is int:
        small = st.integers(low, min(high, max(low, 70)))
        return (small | small | st.integers(low, high) | st.sampled_from([low, high])).map(str)
    return (st.floats(low, high) | st.sampled_from([low, high])).map(str)


def command_lines(flags):
    """Lists of words: flags with values that they may have ({flag: words}) and others, words between them."""
    pairs = st.sampled_from(sorted(flags)).flatmap(
        lambda flag: st.tuples(st.just(flag), st.one_of(*[flags[flag]] * 9, words))
    )
    usual = pairs.map(lambda pair: [f"--{pair[0]}", pair[1]])
    others = st.one_of(
        pairs.map(lambda pair: [f"--{pair[0]}={pair[1]}"]),
        st.sampled_from(sorted(flags)).map(lambda flag: [f"--{flag}"]),
        st.tuples(st.text(letters, max_size=8), words).map(lambda pair: [f"--{pair[0]}", pair[1]]),
        words.map(lambda word: [word]),
    )
    items = st.one_of(st.lists(usual, max_size=5), st.lists(usual, max_size=9), st.lists(usual | others))
    return items.map(lambda found: [word for item in found for word in item])


def meaning(field, word):
    """The value of a field that a word stands for. Raises ValueError if it does not stand for any."""
    if choices := get_args(field.type):
        word = word.lower() if field.name == "compile" else word
        if word not in choices:
            raise ValueError
        return word
    if field.type is str:
        return word
    if not word.isascii():
        raise ValueError
    if field.type is bool:
        if word.lower() not in ("true", "false"):
            raise ValueError
        return word.lower() == "true"
    value = float(word)
    low, high = limits(field)
    if field.type is int:
        if not re.fullmatch("[-+]?[0-9_]+", word):
            raise ValueError
        value = int(word)
    if not low <= value <= high:  # nan is not, either
        raise ValueError
    return value


FIELDS = {f.name: f for f in fields(plan.Plan)}


@fuzz(60, 6000, name=st.sampled_from(sorted(FIELDS)), word=words.filter(lambda word: word != "--"))
def test_a_flag_has_a_value_that_means_something_or_is_refused(name, word):
    _, given, problems = config.parse_config([f"--{name}={word}"], plan.Plan)
    try:
        expected = meaning(FIELDS[name], word)
    except ValueError:
        expected = None
    if name in given:
        assert given == {name: expected} and type(given[name]) is type(expected) and not problems
    else:
        assert problems and all(f"--{name} " in problem for problem in problems)
        assert expected is None, problems


def check_config(settings):
    """Assert that each value of a Config is one that its flag could have."""
    for f in fields(settings):
        value = getattr(settings, f.name)
        word = str(value).lower() if f.type is bool else str(value)
        assert meaning(f, word) == value, (f.name, value)


@pytest.fixture
def no_training(monkeypatch):
    """Check the settings instead of training, and sample few tokens."""
    generate = train_gpt2.GPT.generate

    def generate_two(self, idx, count, *more):
        return generate(self, idx, min(count, 2), *more)

    monkeypatch.setattr(train_gpt2, "train", lambda model, data, settings, *_: check_config(settings))
    monkeypatch.setattr(train_gpt2.GPT, "generate", generate_two)
    monkeypatch.setattr(plan, "measure", lambda settings, machine: check_config(settings))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\n")))  # for a --sample without text


PLAN = {f.name: likely(f) for f in fields(plan.Plan)} | dict(n_layer=st.integers(0, 3).map(str))  # quick
TRAIN = {f.name: PLAN[f.name] for f in fields(config.Config)}


@pytest.mark.usefixtures("no_training")
@fuzz(20, 4000, line=command_lines(TRAIN), resume=st.booleans())
def test_a_command_line_of_train_gpt2(material, line, resume):
    with place(material, "data", "run"):
        end(train_gpt2.main, [*TINY, *(["--resume", "--out", "run"] if resume else []), *line])


def small(low, high):
    """Words for a number."""
    return st.integers(low, high).map(str)


@pytest.mark.usefixtures("no_training")
@fuzz(20, 400, content=st.binary(max_size=40), top_p=st.floats(0, 1))
def test_lines_of_the_standard_input(material, content, top_p):
    with place(material, "run"), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
        line = ["--init", "run", "--samples", "1", "--top_p", str(top_p), "--sample"]
        assert end(train_gpt2.main, [*TINY, *line]) == ""
        assert sys.stdin.read() == ""


THREE = "steps warmup_steps micro_batch keep print_every samples n_layer hellaswag_every".split()
ANY = "lr weight_decay dropout temperature top_k seed shuffle deterministic dtype compile".split()
RUN = dict.fromkeys(THREE, small(0, 3)) | {name: likely(FIELDS[name]) for name in ANY}
RUN |= dict.fromkeys(["save_every", "eval_every", "sample_every", "sample_tokens"], small(0, 2))
RUN |= dict(n_head=small(1, 2), n_embd=st.sampled_from(["2", "4", "8"]), val_tokens=small(1, 400))
RUN |= dict(context=st.sampled_from(["1", "2", "4", "8"]), batch_tokens=st.sampled_from(["8", "16", "24"]))
RUN |= dict(prompt=st.text(letters, max_size=5) | st.sampled_from(STRANGE))
DIVERGING = dict(
    steps="9", lr="1000", weight_decay="1000", warmup_steps="0", sample_every="1", print_every="0"
)


@fuzz(15, 1500, dict(run=DIVERGING), run=st.fixed_dictionaries({}, optional=RUN))
def test_a_small_run_of_any_settings_is_trained_or_refused(material, run):
    with place(material, "data"):
        line = [f"--{name}={value}" for name, value in run.items() if value != "--"]
        said = end(train_gpt2.main, [*TINY, "--steps", "2", "--out", "out", *line])
        if not said:
            lines = map(json.loads, Path("out/log.jsonl").read_text().splitlines())
            losses = [event["loss"] for event in lines if event["event"] == "step"]
            assert len(losses) == int(run.get("steps", "2")) and all(map(math.isfinite, losses))
            assert Path("out", f"step_{len(losses):06d}", "manifest.json").exists()
        else:
            assert re.search("has loss|not a text|not a multiple", said)


@pytest.mark.usefixtures("no_training")
@fuzz(15, 1200, line=command_lines(PLAN))
def test_a_command_line_of_plan(line):
    with place():
        end(plan.main, ["--preset", "gpt2", "--n_layer", "2", *line])


counts = st.integers(1, 10**6).map(str)
HELLASWAG = dict(model=st.just("run/step_000002"), data=st.just("rows.jsonl"), limit=counts, batch=counts)
HELLASWAG |= dict(device=st.just("cpu"), dtype=st.sampled_from(["auto", "float32", "bfloat16"]))


@fuzz(20, 2000, line=command_lines(HELLASWAG))
def test_a_command_line_of_hellaswag(material, line):
    model = SimpleNamespace(config=SimpleNamespace(), to=lambda device: None)
    model.get_input_embeddings = lambda: SimpleNamespace(weight=[0, 1, 2])

    def evaluate(_, examples, machine, batch):
        assert len(examples) in (1, 2, 3) and 1 <= batch <= 10**6
        return 0.5

    with place(material, "data", "run"), pytest.MonkeyPatch.context() as patch:
        Path("rows.jsonl").write_text(json.dumps(ROW))
        patch.setattr(hellaswag, "load_model", lambda name: (model, lambda text: [1, 2]))
        patch.setattr(hellaswag, "evaluate", evaluate)
        end(hellaswag.main, ["--device", "cpu", *line])


FINEWEB = dict(name=st.just("sample-10BT"), pretokenized=st.just("a.txt"), input=st.just("a.txt"))
FINEWEB |= dict(out=st.just("new"), tokenizer=st.sampled_from(["gpt2", "bytes"]), shards=counts)
FINEWEB |= dict(shard_tokens=counts, workers=st.integers(1, 1000).map(str))


@fuzz(20, 2000, line=command_lines(FINEWEB))
def test_a_command_line_of_fineweb(material, line):
    def prepare(options):
        assert whole(options.shards, 0, 10**6) and whole(options.shard_tokens, 100, 2**31 - 1)
        assert whole(options.workers, 1, 1000) and options.tokenizer in ("gpt2", "bytes")
        assert all(path.is_file() for path in options.input)

    with place(material, "data"), pytest.MonkeyPatch.context() as patch:
        Path("a.txt").write_text(TEXT)
        patch.setattr(fineweb, "prepare", prepare)
        end(fineweb.main, ["--input", "a.txt", *line])


@fuzz(
    30, 2000, dict(low=0, high=9, word="٣"), low=st.integers(-3, 3), high=st.integers(3, 10**10), word=words
)
def test_a_number_of_the_other_programs(low, high, word):
    parser = ArgumentParser()
    parser.add_argument("--number", type=config.whole_number(low, high))
    found = []
    said = end(lambda: found.append(parser.parse_args([f"--number={word}"]).number))
    if re.fullmatch("-?[0-9]{1,20}", word) and low <= int(word) <= high:
        assert found == [int(word)]
    else:
        assert "at least" in said or word == "--"


@fuzz(30, 800, line=st.lists(st.just("run") | words, max_size=3))
def test_a_command_line_of_curve(material, line):
    with place(material, "run"), pytest.MonkeyPatch.context() as patch:
        patch.setattr("matplotlib.figure.Figure.savefig", lambda *_, **__: None)
        end(curve.main, line)


NUMBER = st.sampled_from([*STRANGE, *map(str, range(-1, 10)), "1.0", "00", "+1", "localhost"])


@fuzz(
    30,
    2000,
    dict(values=(None, None, None, "0"), address=False),
    dict(values=("00", "1", None, None), address=False),
    values=st.tuples(*[st.none() | NUMBER | words] * 4),
    address=st.booleans(),
)
def test_the_environment_of_a_rank(values, address):
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    given = {name: value for name, value in zip(names, values, strict=True) if value is not None}
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        if address:
            patch.setenv("MASTER_ADDR", "localhost")
        said = end(lambda: found.extend(machine.read_ranks()))
    if not said:
        rank, world, local_rank, local_world = found
        assert 0 <= rank < world and 0 <= local_rank < local_world <= world
        for name, value in given.items():
            assert value == str(found[names.index(name)])  # errors.py looks at the text
        assert address or world == 1
    elif not given:
        raise AssertionError(said)


@pytest.mark.parametrize("port", [None, "", "junk", "-1", "65536", "9" * 30])
def test_the_address_of_the_other_ranks(port, monkeypatch):
    values = dict(RANK="0", WORLD_SIZE="2", MASTER_ADDR="localhost", MASTER_PORT=port)
    for name, value in values.items():
        if value is not None:
            monkeypatch.setenv(name, value)
    settings = config.Config(device="cpu", dtype="float32")
    assert "cannot connect to the other ranks" in end(Machine, settings)


# ---- Data folders ------------------------------------------------------------------------------------------


def known_tokens(name):
    """The tokens of a file that is a shard in llm.c's format; None if it is not."""
    content = Path(name).read_bytes()
    header = np.frombuffer(content[:1024], "<i4") if len(content) > 1024 and len(content) % 2 == 0 else [0]
    if header[0] != 20240520 or header[1] != 1 or header[2] != len(content) // 2 - 512:
        return None
    return np.frombuffer(content[1024:], "<u2")


def read_all(name):
    """Open a data folder and read everything; returns what it says, tokens, description."""
    found = []

    def read():
        train, val, meta = data.open_data(name)
        found.extend([train.read(0, len(train)), val.read(0, len(val)), meta])

    return end(read), found


META = dict(tokenizer="bytes", vocab_size=257, train_tokens=306, val_tokens=306)
META |= dict(settings=dict(source=["mine"], tokenizer="bytes"))


@fuzz(20, 2500, dict(content=b"{}"), content=documents(META))
def test_meta_json_is_what_the_data_are_or_refused(material, content):
    with place(material, "data"):
        Path("data/meta.json").write_bytes(content)
        said, found = read_all("data")
        if not said:
            train, val, meta = found
            theirs = loaded(content)
            assert len(train) == meta["train_tokens"] and len(val) == meta["val_tokens"]
            assert whole(theirs["vocab_size"], 257, 65536) and theirs["tokenizer"] in ("gpt2", "bytes")
            assert {theirs.get("train_tokens"), theirs.get("val_tokens")} <= {306, None}
            assert type(theirs.get("settings", {})) is dict and "settings" not in meta
            said = end(train_gpt2.main, [*TINY, *"--steps 1 --out new".split()])
            assert meta["vocab_size"] == 257 or "has 257 tokens, but the model" in said
            assert meta["tokenizer"] == "bytes" or "the tokenizer gpt2 has" in said


@st.composite
def shards(draw):
    """The bytes of files that are almost shards."""
    tokens = draw(st.lists(st.integers(0, 256), max_size=40) | st.lists(st.integers(0, 65535), max_size=40))
    counts = [len(tokens)] * 9 + [0, 1, 40, -1, 2**31 - 1, -(2**31)]
    magic = draw(st.sampled_from([20240520] * 10 + [20240521, 0]))
    header = np.zeros(256, "<i4")
    header[:3] = magic, draw(st.sampled_from([1] * 10 + [2, 0, -1])), draw(st.sampled_from(counts))
    content = header.tobytes() + np.array(tokens, "<u2").tobytes()
    return draw(st.just(content) | damaged(content))


@fuzz(20, 2000, content=shards(), split=st.sampled_from(["train", "val"]))
def test_a_shard_is_read_or_refused(material, content, split):
    with place(material, "data"):
        [path] = Path("data").glob(f"{split}*.bin")
        path.write_bytes(content)
        said, found = read_all("data")
        tokens = known_tokens(path)
        if tokens is None or not len(tokens) or tokens.max() > 256:
            assert said
            assert end(train_gpt2.main, [*TINY, *"--steps 1 --sample_every 0".split()])
        else:
            assert not said and np.array_equal(found[split == "val"], tokens)


PROGRESS = dict(shards=1, tokens=200, file=0, block=0, skip=200)


@fuzz(
    15,
    400,
    dict(content=as_json(dict(shards=1, tokens=200, file=0, block=0)), name="progress.json"),
    dict(content=as_json(PROGRESS | dict(block=9)), name="progress.json"),
    content=documents(PROGRESS),
    name=st.sampled_from(["progress.json", "meta.json"]),
)
def test_progress_json_continues_or_is_refused(content, name):
    with place(), pytest.MonkeyPatch.context() as patch:
        Path("a.txt").write_text(TEXT * 2)
        line = "--val first --input a.txt --out out --tokenizer bytes --shard_tokens 200".split()
        write_shard, written = fineweb.write_shard, []

        def write(path, tokens):
            if len(written) == 1:
                raise KeyboardInterrupt
            written.append(write_shard(path, tokens))

        patch.setattr(fineweb, "write_shard", write)
        with contextlib.suppress(KeyboardInterrupt):
            end(fineweb.main, line)
        patch.setattr(fineweb, "write_shard", write_shard)
        saved = json.loads(Path("out/progress.json").read_bytes())
        theirs = loaded(content)
        if isinstance(theirs, dict) and "settings" not in theirs:
            content = as_json(theirs | dict(settings=saved["settings"]))
        Path("out", name).write_bytes(content)
        said = end(fineweb.main, line)
        if not said and name == "progress.json":
            assert all(whole(theirs[key], 0, 610) for key in PROGRESS)
            if theirs["skip"] == 200 * theirs["shards"]:  # else it could be true, for all that is known
                train, val, _ = data.open_data("out")
                tokens = np.concatenate([val.read(0, 200), train.read(0, len(train))])
                assert np.array_equal(tokens, data.tokenize([TEXT * 2], "bytes"))


# ---- Text --------------------------------------------------------------------------------------------------

texts = st.text(max_size=30) | st.sampled_from(["<|endoftext|>", "\ufeffa", "", "\r\n", "a\r", "a" * 2000])
file_names = st.sampled_from(
    "[ab]|*|?|x[1]y|a b|ü|#|%20|a::b|~|-x|a,b|{a}|zip:|hf:|file:|日本語|\udcff|a.b|$HOME|${HOME}|%HOME%|{a,b}"
    "|'|\"|\\|.a|@|a;b|[$HOME]*?|&|(a)|!|a=b|+".split("|")
)


def run_fineweb(*names):
    """Tokenize files into out; returns what it says, and the tokens."""
    said = end(
        fineweb.main,
        ["--val", "first", "--input", *names, *"--out out --tokenizer bytes --workers 1".split()],
    )
    if said:
        return said, None
    train, val, _ = data.open_data("out")
    return said, np.concatenate([train.read(0, len(train)), val.read(0, len(val))])


def agrees(said, tokens, texts):
    """Assert that the tokens are those of the texts, or that they are refused because they are too short."""
    texts = [text.removeprefix("\ufeff") for text in texts]
    if said:
        assert sum(map(len, texts)) < 10 or any("\ufeff" in text for text in texts), said
    else:
        assert np.array_equal(tokens, data.tokenize(texts, "bytes"))


@fuzz(
    8, 300, contents=st.lists(texts, min_size=1, max_size=3), names=st.permutations(["*", "a", "[ab]", "?"])
)
def test_txt_files_are_read_as_they_are(contents, names):
    with place():
        Path("b.txt").write_text("something else, which is not asked for")
        names = [f"{name}.txt" for name, _ in zip(names, contents, strict=False)]
        for name, content in zip(names, contents, strict=True):
            Path(name).write_bytes(content.encode())
        contents = [text.replace("\r\n", "\n").replace("\r", "\n") for text in contents]
        agrees(*run_fineweb(*names), contents)


@fuzz(
    8,
    300,
    *[dict(name=name, suffix=".parquet") for name in ("$HOME", "a::b", "[ab]", "file:", "\udcff")],
    name=file_names,
    suffix=st.sampled_from([".txt", ".jsonl", ".json", ".parquet", ".TXT"]),
)
def test_a_file_of_any_name_is_read(name, suffix):
    with place():
        path = f"{name}{suffix}"
        try:
            if suffix == ".parquet":
                pyarrow.parquet.write_table(pyarrow.table({"text": [TEXT]}), path)
            else:
                Path(path).write_text(TEXT if suffix.lower() == ".txt" else json.dumps({"text": TEXT}))
        except (OSError, ValueError):  # not a name on this system
            return
        said, tokens = run_fineweb(f"./{path}" if path[0] == "-" else path)
        agrees(said, tokens, [TEXT])


@fuzz(8, 300, content=damaged(TEXT.encode()) | damaged("日本語 ü\n".encode() * 5))
def test_a_damaged_txt_file_is_read_or_refused(content):
    with place():
        Path("a.txt").write_bytes(content)
        said, tokens = run_fineweb("a.txt")
        if not said:
            text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
            agrees(said, tokens, [text])


def json_lines(content):
    """The rows of a JSON file, by Python's own reader."""
    text = content.decode("utf-8-sig")
    lines = [text] if text[0] == "[" else text.split("\n")
    rows = [json.loads(line) for line in lines if line.strip()]
    return rows[0] if text[0] == "[" else rows


ROWS = [dict(text="a text of some words", id=1), dict(text="another", id=2), dict(text="", id=3)]


@fuzz(
    12,
    500,
    dict(content=b"null", lines=False),  # ended the process
    dict(content=b'{"text": "a text of some words"}\n{"id": 2}', lines=False),
    content=documents(ROWS),
    lines=st.booleans(),
)
def test_a_json_file_of_any_shape_is_read_or_refused(content, lines):
    with place():
        rows = loaded(content)
        if lines and isinstance(rows, list):
            content = b"\n".join(map(as_json, rows))
        Path("a.jsonl").write_bytes(content)
        said, tokens = run_fineweb("a.jsonl")
        if not said:
            texts = [row["text"] for row in json_lines(content)]
            assert all(text is None or isinstance(text, str) for text in texts)
            agrees(said, tokens, [text or "" for text in texts])


ARROW = [pyarrow.string()] * 5 + [pyarrow.large_string(), pyarrow.string_view(), pyarrow.binary()]
ARROW += [pyarrow.list_(pyarrow.string()), pyarrow.dictionary(pyarrow.int32(), pyarrow.string())]
ARROW += [pyarrow.struct([("text", pyarrow.string())]), pyarrow.null(), pyarrow.bool_(), pyarrow.float64()]
ARROW += [pyarrow.timestamp("s"), pyarrow.list_(pyarrow.int64()), pyarrow.date32(), pyarrow.int64()]
SAMPLES = [
    TEXT,
    TEXT,
    TEXT,
    "",
    None,
    b"bytes",
    b"\xff\xfe" + TEXT.encode(),
    5,
    ["a", "b"],
    dict(text="a"),
    1.5,
]


@fuzz(
    12,
    500,
    dict(kind=pyarrow.binary(), rows=[SAMPLES[6]], name="text", cast=True, torn=False),
    dict(kind=pyarrow.list_(pyarrow.string()), rows=[["a"]], name="text", cast=False, torn=False),
    kind=st.sampled_from(ARROW),
    rows=st.lists(st.sampled_from(SAMPLES), max_size=3),
    name=st.sampled_from(["text", "text", "text", "Text", "content"]),
    cast=st.booleans(),
    torn=RARELY,
)
def test_a_parquet_file_of_any_type_is_read_or_refused(kind, rows, name, cast, torn):
    with place():
        column = []
        for row in rows:
            with contextlib.suppress(pyarrow.ArrowException, TypeError, ValueError, OverflowError):
                column.append(pyarrow.array([row], kind)[0].as_py())
        array = pyarrow.array(column, kind)
        if kind == pyarrow.binary() and cast:  # not UTF-8, but it says so
            array = array.cast(pyarrow.string(), safe=False)
        try:
            pyarrow.parquet.write_table(pyarrow.table({name: array, "id": range(len(column))}), "a.parquet")
        except pyarrow.ArrowException:
            return
        if torn:
            Path("a.parquet").write_bytes(Path("a.parquet").read_bytes()[:-20])
        said, tokens = run_fineweb("a.parquet")
        if not said:
            texts = [text.decode() if isinstance(text, bytes) else text or "" for text in column]
            agrees(said, tokens, texts)


# ---- HellaSwag ---------------------------------------------------------------------------------------------


def is_row(row):
    """Whether a JSON value is a row of HellaSwag."""
    if not isinstance(row, dict) or not {"ctx", "endings", "label"} <= row.keys():
        return False
    ctx, endings, label = row["ctx"], row["endings"], row["label"]
    if type(endings) is not list or not all(type(text) is str and text for text in [ctx, *endings]):
        return False
    if type(label) is str and re.fullmatch("[0-9]{1,9}", label):
        label = int(label)
    return len(endings) > 1 and whole(label, 0, len(endings) - 1)


CONFIG = dict(model_type="gpt2", activation_function="gelu_new", layer_norm_epsilon=1e-5, vocab_size=257)
CONFIG |= dict(n_positions=16, n_layer=1, n_head=2, n_embd=8, tokenizer="bytes", scale_attn_weights=True)


@fuzz(
    30,
    3000,
    dict(content=as_json(ROW | dict(label=True)), count=1),
    dict(content=as_json(ROW | dict(label=-0.5)), count=1),
    content=documents(ROW),
    count=st.integers(1, 3),
)
def test_rows_of_hellaswag_are_read_or_refused(material, content, count):
    with place():
        Path("rows.jsonl").write_bytes(b"\n".join([content] * count))
        found = []
        said = end(lambda: found.extend(hellaswag.load_rows("rows.jsonl")))
        if not said:
            theirs = json_lines(b"\n".join([content] * count))
            assert all(map(is_row, theirs)) and len(found) == len(theirs)
            assert [row.label for row in found] == [int(row["label"]) for row in theirs]


@fuzz(
    8,
    500,
    dict(row=ROW, context=1, size=1),
    row=variants(ROW),
    context=st.sampled_from([1, 2, 3, 16]),
    size=st.integers(1, 3),
)
def test_hellaswag_in_a_run(material, row, context, size):
    with place(material, "data"), pytest.MonkeyPatch.context() as patch:
        if not is_row(row):
            row = ROW
        row = files.parse_values(row, hellaswag.Row)
        patch.setattr(hellaswag, "load_rows", lambda path=None: [row] * size)
        line = f"--context {context} --batch_tokens 96 --hellaswag_every 1 --steps 0 --out out".split()
        if not end(train_gpt2.main, [*TINY, *line]):
            events = map(json.loads, Path("out/log.jsonl").read_text().splitlines())
            found = [event["accuracy"] for event in events if event["event"] == "hellaswag"]
            assert not found and context == 1 or found in ([0.0], [1.0]) and context > 1


@fuzz(
    1,
    300,
    dict(content=as_json(CONFIG | dict(tokenizer="gpt2"))),
    dict(content=as_json(CONFIG | dict(n_layer=2))),  # transformers draws what is missing
    dict(content=as_json(CONFIG | dict(n_layer=2**31))),
    content=documents(CONFIG) | documents(CONFIG | dict(tokenizer="gpt2")),
)
def test_hellaswag_with_a_model_of_any_shape(material, content):
    with place(material, "run"):
        Path("rows.jsonl").write_text(json.dumps(ROW))
        Path("run/step_000002/config.json").write_bytes(content)
        end(hellaswag.main, "--device cpu --data rows.jsonl --model run/step_000002".split())


# ---- Runs --------------------------------------------------------------------------------------------------

EVENTS = [
    dict(event="start", step=0, config=dict(data="data/fineweb-edu"), data=dict(source="a")),
    dict(event="step", step=1, loss=5.0, norm=1.0, lr=0.1, seconds=0.1),
    dict(event="validation", step=1, loss=5.5),
    dict(event="hellaswag", step=1, accuracy=0.25),
    dict(event="diverged", step=2, loss="nan", dtype="torch.float32"),
]


@fuzz(
    15,
    800,
    dict(events=[dict(event="step", loss=10**400), dict(event="step", loss=1.0)], tail=b"", drawn=True),
    events=variants(EVENTS),
    tail=st.binary(max_size=10) | st.just(b"[" * 10**5),
    drawn=RARELY,
)
def test_a_log_of_any_shape_is_drawn_or_refused(events, tail, drawn):
    with place(), pytest.MonkeyPatch.context() as patch:
        if not drawn:
            patch.setattr("matplotlib.figure.Figure.savefig", lambda *_, **__: None)
        lines = [as_json(event) for event in (events if isinstance(events, list) else [events])]
        Path("log.jsonl").write_bytes(b"\n".join([*lines, tail]))
        end(curve.main, ["."])


@fuzz(15, 800, events=variants(EVENTS) | variants(EVENTS[:4]), tail=st.binary(max_size=10))
def test_a_run_with_a_log_of_any_shape_is_resumed_or_refused(material, events, tail):
    with place(material, "data", "run"):
        lines = [as_json(event) for event in (events if isinstance(events, list) else [events])]
        Path("run/log.jsonl").write_bytes(b"\n".join([*lines, tail]))
        end(train_gpt2.main, [*TINY, *"--resume --out run --data data".split()])


def seal(folder):
    """Write the manifest of a checkpoint that a test has changed."""
    (folder / "manifest.json").unlink()
    listed = {path.name: runs.describe_file(path) for path in folder.iterdir()}
    files.write_json(folder / "manifest.json", dict(files=listed))


def resume(material):
    """Resume the run; returns what it says after asserting that the run ended as the one without a stop."""
    said = end(train_gpt2.main, "--preset gpt2 --device cpu --data data --resume --out run".split())
    if not said:
        names = Path("run/step_000003/model.safetensors"), material / "finished" / "model.safetensors"
        ours, theirs = map(load_file, names)
        assert all(torch.equal(weight, theirs[key]) for key, weight in ours.items())
    return said


def test_what_is_not_changed_is_resumed(material):
    with place(material, "data", "run"):
        seal(Path("run/step_000002"))
        assert resume(material) == ""


CHECKPOINT = ["config.json", "model.safetensors", "train_state.pt"]
MANIFEST = dict(files={name: [100, "a" * 64] for name in CHECKPOINT})


@fuzz(
    15,
    500,
    dict(content=as_json(dict(files={name: [100, "a" * 64] for name in CHECKPOINT[:2]})), right=True),
    content=documents(MANIFEST),
    right=st.booleans(),
)
def test_manifest_json_is_true_or_refused(material, content, right):
    with place(material, "data", "run"):
        path = Path("run/step_000002/manifest.json")
        theirs = loaded(content)
        if right and isinstance(theirs, dict) and isinstance(theirs.get("files"), dict):
            true = json.loads(path.read_bytes())["files"]  # what is not changed is right
            changed = {
                name: true.get(name, entry) if entry == [100, "a" * 64] else entry
                for name, entry in theirs["files"].items()
            }
            content = as_json(theirs | dict(files=changed))
        path.write_bytes(content)
        theirs = loaded(content)
        if not resume(material):
            assert MANIFEST["files"].keys() <= theirs["files"].keys()


@fuzz(
    15,
    2000,
    dict(content=as_json(CONFIG | dict(n_embd=65536, n_layer=12))),  # more than there is memory
    dict(content=as_json(CONFIG | dict(n_layer=True))),
    content=documents(CONFIG),
)
def test_config_json_is_that_of_the_weights_or_refused(material, content):
    with place(material, "run"):
        path = Path("run/step_000002")
        (path / "config.json").write_bytes(content)
        found = []
        if not end(lambda: found.append(train_gpt2.GPT.from_pretrained(str(path)))):
            theirs = loaded(content)
            ours = asdict(found[0].config)
            assert whole(theirs["n_head"], 1) and ours["n_head"] == theirs["n_head"]
            for name, size in dict(vocab_size=257, n_positions=16, n_layer=1, n_embd=8).items():
                assert theirs[name] == size and whole(theirs[name], 0)
            assert ours["tokenizer"] == theirs.get("tokenizer", "gpt2")
            for name in ("model_type", "activation_function", "layer_norm_epsilon"):
                assert theirs.get(name, CONFIG[name]) == CONFIG[name]


DTYPES = [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.int64, torch.bool]
DTYPES += [torch.complex64, torch.float8_e4m3fn, torch.uint8]
SHAPES = [(), (0,), (1,), (8,), (24,), (16, 8), (8, 16), (257, 8), (384, 8), (8, 24), (1, 1, 8), (10000, 8)]
FILLS = [0.0, 1.0, math.nan, math.inf, 1e38]
dtypes, shapes, fills = map(st.sampled_from, (DTYPES, SHAPES, FILLS))
tensors = st.builds(lambda shape, dtype, fill: torch.full(shape, fill).to(dtype), shapes, dtypes, fills)
ACTIONS = ["dtype", "fill", "other", "missing", "a", "lm_head.weight", "h.1.ln_1.bias", "", "upper"]


@fuzz(
    15,
    1200,
    dict(number=0, action="fill", tensor=torch.zeros(1), dtype=torch.float32, fill=1e38),
    dict(number=0, action="fill", tensor=torch.zeros(1), dtype=torch.float32, fill=math.nan),
    dict(number=0, action="dtype", tensor=torch.zeros(1), dtype=torch.int64, fill=0.0),
    number=st.integers(0, 15),
    action=st.sampled_from(ACTIONS),
    tensor=tensors,
    dtype=dtypes,
    fill=fills,
)
def test_weights_of_any_type_are_used_or_refused(material, number, action, tensor, dtype, fill):
    with place(material, "data", "run"):
        path = Path("run/step_000002/model.safetensors")
        theirs = load_file(path)
        key = sorted(theirs)[number]
        if action == "dtype":
            theirs[key] = theirs[key].to(dtype)
        elif action == "fill":
            theirs[key] = torch.full_like(theirs[key], fill)
        elif action == "upper":
            theirs[key.upper()] = theirs.pop(key)
        elif action == "missing":
            del theirs[key]
        else:
            theirs[key if action == "other" else action] = tensor
        save_file(theirs, path)
        found = []
        said = end(lambda: found.append(train_gpt2.GPT.from_pretrained("run/step_000002")))
        if not said:
            for name, weight in found[0].state_dict().items():
                assert weight.dtype == torch.float32 and weight.isfinite().all(), name
        line = "--init run/step_000002 --steps 1 --out out --prompt a --samples 2".split()
        assert end(train_gpt2.main, [*TINY, *line]) or not said
        assert end(train_gpt2.main, [*TINY, *"--init run/step_000002 --sample a".split()]) or not said


def is_wrong(tensor):
    """Whether no moment could be like this tensor."""
    return (
        tensor.dtype != torch.float32
        or not tensor.isfinite().all()
        or tensor.shape in SHAPES[:3] + SHAPES[6:]
    )


STATE = dict(step=2, config="config", data=dict(tokenizer="bytes", vocab_size=257, train_tokens=306))
STATE["data"] |= dict(val_tokens=306, source=["mine"])
STATE["optimizer"] = dict(param_groups="param_groups", state={})
for key in range(16):  # instead of tensors their names, which are short and are put back in the test
    STATE["optimizer"]["state"][key] = {name: f"{key} {name}" for name in ("step", "exp_avg", "exp_avg_sq")}


def state_with(**changed):
    """STATE with another value of the optimizer's state."""
    moments = STATE["optimizer"]["state"]
    return STATE | dict(optimizer=STATE["optimizer"] | dict(state=moments | {0: moments[0] | changed}))


def filled(value, known):
    """A value with the tensors that it has only the names of."""
    if isinstance(value, dict):
        return {key: filled(inner, known) for key, inner in value.items()}
    return known.get(value, value) if isinstance(value, str) else value


@fuzz(
    15,
    1500,
    dict(changed=STATE | dict(optimizer=STATE["optimizer"] | dict(state={})), sealed=True),
    dict(changed=STATE | dict(data=STATE["data"] | dict(vocab_size=torch.zeros(0))), sealed=True),
    dict(changed=STATE | dict(data=STATE["data"] | dict(vocab_size=torch.zeros(2))), sealed=True),
    dict(changed=state_with(exp_avg=torch.zeros(8)), sealed=True),  # ended the process
    dict(changed=state_with(exp_avg=torch.full((384, 8), math.nan)), sealed=True),
    dict(changed=state_with(step=torch.tensor(2)), sealed=True),
    changed=variants(STATE, anything | tensors.filter(is_wrong)),
    sealed=st.booleans(),
)
def test_train_state_is_resumed_as_it_was_or_refused(material, changed, sealed):
    with place(material, "data", "run"):
        path = Path("run/step_000002")
        theirs = torch.load(path / "train_state.pt", weights_only=True)
        known = dict(config=theirs["config"], param_groups=theirs["optimizer"]["param_groups"])
        for key, moments in theirs["optimizer"]["state"].items():
            known |= {f"{key} {name}": tensor for name, tensor in moments.items()}
        torch.save(filled(changed, known), path / "train_state.pt")
        seal(path) if sealed else (path / "manifest.json").unlink()
        resume(material)


SAVED = asdict(config.parse_config([*TINY, *"--tokenizer bytes --vocab_size 257 --steps 3".split()])[0])


@fuzz(
    15,
    2000,
    dict(changed={name: value for name, value in SAVED.items() if name != "lr"}),
    dict(changed=SAVED | dict(shuffle=1)),
    dict(changed=SAVED | dict(steps=1)),
    dict(changed=SAVED | dict(n_head=4)),
    changed=variants(SAVED),
)
def test_the_config_of_a_train_state_is_that_of_the_run_or_refused(material, changed):
    with place(material, "run"):
        path = Path("run/step_000002")
        theirs = torch.load(path / "train_state.pt", weights_only=True)
        torch.save(theirs | dict(config=changed), path / "train_state.pt")
        found = []
        if not end(lambda: found.append(train_gpt2.load_checkpoint(path))):
            model, state = found[0]
            check_config(state.config)
            for name in config.RECIPE:
                default = getattr(config.Config(), name)  # as in a run of an older version
                assert repr(getattr(state.config, name)) == repr(changed.get(name, default))
            assert state.config.n_head == model.config.n_head and state.step <= state.config.steps


@fuzz(
    12,
    600,
    name=st.sampled_from([*CHECKPOINT, "manifest.json"]),
    damage=st.data(),
    sealed=st.booleans(),
)
def test_a_damaged_file_of_a_checkpoint_is_refused(material, name, damage, sealed):
    with place(material, "data", "run"):
        path = Path("run/step_000002", name)
        path.write_bytes(damage.draw(damaged(path.read_bytes())))
        if sealed:
            seal(path.parent)
            end(train_gpt2.main, "--preset gpt2 --device cpu --data data --resume --out run".split())
        else:
            resume(material)


# ---- Places ------------------------------------------------------------------------------------------------

INSIDE = "data data/meta.json data/progress.json data/val_000000.bin run run/log.jsonl run/.lock".split()
INSIDE += ["run/.lock-owner"]
INSIDE += [f"run/step_000002/{name}" for name in [*CHECKPOINT, "manifest.json"]]
INSIDE += "run/step_000002 run/step_000003 run/step_000003.partial run/curve.png new 日本語 \udcff".split()
INSIDE += "out out/meta.json out/progress.json out/.lock out/val_000000.bin".split()
INSIDE += "run/curve.png.partial out/meta.json.partial out/val_000000.bin.partial".split()
INSIDE += ["a.txt", "a.parquet", "rows.jsonl", "x" * 300, "y/" * 3000]
KINDS = "missing empty folder fifo socket loop dangling device link rights".split()
PROGRAMS = {  # what it calls, the words before the path, the usual path
    "train": (train_gpt2.main, [*TINY, *"--steps 0 --out new --data".split()], "data"),
    "out": (train_gpt2.main, [*TINY, *"--steps 0 --out".split()], "new"),
    "resume": (train_gpt2.main, [*TINY, *"--resume --steps 3 --out".split()], "run"),
    "init": (train_gpt2.main, [*TINY, *"--steps 0 --init".split()], "run"),
    "sample": (train_gpt2.main, [*TINY, *"--sample a --out".split()], "run"),
    "curve": (curve.main, [], "run"),
    "input": (fineweb.main, "--tokenizer bytes --out out --input".split(), "a.txt"),
    "shards": (fineweb.main, "--tokenizer bytes --input a.txt --out".split(), "out"),
    "rows": (lambda words: hellaswag.load_rows(*words), [], "rows.jsonl"),
    "model": (hellaswag.main, "--device cpu --data rows.jsonl --model".split(), "run/step_000002"),
}


def put(path, kind):
    """Put something strange in the place of a file or folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    if kind != "missing":
        path.parent.mkdir(parents=True, exist_ok=True)
    if kind in ("empty", "rights"):
        path.write_bytes(b"")
        path.chmod(0o000 if kind == "rights" else 0o644)
    elif kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.bind(str(path))
    elif kind in ("loop", "dangling", "device", "link"):
        targets = dict(
            loop=path.name, dangling="nowhere", device="/dev/zero", link=Path("../elsewhere").resolve()
        )
        path.symlink_to(targets[kind])


def locked(path, function):
    """An open() that has no right to open a path: root has all of them."""

    def opened(file, *more, **options):
        if not isinstance(file, int) and os.path.abspath(os.fsdecode(file)) == str(path):
            raise PermissionError(13, "Permission denied", str(file))
        return function(file, *more, **options)

    return opened


@fuzz(
    15,
    2500,
    dict(name="run/step_000002/manifest.json", kind="fifo", program="sample", named=False, drawn=False),
    dict(name="run/step_000003", kind="fifo", program="resume", named=False, drawn=False),
    dict(name="run/log.jsonl", kind="rights", program="resume", named=False, drawn=False),
    dict(name="run/curve.png", kind="folder", program="curve", named=False, drawn=True),
    dict(name="out/meta.json.partial", kind="fifo", program="shards", named=False, drawn=True),
    name=st.sampled_from(INSIDE),
    kind=st.sampled_from(KINDS),
    program=st.sampled_from(sorted(PROGRAMS)),
    named=st.booleans(),
    drawn=RARELY,
)
def test_whatever_is_in_the_place_of_a_file(material, name, kind, program, named, drawn):
    with place(material, "data", "run") as folder, pytest.MonkeyPatch.context() as patch:
        Path("a.txt").write_text(TEXT)
        Path("rows.jsonl").write_text(json.dumps(ROW))
        (folder.parent / "elsewhere").mkdir()
        (folder.parent / "elsewhere" / "file").write_text("not ours")
        with contextlib.suppress(OSError, ValueError):
            put(folder / name, kind)
        if kind == "rights":
            for module, opener in ((io, "open"), (builtins, "open"), (os, "open")):
                patch.setattr(module, opener, locked(folder / name, getattr(module, opener)))
        if not drawn:
            patch.setattr("matplotlib.figure.Figure.savefig", lambda *_, **__: None)
        main, line, usual = PROGRAMS[program]
        end(main, [*line, name if named else usual])
        assert (folder.parent / "elsewhere" / "file").read_text() == "not ours"


# ---- The whole program, as a process -----------------------------------------------------------------------


def test_a_program_whose_output_goes_nowhere(material):
    """Broken, full and closed streams, an ASCII terminal: one line, or none, and no traceback."""
    japanese = "日本語"
    with place(material, "run"):
        shutil.copytree("run", japanese, symlinks=True)
        python = f"exec {sys.executable} {ROOT}"
        ascii_terminal = dict(PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
        commands = {
            f"{python}/plan.py --preset gpt2 | head -1": ({}, 0, ""),
            f"{python}/curve.py --help > /dev/full": ({}, 2, "error: cannot write the output"),
            f"{python}/curve.py --help >&-": ({}, 0, ""),
            f"{python}/curve.py missing 2>&-": ({}, 2, ""),
            f"{python}/curve.py {japanese}": (ascii_terminal, 0, ""),
            f"{python}/curve.py {japanese}/a": (ascii_terminal, 2, "error: \\u"),
        }
        if not Path("/dev/full").exists():  # as on macOS
            commands = {command: ends for command, ends in commands.items() if "/dev/full" not in command}
        running = [
            subprocess.Popen(
                ["bash", "-o", "pipefail", "-c", command],
                env=os.environ | more,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
            for command, (more, *_) in commands.items()
        ]
        for process, (command, (_, code, said)) in zip(running, commands.items(), strict=True):
            _, err = process.communicate(timeout=120)
            assert (process.returncode, "Traceback" in err) == (code, False), (command, err)
            assert err.startswith(said) if said else not err, (command, err)
