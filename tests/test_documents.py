"""Files in blocks: whatever the size of a block, together they hold each document once and in order."""

import json
import threading

import huggingface_hub
import pyarrow
import pyarrow.parquet
import pytest
from test_fineweb import make_documents, stream

import documents
import fineweb
from errors import UserError

TEXTS = ["first", "", "Où ?\n☃", "a\r\nb", "x" * 99, "{}", "<|endoftext|>", "last"]


def write(path, texts, row_group_size=3):
    """Write documents as jsonl or parquet."""
    if path.suffix == ".parquet":
        table = pyarrow.table({"id": range(len(texts)), "text": pyarrow.array(texts, pyarrow.string())})
        pyarrow.parquet.write_table(table, path, row_group_size=row_group_size)
    else:
        path.write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
    return str(path)


def read_all(path):
    """The documents of all blocks of a file, and the number of blocks."""
    blocks = documents.cut_into_blocks(path)
    return [text for block in blocks for text in documents.read_block(path, block)], len(blocks)


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_blocks_of_a_jsonl_file_hold_each_line_once(tmp_path, monkeypatch, mark, end):
    path = tmp_path / "a.jsonl"
    write(path, TEXTS)
    path.write_text(mark + path.read_text(encoding="utf-8").replace("\n", "\r\n", 2) + end, encoding="utf-8")
    for size in range(1, path.stat().st_size + 2):
        monkeypatch.setattr(documents, "BLOCK", size)
        texts, count = read_all(str(path))
        assert texts == TEXTS and count == -(-path.stat().st_size // size)


def test_a_list_in_a_json_file_is_read_once(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"text": text} for text in TEXTS]), encoding="utf-8")
    monkeypatch.setattr(documents, "BLOCK", 20)
    texts, count = read_all(str(path))
    assert texts == TEXTS and count > 10


@pytest.mark.parametrize("rows", [1, 3, 100, 1000])  # per row group
@pytest.mark.parametrize("size", [1, 500, 4_000_000])
def test_the_blocks_of_a_parquet_file_hold_each_row_once(tmp_path, monkeypatch, rows, size):
    monkeypatch.setattr(documents, "BLOCK", size)
    texts = make_documents(200)
    found, count = read_all(write(tmp_path / "a.parquet", texts, rows))
    assert found == texts
    assert (count == 200) if size == 1 else (count >= -(-200 // rows))


def test_blocks_of_a_large_row_group_are_read_in_any_order(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "BLOCK", 500)
    texts = make_documents(200)
    path = write(tmp_path / "a.parquet", texts, 1000)
    blocks = documents.cut_into_blocks(path)
    assert len(blocks) > 20
    for group, first, count in [blocks[9], blocks[3], blocks[3], blocks[20], blocks[0]]:
        assert documents.read_block(path, (group, first, count)) == texts[first : first + count]


def test_an_error_names_the_line_also_in_a_later_block(tmp_path, monkeypatch):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a text of some length"}\n\n' * 10 + '{"text": 5}\n', encoding="utf-8")
    monkeypatch.setattr(documents, "BLOCK", 40)
    *_, last = documents.cut_into_blocks(str(path))
    assert last[0] > 100
    with pytest.raises(
        UserError, match=r"cannot read .*a.jsonl: ValueError: line 21: text: .*check the file"
    ):
        read_all(str(path))


def test_the_parent_reads_no_document(tmp_path, monkeypatch):
    def fail(*_):
        raise AssertionError("the parent reads")

    monkeypatch.setattr(fineweb, "read_block", fail)  # the workers import their own
    texts = make_documents(300)
    path = write(tmp_path / "a.parquet", texts, 50)
    words = ["--tokenizer", "bytes", "--val", "first", "--workers", "2"]
    fineweb.main(["--input", path, "--out", str(tmp_path / "out"), *words])
    assert stream(tmp_path / "out")[0] == [byte for text in texts for byte in [256, *text.encode()]]


def test_a_block_may_have_no_document(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "BLOCK", 50)  # a long line begins in one block and ends in a later one
    monkeypatch.setattr(fineweb, "request_tokens", fineweb.tokenize_block)
    texts = ["a", "b" * 400, "c" * 70, "d"]
    words = ["--out", str(tmp_path / "out"), "--tokenizer", "bytes", "--workers", "1"]
    fineweb.main(["--val", "first", "--input", write(tmp_path / "a.jsonl", texts), *words])
    assert stream(tmp_path / "out")[0] == [byte for text in texts for byte in [256, *text.encode()]]


def test_the_next_file_is_fetched_while_one_is_read(tmp_path, monkeypatch):
    files = [write(tmp_path / f"{n}.jsonl", TEXTS) for n in range(3)]
    fetched, started = [], threading.Event()

    def fetch(file):
        fetched.append(file)
        started.set()
        return file

    monkeypatch.setattr(documents, "fetch", fetch)
    blocks = documents.list_blocks(files)
    for number in range(3):
        started.clear()
        assert next(blocks)[:2] == (number, 0)  # the first block of the file
        if number < 2:
            assert started.wait(10) and fetched[-1] == files[number + 1]
    assert fetched == files and list(blocks) == []


def test_a_file_of_the_hub_is_downloaded_at_the_pinned_revision(monkeypatch):
    asked = []
    monkeypatch.setattr(
        huggingface_hub, "hf_hub_download", lambda *names, **kinds: asked.append((names, kinds)) or "here"
    )
    address = f"hf://datasets/{documents.FINEWEB}@{documents.REVISION}/sample/10BT/000_00000.parquet"
    assert documents.fetch(address) == "here" and documents.fetch("a::b@c.parquet") == "a::b@c.parquet"
    pinned = dict(repo_type="dataset", revision="87f09149ef4734204d70ed1d046ddc9ca3f2b8f9")
    assert asked == [(("HuggingFaceFW/fineweb-edu", "sample/10BT/000_00000.parquet"), pinned)]


def test_a_download_that_fails_ends_with_one_line(tmp_path, monkeypatch):
    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    address = f"hf://datasets/{documents.FINEWEB}@{documents.REVISION}/sample/10BT/000_00000.parquet"
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", full_disk)
    monkeypatch.setattr(fineweb, "list_fineweb", lambda name: [address])
    reason = "cannot download hf:.*000_00000.parquet: .*No space left on device .check the disk.*continues"
    with pytest.raises(UserError, match=reason):
        fineweb.main(["--tokenizer", "bytes", "--out", str(tmp_path / "out")])
