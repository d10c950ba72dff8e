"""Your own text: which documents there are, and which of them validate."""

import json
import random
import re
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from test_fineweb import make_documents

import documents
import fineweb
from data import open_data
from documents import is_drawn
from errors import UserError

WORDS = ["--tokenizer", "bytes", "--workers", "1"]
DRAWN = [text for text in (f"document number {number}" for number in range(300)) if is_drawn(text)]
KEPT = [text for text in (f"document number {number}" for number in range(300)) if not is_drawn(text)]


@pytest.fixture(autouse=True)
def in_this_process(tmp_path, monkeypatch):
    monkeypatch.setattr(fineweb, "request_tokens", fineweb.tokenize_block)  # a process takes long to start
    monkeypatch.chdir(tmp_path)


def write_lines(path, texts, column="text"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({column: text}) + "\n" for text in texts), encoding="utf-8")
    return str(path)


def make(*words, out="out"):
    """Run fineweb.py; returns the training text and the validation text, with <|endoftext|> as |."""
    fineweb.main([*WORDS, "--out", out, "--input", *words])
    return texts_of(out)


def texts_of(out):
    return tuple(
        bytes(b"|"[0] if token == 256 else token for token in part.read(0, len(part)).tolist()).decode()
        for part in open_data(out)[:2]
    )


def joined(texts):
    return "".join(f"|{text}" for text in texts)


def test_one_document_in_ten_validates_wherever_it_stands(tmp_path):
    texts = [f"document number {number}" for number in range(300)]
    assert 15 < len(DRAWN) < 50
    assert make(write_lines(tmp_path / "a.jsonl", texts)) == (joined(KEPT), joined(DRAWN))
    again = make(write_lines(tmp_path / "b.jsonl", texts[::-1]), out="reversed")
    assert again == (joined(KEPT[::-1]), joined(DRAWN[::-1]))
    both = make("a.jsonl", "b.jsonl", out="twice")  # copies are on the same side
    assert both == (joined(KEPT + KEPT[::-1]), joined(DRAWN + DRAWN[::-1]))


@pytest.mark.parametrize("shard_tokens", ["2000", "9000"])
def test_killed_and_continued_the_split_is_the_same(tmp_path, monkeypatch, shard_tokens):
    monkeypatch.setattr(documents, "BLOCK", 200)
    texts = [text for text in make_documents(300) if text]
    paths = [write_lines(tmp_path / f"{n}.jsonl", texts[n::2]) for n in (0, 1)]
    whole = make(*paths, "--shard_tokens", shard_tokens, out="whole")
    order = texts[0::2] + texts[1::2]
    assert whole == (
        joined(text for text in order if not is_drawn(text)),
        joined(text for text in order if is_drawn(text)),
    )
    write, written = fineweb.write_shard, []

    draw = random.Random(0)

    def dies(path, tokens):  # now and then, before or after it has written
        written.append(path)
        if draw.random() < 0.2:
            raise KeyboardInterrupt
        write(path, tokens)
        if draw.random() < 0.2:
            raise KeyboardInterrupt

    monkeypatch.setattr(fineweb, "write_shard", dies)
    for _ in range(1000):
        try:
            assert make(*paths, "--shard_tokens", shard_tokens) == whole
            break
        except KeyboardInterrupt:
            continue
    names = {path.name for path in Path("whole").glob("*.bin")}
    assert names == {path.name for path in Path("out").glob("*.bin")} and len(written) > len(names)


@pytest.mark.parametrize("text", [KEPT[0], DRAWN[0]])
def test_of_a_single_document_the_last_tenth_validates(text):
    Path("my.txt").write_text(text)
    whole = f"|{text}"
    cut = len(whole) * 9 // 10
    assert make("my.txt") == (whole[:cut], whole[cut:])


def test_if_none_is_drawn_each_document_gives_its_last_tenth(tmp_path):
    whole = [f"|{text}" for text in KEPT[:5]]
    train, val = make(write_lines(tmp_path / "a.jsonl", KEPT[:5]))
    assert train == "".join(text[: len(text) * 9 // 10] for text in whole)
    assert val == "".join(text[len(text) * 9 // 10 :] for text in whole)


@pytest.mark.parametrize("name", ["val_000000.bin", "train_000001.bin"])
def test_killed_between_two_files_of_a_split_by_position(monkeypatch, name):
    Path("my.txt").write_text(KEPT[0])
    expected = make("my.txt", out="whole")
    write = fineweb.write_shard

    def dies(path, tokens):
        write(path, tokens)
        if path.name == name:
            raise KeyboardInterrupt

    monkeypatch.setattr(fineweb, "write_shard", dies)
    with pytest.raises(KeyboardInterrupt):
        make("my.txt")
    monkeypatch.setattr(fineweb, "write_shard", write)
    assert make("my.txt") == expected


def test_long_documents_all_give_their_last_tenth(monkeypatch):
    monkeypatch.setattr(documents, "LONG", 1000)
    books = {name: name * 2000 for name in "abc"}
    for name, book in books.items():
        Path(f"{name}.txt").write_text(book)
    train, val = make("a.txt", "b.txt", "c.txt")
    assert val == "".join(name * (2000 - 1800 + 1) for name in "abc")
    assert train == joined(name * 1799 for name in "abc")


@pytest.mark.parametrize("separator", ["<|endoftext|>", "---", "\n\n", "☃", "aa"])
def test_a_txt_file_with_separators_holds_many_documents(tmp_path, monkeypatch, separator):
    texts = [f"one {number}\nü ☂ b" for number in range(40)]
    content = f"\ufeff{separator}" + f"\n{separator} ".join(texts) + separator
    Path("my.txt").write_bytes(content.replace("\n", "\r\n").encode())
    for size in (*range(1, 70), 4_000_000):
        monkeypatch.setattr(documents, "BLOCK", size)
        blocks = documents.cut_into_blocks("my.txt", "text", separator)
        found = [
            text for block in blocks for text in documents.read_block("my.txt", block, "text", separator)
        ]
        assert found in (texts, ["", *texts])  # before the first separator there is only a byte order mark
        assert len(blocks) == (
            1 if separator in ("---", "\n\n", "aa") else -(-Path("my.txt").stat().st_size // size)
        )
    train, val = make("my.txt", f"--split_on={separator}")
    found = (train + val).split("|")
    assert sorted(text for text in found if text) == sorted(texts)


def test_a_separator_without_its_flag_is_ordinary_text():
    Path("my.txt").write_text("One.\n<|endoftext|>\nTwo. " * 5)
    assert "".join(make("my.txt")) == "|" + "One.\n<|endoftext|>\nTwo. " * 5


def test_another_column_is_read_from_parquet_and_jsonl(tmp_path):
    table = pyarrow.table({"text": [1] * 300, "my words": [f"document number {n}" for n in range(300)]})
    pyarrow.parquet.write_table(table, "a.parquet")
    write_lines(tmp_path / "b.jsonl", DRAWN, column="my words")
    assert make("a.parquet", "b.jsonl", "--column", "my words") == (joined(KEPT), joined(DRAWN + DRAWN))
    with pytest.raises(UserError, match="a.parquet has no column body of strings .its columns: text, my"):
        make("a.parquet", "--column", "body", out="other")
    with pytest.raises(UserError, match="cannot read b.jsonl: ValueError: line 1: text: Field required"):
        make("b.jsonl", out="other")


def test_folders_and_patterns_are_read_in_the_order_of_names(tmp_path):
    for name, text in zip(("b/2.jsonl", "b/1.jsonl", "b/c/3.jsonl", "z.jsonl"), KEPT, strict=False):
        write_lines(tmp_path / name, [text])
    write_lines(tmp_path / "b/4.jsonl", [DRAWN[0]])
    Path("b/notes.md").write_text("not read")
    folder = joined([KEPT[1], KEPT[0], KEPT[2]])
    assert make("b") == (folder, f"|{DRAWN[0]}")
    assert make("b/*.jsonl", out="pattern") == (joined([KEPT[1], KEPT[0]]), f"|{DRAWN[0]}")
    assert make("b", "z.jsonl", "z.jsonl", out="mixed") == (folder + f"|{KEPT[3]}" * 2, f"|{DRAWN[0]}")
    Path("b/[1]*.txt").write_text(KEPT[5])
    assert "".join(make("b/[1]*.txt", out="literal")) == f"|{KEPT[5]}"
    Path("empty").mkdir()
    for word, reason in (
        ("empty", "has no parquet, jsonl or txt file"),
        ("n*.txt", "n..txt has no parquet, jsonl or txt file"),
        ("c", "c: no such file or folder"),
    ):
        with pytest.raises(UserError, match=f"--input .*{reason}"):
            make("b", word)


@pytest.mark.parametrize(
    "words, folder",
    [
        ("b", "b"),
        ("b/", "b"),
        ("b/1.jsonl", "1"),
        ("b/*.jsonl", "b"),
        (".", "top"),
        ("b/*.jsonl --out x", "x"),
    ],
)
def test_the_folder_is_named_after_the_input(tmp_path, monkeypatch, words, folder):
    (tmp_path / "top").mkdir()
    monkeypatch.chdir(tmp_path / "top")
    write_lines(tmp_path / "top/b/1.jsonl", KEPT)
    found = fineweb.parse_options(["--input", *words.split()]).out
    assert found == (Path("x") if folder == "x" else Path("data", folder))


def test_a_changed_split_is_other_data(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", KEPT + DRAWN)
    make(path)
    before = {path: path.read_bytes() for path in Path("out").glob("*.bin")}
    make(path)  # nothing to do
    changes = {"--column body": "column text, now body", "--split_on x": "split_on '', now x"}
    changes |= {
        "--val first": "column text, now none; split_on '', now none; val one document in ten, now none"
    }
    changes |= {"--shards 7 --split_on x": "shards 0, now 7; split_on '', now x"}
    for more, reason in changes.items():
        with pytest.raises(
            UserError, match=f"out holds shards of other settings: {reason} .delete the folder"
        ):
            make(path, *more.split())
    assert before == {path: path.read_bytes() for path in Path("out").glob("*.bin")}
    with pytest.raises(SystemExit, match="2"):
        fineweb.main(["--val", "documents"])


def test_parts_have_the_split_of_the_whole(tmp_path):
    for number in range(6):
        write_lines(tmp_path / f"in/{number}.jsonl", (KEPT + DRAWN)[number::6])
    whole = make("in", out="whole")
    for part in ("3/3", "1/3", "2/3"):
        fineweb.main([*WORDS, "--out", "out", "--input", "in", "--part", part])
    assert texts_of("out") == whole


def test_many_files_are_described_in_short(tmp_path):
    for number in range(120):
        write_lines(tmp_path / f"in/{number:03}.jsonl", [f"document number {number}"])
    make("in")
    source = json.loads(Path("out/meta.json").read_text())["settings"]["source"]
    assert source[0] == "120 files" and len(source[1]) == 64


def test_pieces_of_a_shard_that_begins_within_a_document():
    first, second = documents.split_by_position(np.array([5] * 10 + [9] + [6] * 19), 9)
    assert first.tolist() == [5] * 9 + [9] + [6] * 17 and second.tolist() == [5] + [6, 6]


def table(out):
    """The shares that fineweb.py prints: {input: (to train, to validate)}."""
    rows = re.findall(r"(?m)^(.+): ([\d,]+) \(([\d.]+)%\) to train, ([\d,]+) \(([\d.]+)%\) to validate$", out)
    return {name: tuple(int(n.replace(",", "")) for n in numbers[::2]) for name, *numbers in rows}


def sizes(texts):
    """How many tokens documents have, to train and to validate."""
    return tuple(sum(len(text) + 1 for text in texts if is_drawn(text) == drawn) for drawn in (False, True))


def test_the_share_of_each_input_is_printed_and_a_repeated_one_weighs_more(tmp_path, capsys):
    texts = [f"document number {number}" for number in range(300)]
    write_lines(tmp_path / "a.jsonl", texts[:120])
    for number in range(3):
        write_lines(tmp_path / f"b/{number}.jsonl", texts[120 + 60 * number :][:60])
    make("a.jsonl", "b", "a.jsonl")
    one, three = sizes(texts[:120]), sizes(texts[120:])
    expected = {"a.jsonl x 2": (2 * one[0], 2 * one[1]), "b": three}
    out = capsys.readouterr().out
    assert table(out) == expected
    share = 2 * one[0] / (2 * one[0] + three[0])
    assert f"a.jsonl x 2: {2 * one[0]:,} ({share:.1%}) to train" in out
    make("a.jsonl", "b", "a.jsonl")  # it is finished
    assert table(capsys.readouterr().out) == expected
    make("b", out="alone")
    assert table(capsys.readouterr().out) == {}
    write_lines(tmp_path / "few.jsonl", KEPT[:3])
    make("few.jsonl", "few.jsonl", out="few")  # none is drawn: each document is cut
    assert table(capsys.readouterr().out) == {}


def test_shares_are_those_of_the_whole_after_kills_and_in_parts(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(documents, "BLOCK", 200)
    texts = [f"document number {number}" for number in range(300)]
    words = [write_lines(tmp_path / f"{n}.jsonl", texts[n::3]) for n in range(3)]
    write, draw = fineweb.write_shard, random.Random(0)

    def dies(path, tokens):
        write(path, tokens)
        if draw.random() < 0.3:
            raise KeyboardInterrupt

    monkeypatch.setattr(fineweb, "write_shard", dies)
    for _ in range(1000):
        try:
            make(*words, words[0], "--shard_tokens", "900")
            break
        except KeyboardInterrupt:
            continue
    monkeypatch.setattr(fineweb, "write_shard", write)
    one, two, three = (sizes(texts[n::3]) for n in range(3))
    expected = {f"{words[0]} x 2": (2 * one[0], 2 * one[1]), words[1]: two, words[2]: three}
    assert table(capsys.readouterr().out) == expected
    fineweb.main([*WORDS, "--out", "parts", "--input", *words, "--part", "2/2"])
    assert table(capsys.readouterr().out) == {words[1]: two, words[2]: three}
    make(*words, "--shard_tokens", "1000", "--shards", "2", out="cut")  # the last block is not used up
    assert table(capsys.readouterr().out) == {}
    kept = [write_lines(tmp_path / f"kept{number}.jsonl", KEPT[number:]) for number in (0, 1)]
    fineweb.main([*WORDS, "--out", "halves", "--input", *kept, *words[:2], "--part", "1/2"])
    assert table(capsys.readouterr().out) == {name: sizes(KEPT[n:]) for n, name in enumerate(kept)}
