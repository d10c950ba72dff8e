import itertools
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import data
import files
import fineweb
import train_gpt2
from config import Config, find_problems
from data import Shards, open_data
from errors import UserError
from train_gpt2 import micro_steps

SMALL = Config(shuffle=False, context=8, micro_batch=3, batch_tokens=24)
ROOT = Path(__file__).parent.parent


def as_shards(tokens, size=10**9, folder="data"):
    """Tokens as the training reads them: in shards of so many, in a folder of this test."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.bin"):
        old.unlink()
    tokens = np.asarray(tokens, np.uint16)
    for index, first in enumerate(range(0, len(tokens), size), start=1):
        data.write_shard(folder / f"train_{index:06d}.bin", tokens[first : first + size])
    data.write_shard(folder / "val_000000.bin", tokens[:1000])
    return Shards(folder, "train")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def get_batch(tokens, config, step, micro, rank=0, world=1):
    return train_gpt2.get_batch(tokens, config, step, micro, rank, world)


def test_targets_are_the_inputs_one_token_later():
    tokens = as_shards(torch.arange(100))
    idx, targets = get_batch(tokens, SMALL, step=2, micro=0)
    assert idx.shape == targets.shape == (3, 8) and idx.dtype == targets.dtype == torch.int64
    assert torch.equal(targets, idx + 1)


def test_an_epoch_shows_every_window_once_and_the_next_shows_them_again():
    tokens = as_shards(torch.arange(8 * 8 + 1))  # 8 windows: a step of 3 straddles the epochs
    shown = torch.cat([get_batch(tokens, SMALL, step, 0)[0] for step in range(8)])  # (24, 8): three epochs
    assert torch.equal(shown, torch.arange(64).view(8, 8).repeat(3, 1))


def test_the_last_tokens_wait_until_there_is_a_whole_window():
    assert get_batch(as_shards(torch.arange(24)), SMALL, step=0, micro=0)[0].max() == 15
    assert get_batch(as_shards(torch.arange(25)), SMALL, step=0, micro=0)[0].max() == 23


def test_a_batch_depends_on_nothing_but_its_step():
    tokens = as_shards(torch.arange(1000))
    in_order = [get_batch(tokens, SMALL, step, 0) for step in range(20)]
    for step in (13, 2, 19):
        assert torch.equal(get_batch(tokens, SMALL, step, 0)[0], in_order[step][0])


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 1000])
def test_a_shuffle_is_a_permutation_of_its_key(count):
    order = [data.shuffled(position, count, "1 0") for position in range(count)]
    assert sorted(order) == list(range(count))
    assert order == [data.shuffled(position, count, "1 0") for position in range(count)]
    if count > 7:
        assert order != [data.shuffled(position, count, "1 1") for position in range(count)]
        assert order != list(range(count))


def test_the_order_is_the_same_for_ever():
    assert [data.shuffled(position, 10, "1 0") for position in range(10)] == [8, 1, 6, 4, 2, 3, 5, 7, 9, 0]


def test_neighbours_in_an_epoch_come_from_everywhere():
    order = np.array([data.shuffled(position, 10_000, "1 0") for position in range(10_000)])
    steps = np.abs(np.diff(order))
    assert steps.mean() == pytest.approx(10_000 / 3, rel=0.03)  # as for independent places
    assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.03
    halves = order.reshape(100, 100).mean(axis=1)  # of a hundred windows in a row, the middle
    assert halves.std() == pytest.approx(10_000 / math.sqrt(12) / 10, rel=0.3)


@pytest.mark.parametrize("world, micro_batch", [*itertools.product([1, 2, 4, 8], [1, 4, 16])])
def test_the_shuffled_rows_of_a_step_depend_on_nothing_but_the_step(world, micro_batch):
    """Steps 0, 1, 1000 and 5, which straddles two epochs: 700 windows, 128 rows a step."""
    tokens = as_shards(range(700 * 8 + 1), 1000)

    def rows(step, world, micro_batch):
        config = Config(context=8, micro_batch=micro_batch, batch_tokens=128 * 8)
        parts = [(micro, rank) for micro in range(micro_steps(config, world)) for rank in range(world)]
        return torch.cat([train_gpt2.get_batch(tokens, config, step, *part, world)[0] for part in parts])

    for step in (0, 1, 5, 1000):
        assert torch.equal(rows(step, world, micro_batch), rows(step, 1, 128))


def test_every_window_is_seen_once_in_each_epoch_and_each_has_its_own_order():
    tokens = as_shards(range(8 * 8 + 1))
    config = Config(context=8, micro_batch=3, batch_tokens=24)
    windows = [row[0].item() // 8 for step in range(8) for row in get_batch(tokens, config, step, 0)[0]]
    epochs = [windows[0:8], windows[8:16], windows[16:24]]
    assert [sorted(epoch) for epoch in epochs] == [list(range(8))] * 3
    assert epochs[0] != epochs[1] != epochs[2]


@pytest.mark.parametrize("size", [1, 3, 7, 10, 11])
def test_shards_are_read_as_if_they_were_one(size):
    shards = as_shards(range(10), size)
    assert len(shards) == 10
    for start, end in itertools.combinations(range(11), 2):
        assert shards.read(start, end - start).tolist() == list(range(start, end))
    for start, count in [(0, 11), (10, 1), (-1, 2)]:
        with pytest.raises(AssertionError):
            shards.read(start, count)


def test_a_folder_says_what_its_tokens_are():
    as_shards(range(3000), 1000)
    train, val, meta = open_data("data")
    assert (len(train), len(val)) == (3000, 1000) and val.read(5, 1) == [5]
    assert meta == dict(tokenizer="gpt2", vocab_size=50257, train_tokens=3000, val_tokens=1000)
    files.write_json(Path("data/meta.json"), dict(tokenizer="bytes", vocab_size=257, settings={}))
    assert open_data("data")[-1]["tokenizer"] == "bytes"
    files.write_json(Path("data/meta.json"), dict(tokenizer="bytes", vocab_size=257, train_tokens=4000))
    with pytest.raises(
        UserError, match="data has 3,000 train tokens, but its meta.json says 4,000 .delete the folder"
    ):
        open_data("data")
    files.write_json(Path("data/progress.json"), {})
    with pytest.raises(UserError, match="data is not finished .run its fineweb.py command again"):
        open_data("data")


def test_what_is_not_a_whole_shard_is_named_before_the_training_starts():
    as_shards(range(3000), 1000)
    path = Path("data/train_000002.bin")
    whole = path.read_bytes()
    foreign = np.array([20240801, 7, 1000] + [0] * 253, np.int32).tobytes()  # llm.c's format of uint32 tokens
    empty = np.array([20240520, 1, 0] + [0] * 253, np.int32).tobytes()
    reasons = {
        whole[:-1]: "has 3023 bytes, but a header for 1000 tokens",
        whole[:500]: "has 500 bytes, but a header for 1000 tokens",
        whole + b"..": "has 3026 bytes, but a header for 1000 tokens",
        empty: "has 1024 bytes, but a header for 0 tokens",
        foreign + whole[1024:]: "is not a shard in llm.c's format with uint16 tokens",
        b"<html>": "is not a shard in llm.c's format with uint16 tokens",
        b"": "is not a shard in llm.c's format with uint16 tokens",
    }
    for content, reason in reasons.items():
        path.write_bytes(content)
        fix = "make a new folder" if "llm.c" in reason else "delete the folder, and run fineweb.py again"
        with pytest.raises(UserError, match=f"train_000002.bin {reason} .{fix}"):
            open_data("data")
    with pytest.raises(UserError, match="no train shards in nowhere .check its name"):
        open_data("nowhere")
    Path("data/notes").mkdir()
    with pytest.raises(UserError, match="no train shards in notes .did you mean data.notes\\?.$"):
        open_data("notes")
    with pytest.raises(UserError, match="check its name"):
        open_data(Path("data/notes").resolve())  # there, but without shards


def test_a_split_is_a_word_of_the_name():
    as_shards(range(3000), 1000)
    for path in sorted(Path("data").glob("train_*.bin")):
        path.rename(path.with_name(f"retrieval_{path.name}"))
    Path("data/val_000000.bin").rename("data/constrained-val.bin")
    train, val, _ = open_data("data")
    assert len(train) == fineweb.count_split(Path("data"), "train") == 3000
    assert len(val) == fineweb.count_split(Path("data"), "val") == 1000


def test_tokens_in_memory_are_not_read_beyond_their_end():
    tokens = data.Tokens(np.arange(10, dtype=np.uint16))
    assert tokens.read(7, 3).tolist() == [7, 8, 9]
    for start, count in ((8, 3), (-1, 2)):
        with pytest.raises(AssertionError, match=f"{count} tokens from {start} on, of 10"):
            tokens.read(start, count)


def test_a_token_beyond_the_vocabulary_is_found_when_it_is_read():
    as_shards([1, 2, 300, 4], 2)
    files.write_json(Path("data/meta.json"), dict(tokenizer="bytes", vocab_size=257))
    train, _, _ = open_data("data")
    assert train.read(0, 2).tolist() == [1, 2]
    with pytest.raises(UserError, match="train_000002.bin has token 300, but the vocabulary 257"):
        train.read(1, 3)


@pytest.mark.parametrize(
    "content, reason",
    [
        ("null", "Input should be an object"),
        ('{"tokenizer": "words"}', "tokenizer: Input should be 'gpt2' or 'bytes'"),
        ('{"tokenizer": "gpt2", "vocab_size": "many"}', "vocab_size: Input should be a valid integer"),
        (
            '{"tokenizer": "gpt2", "vocab_size": 70000}',
            "vocab_size: Input should be less than or equal to 65536",
        ),
        ("{}", "tokenizer: Field required"),
        (
            '{"tokenizer": "gpt2", "vocab_size": 9, "train_tokens": []}',
            "train_tokens: Input should be a valid integer",
        ),
    ],
)
def test_a_description_of_another_shape_is_refused_in_one_line(content, reason):
    as_shards(range(3000), 1000)
    Path("data/meta.json").write_text(content)
    with pytest.raises(UserError, match=f"cannot read data/meta.json: .*{reason}.*delete the folder"):
        open_data("data")


@pytest.mark.skipif(sys.platform == "win32", reason="needs FIFOs")
@pytest.mark.parametrize("name", ["meta.json", "train_000001.bin"])
def test_a_fifo_is_no_file(name):
    as_shards(range(3000), 1000)
    path = Path("data", name)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with pytest.raises(UserError, match=f"{name}.* is not a file"):
        open_data("data")


def test_the_laptop_s_text_comes_from_this_python_alone():
    train, val, meta = open_data("laptop")
    assert (
        meta["tokenizer"] == "bytes"
        and meta["vocab_size"] == 257
        and meta["source"].startswith("Python, sha256 ")
    )
    assert (len(train), len(val)) == (meta["train_tokens"], meta["val_tokens"])
    assert len(train) > 1_000_000 and len(train) == (len(train) + len(val)) * 9 // 10
    text = data.get_tokenizer("bytes").decode(train.read(0, len(train)).tolist())
    assert "def " in text and "class " in text and "assignment" in text
    assert open_data("laptop")[-1] == meta


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_reading_takes_no_memory():
    """What stays in memory after 5,000 windows of 1 GB: mapped files would count, and fill it."""
    for index in range(1, 6):
        header = np.array([20240520, 1, 100_000_000] + [0] * 253, np.int32)
        with open(f"train_{index:06d}.bin", "wb") as file:
            file.write(header.tobytes())
            file.truncate(1024 + 200_000_000)  # a hole: it takes no disk
    program = """
import re
from data import Shards
def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+) kB", open("/proc/self/status").read()).group(1)) / 1024
tokens = Shards(".", "train")
tokens.read(0, 1025)
before = resident()
for number in range(5000):
    tokens.read(number * 99_991 % (len(tokens) - 1025), 1025)
print(resident() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout) < 20  # MB


@pytest.mark.parametrize("micro_batch", [1, 2, 3, 6])
def test_the_rows_of_a_step_do_not_depend_on_the_micro_batch(micro_batch):
    tokens = as_shards(torch.arange(12 * 8 + 1))
    config = Config(shuffle=False, context=8, micro_batch=micro_batch, batch_tokens=48)
    parts = [get_batch(tokens, config, 1, micro)[0] for micro in range(micro_steps(config, world=1))]
    assert torch.equal(torch.cat(parts).flatten(), torch.arange(48, 96))


@pytest.mark.parametrize("batch_tokens, nearest", [(500, 496), (130, 128), (3, 16)])
def test_steps_that_the_ranks_cannot_share_are_a_problem_with_the_nearest_that_do(batch_tokens, nearest):
    config = Config(context=16, micro_batch=4, batch_tokens=batch_tokens, device="cpu")
    reason = f"--batch_tokens {batch_tokens} is not a multiple of --context 16 x 1 ranks = 16"
    assert find_problems(config, 1, {}) == [f"{reason}; the nearest is {nearest}"]
    config = Config(context=16, micro_batch=4, batch_tokens=nearest, device="cpu")
    assert find_problems(config, 1, {}) == []


@pytest.mark.parametrize("world", [1, 2, 4, 8])
@pytest.mark.parametrize("micro_batch", [1, 2])
def test_the_rows_of_a_step_do_not_depend_on_the_ranks(world, micro_batch):
    tokens = as_shards(torch.arange(100 * 8 + 1))
    config = Config(shuffle=False, context=8, micro_batch=micro_batch, batch_tokens=16 * 8)
    parts = [(micro, rank) for micro in range(micro_steps(config, world)) for rank in range(world)]
    rows = [get_batch(tokens, config, 3, micro, rank, world)[0] for micro, rank in parts]
    assert torch.equal(torch.cat(rows).flatten(), torch.arange(3 * 16 * 8, 4 * 16 * 8))


def test_positions_are_shuffled_together_as_one_by_one():
    positions = np.arange(1000).reshape(10, 100)
    together = data.shuffled(positions, 1000, "1 0")
    assert together.shape == (10, 100)
    assert together.ravel().tolist() == [
        int(data.shuffled(position, 1000, "1 0")) for position in range(1000)
    ]
