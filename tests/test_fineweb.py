import contextlib
import json
import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import tiktoken
from processes import ROOT, TIMEOUT, descendants, server, start, wait_for_end

import data
import documents
import files
import fineweb
from errors import UserError

TEXT = "First Citizen:\nBefore we proceed any further, hear me speak. <|endoftext|> Où ? ☃\n" * 40


@pytest.fixture(autouse=True)
def quick_workers(monkeypatch):
    """Let the workers that fineweb.py starts from this process be forks of the server: see processes.py."""
    monkeypatch.setattr(fineweb, "multiprocessing", SimpleNamespace(get_context=lambda _: server()))


@pytest.fixture(autouse=True)
def first_shard_validates(monkeypatch):
    parse = fineweb.parse_options
    monkeypatch.setattr(fineweb, "parse_options", lambda words=None: parse(["--val", "first", *words]))


def needs_vocabulary():
    """Skip the test where tiktoken has neither its cache nor a network."""
    try:
        return tiktoken.get_encoding("gpt2")
    except (OSError, ValueError) as error:
        pytest.skip(f"needs GPT-2's vocabulary: {error}")


def read_shard(path):
    """The tokens of a shard, read as llm.c describes it, without our code."""
    data = path.read_bytes()
    header = np.frombuffer(data[:1024], np.int32)
    assert header[0] == 20240520 and header[1] == 1 and not header[3:].any()
    tokens = np.frombuffer(data[1024:], np.uint16)
    assert len(tokens) == header[2]
    return tokens.tolist()


def plain_stream(documents):
    """The tokens of documents, one at a time and without our code."""
    encoding = tiktoken.get_encoding("gpt2")
    return [token for text in documents for token in [50256, *encoding.encode_ordinary(text)]]


def make_documents(count):
    """Documents of many lengths, an empty one among them."""
    draw = random.Random(0)
    words = "the quick brown fox 12345 jumps — über den Zaun\n".split(" ")
    return [" ".join(draw.choices(words, k=draw.choice([0, 1, 9, 300]))) for _ in range(count)]


def write_parquet(path, documents):
    """A parquet file like FineWeb-Edu's, with more columns than text."""
    table = pyarrow.table({"id": range(len(documents)), "text": pyarrow.array(documents, pyarrow.string())})
    pyarrow.parquet.write_table(table, path, row_group_size=500)
    return path


def stream(folder):
    """All tokens of a folder in the order of the documents, and how many shards there are."""
    paths = sorted(folder.glob("*.bin"), key=lambda path: path.name[-10:])
    shards = [read_shard(path) for path in paths]
    if len(shards) == 2 and len(shards[0]) < len(shards[1]):
        shards.reverse()  # a small text: it begins in the train shard
    return [token for shard in shards for token in shard], len(shards)


def test_a_text_becomes_two_shards(tmp_path, capsys):
    needs_vocabulary()
    (tmp_path / "my.txt").write_text(TEXT, encoding="utf-8")
    fineweb.main(["--input", str(tmp_path / "my.txt"), "--out", str(tmp_path / "mine")])
    train, val = (read_shard(tmp_path / "mine" / name) for name in ("train_000001.bin", "val_000000.bin"))
    assert train + val == plain_stream([TEXT]) and len(train) == len(train + val) * 9 // 10
    assert f"{len(train):,} tokens to train, {len(val):,} to validate" in capsys.readouterr().out


def test_a_special_token_in_a_text_is_ordinary_text():
    needs_vocabulary()
    assert data.tokenize(["<|endoftext|>"], "gpt2").tolist() == plain_stream(["<|endoftext|>"])
    assert (data.tokenize(["<|endoftext|>"], "gpt2") == 50256).sum() == 1


def test_a_full_disk_is_told_with_the_remedy_and_leaves_nothing(tmp_path, monkeypatch):
    def full_disk(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full_disk)
    with pytest.raises(
        UserError, match="cannot write .*s.bin: .*No space left.*make room, and run the command again"
    ):
        data.write_shard(tmp_path / "s.bin", np.zeros(9, np.uint16))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_not_finished_has_no_name(tmp_path):
    with pytest.raises(ZeroDivisionError), files.whole_file(tmp_path / "shard.bin") as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("workers", [1, 3])
def test_the_stream_is_that_of_the_plain_loop(tmp_path, workers):
    needs_vocabulary()
    documents = make_documents(3000)
    parquet = [write_parquet(tmp_path / f"{half}.parquet", documents[half::2]) for half in (0, 1)]
    out = tmp_path / "out"
    fineweb.main(
        [
            "--input",
            *map(str, parquet),
            "--out",
            str(out),
            "--shard_tokens",
            "40000",
            "--workers",
            str(workers),
        ]
    )
    tokens, count = stream(out)
    assert tokens == plain_stream(documents[0::2] + documents[1::2])
    assert count == len(tokens) // 40000 + 1 > 3
    assert [path.name for path in sorted(out.glob("*"))][-1] == "val_000000.bin"
    assert len(read_shard(out / "val_000000.bin")) == len(read_shard(out / "train_000001.bin")) == 40000


def test_what_lies_in_the_folder_is_left_alone(tmp_path):
    needs_vocabulary()
    (tmp_path / "my.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "mine.txt").write_text("not made by fineweb.py")
    words = ["--input", str(tmp_path / "my.txt"), "--out", str(tmp_path)]
    fineweb.main(words)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert tmp_path / "cache" / "mine.txt" in before
    with pytest.raises(UserError, match="holds shards .*delete the folder, or choose another --out"):
        fineweb.main([*words, "--shard_tokens", "1000"])
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_bytes_tokenizer_carries_every_text_through(tmp_path):
    documents = [text for text in make_documents(50) if text] + ["\0\r\n\t ☃ 𝄞 <|endoftext|>" * 1000]
    source = write_parquet(tmp_path / "a.parquet", documents)
    fineweb.main(["--input", str(source), "--out", str(tmp_path / "out"), "--tokenizer", "bytes"])
    tokens, _ = stream(tmp_path / "out")
    assert tokens == [token for text in documents for token in [256, *text.encode()]]
    tokenizer = data.get_tokenizer("bytes")
    assert tokenizer.n_vocab == 257 and tokenizer.eot_token == 256
    assert tokenizer.decode(tokens) == "".join(f"<|endoftext|>{text}" for text in documents)
    meta = json.loads((tmp_path / "out" / "meta.json").read_text(encoding="utf-8"))
    assert (meta["tokenizer"], meta["vocab_size"]) == ("bytes", 257)


@pytest.mark.parametrize("count", [1, 3, 1000])
def test_the_first_shards_are_those_of_the_whole(tmp_path, count):
    source = write_parquet(tmp_path / "a.parquet", make_documents(400))
    arguments = ["--input", str(source), "--tokenizer", "bytes", "--shard_tokens", "20000"]
    fineweb.main([*arguments, "--out", str(tmp_path / "whole")])
    fineweb.main([*arguments, "--out", str(tmp_path / "some"), "--shards", str(count)])
    whole, all_shards = stream(tmp_path / "whole")
    some, shards = stream(tmp_path / "some")
    assert some == whole[: count * 20000] and shards == max(min(count, all_shards), 2)


@pytest.mark.parametrize("more", [-1, 0, 1, 999, 1000, 1001])
def test_a_text_of_fewer_than_two_shards_is_split(tmp_path, more):
    (tmp_path / "my.txt").write_bytes(b"To be, or not. " * 66 + b"?" * (9 + more))
    words = ["--input", str(tmp_path / "my.txt"), "--tokenizer", "bytes", "--shard_tokens", "1000"]
    fineweb.main([*words, "--out", str(tmp_path / "out")])
    tokens, count = stream(tmp_path / "out")
    assert tokens == [256, *(tmp_path / "my.txt").read_bytes()] and len(tokens) == 1000 + more
    assert count == (3 if more > 1000 else 2)
    val = len(read_shard(tmp_path / "out" / "val_000000.bin"))
    assert val == (1000 if more >= 1000 else len(tokens) - len(tokens) * 9 // 10)


@pytest.mark.parametrize("name", ["progress.json", "train_000001.bin", "val_000000.bin", "meta.json"])
def test_killed_while_it_splits_a_text_it_ends_with_the_same_bytes(tmp_path, monkeypatch, name):
    (tmp_path / "my.txt").write_bytes(b"To be, or not. " * 100)
    words = ["--input", str(tmp_path / "my.txt"), "--tokenizer", "bytes", "--shard_tokens", "1000"]
    fineweb.main([*words, "--out", str(tmp_path / "whole")])
    replace, splitting = Path.replace, []

    def dies(path, target):  # the second time that the file gets its name, or the only time
        replace(path, target)
        splitting.append(target.name)
        if splitting.count(name) == {"progress.json": 3, "val_000000.bin": 2}.get(name, 1):
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        fineweb.main([*words, "--out", str(tmp_path / "out")])
    monkeypatch.setattr(Path, "replace", replace)
    fineweb.main([*words, "--out", str(tmp_path / "out")])
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes(), path.name


class Hub:
    """The part of the hub's client that --pretokenized calls; it keeps what it is asked for."""

    def __init__(self, monkeypatch):
        self.newest, self.asked = "a" * 40, []
        monkeypatch.setattr("huggingface_hub.HfApi", lambda: self)
        monkeypatch.setattr("huggingface_hub.snapshot_download", self.download)

    def dataset_info(self, name):
        if self.newest is None:
            raise ConnectionError("no\nnetwork")
        return SimpleNamespace(sha={fineweb.PRETOKENIZED: self.newest}[name])

    def download(self, name, repo_type, allow_patterns, local_dir, revision):
        assert (name, repo_type) == ("kjj0/finewebedu10B-gpt2", "dataset")
        self.asked.append((revision, allow_patterns))
        for each in allow_patterns:
            data.write_shard(local_dir / each, np.arange(200, dtype=np.uint16))


READY = ["--pretokenized", "--shards", "3"]


def test_shards_made_by_others_are_downloaded(tmp_path, monkeypatch):
    needs_vocabulary()
    hub = Hub(monkeypatch)
    fineweb.main([*READY, "--out", str(tmp_path / "out")])
    names = ["finewebedu_train_000001.bin", "finewebedu_train_000002.bin", "finewebedu_val_000000.bin"]
    assert hub.asked == [("a" * 40, names)]
    meta = json.loads((tmp_path / "out" / "meta.json").read_text())
    assert meta["vocab_size"] == 50257 and meta["settings"]["source"] == [fineweb.PRETOKENIZED, "a" * 40]
    for offline in (None, lambda *_, **__: None):  # an error, or nothing done and nothing said
        monkeypatch.setattr("huggingface_hub.snapshot_download", offline)
        with pytest.raises(
            UserError, match="cannot download kjj0/finewebedu10B-gpt2: .*the same command continues"
        ):
            fineweb.main(["--pretokenized", "--out", str(tmp_path / "other")])
    assert not (tmp_path / "other" / "meta.json").exists()
    hub.newest = None
    with pytest.raises(
        UserError, match="cannot download kjj0/finewebedu10B-gpt2: ConnectionError: no network .check"
    ):
        fineweb.main([*READY, "--out", str(tmp_path / "third")])
    assert not (tmp_path / "third").exists()


def test_a_download_is_of_one_revision_even_if_it_is_continued(tmp_path, monkeypatch):
    needs_vocabulary()
    hub = Hub(monkeypatch)
    words, meta = [*READY, "--out", str(tmp_path / "out")], tmp_path / "out" / "meta.json"

    def breaks(*_, **options):
        hub.download(*_, **options)
        (tmp_path / "out" / "finewebedu_train_000002.bin").unlink()
        raise ConnectionError

    monkeypatch.setattr("huggingface_hub.snapshot_download", breaks)
    with pytest.raises(UserError, match="the same command continues"):
        fineweb.main(words)
    monkeypatch.setattr("huggingface_hub.snapshot_download", hub.download)
    hub.newest = "b" * 40
    fineweb.main(words)
    assert [revision for revision, _ in hub.asked] == ["a" * 40] * 2
    assert json.loads(meta.read_text())["settings"]["source"] == [fineweb.PRETOKENIZED, "a" * 40]
    hub.newest = None
    fineweb.main(words)  # it is complete: no network is needed
    assert len(hub.asked) == 2
    with pytest.raises(UserError, match="holds shards of other settings"):
        fineweb.main([*words, "--shards", "2"])


def test_shards_of_a_version_that_did_not_record_the_revision_are_kept(tmp_path, monkeypatch):
    needs_vocabulary()
    hub = Hub(monkeypatch)
    words, meta = [*READY, "--out", str(tmp_path / "out")], tmp_path / "out" / "meta.json"
    fineweb.main(words)
    values = json.loads(meta.read_text())
    values["settings"]["source"] = [fineweb.PRETOKENIZED]
    meta.write_text(json.dumps(values))
    fineweb.main(words)  # complete
    assert len(hub.asked) == 1
    meta.unlink()
    progress = dict(settings=values["settings"], shards=0, tokens=0, file=0, block=0, skip=0)
    (tmp_path / "out" / "progress.json").write_text(json.dumps(progress))
    fineweb.main(words)
    assert hub.asked[1][0] is None and json.loads(meta.read_text())["settings"] == values["settings"]


@pytest.mark.parametrize(
    "words", ["--shards -1", "--workers 0", "--shard_tokens 9", "--pretokenized --shards 1"]
)
def test_options_that_make_no_sense_are_refused(words, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        fineweb.main([*words.split(), "--out", str(tmp_path / "out")])
    assert "must be at least" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_every_kind_of_file_is_read_and_a_txt_is_one_document(tmp_path):
    needs_vocabulary()
    documents = [text for text in make_documents(40) if text]
    write_parquet(tmp_path / "a.parquet", documents[:10])
    lines = [json.dumps({"text": text}) for text in documents[10:20]]
    (tmp_path / "b.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "c.txt").write_text(documents[20], encoding="utf-8")
    (tmp_path / "d.txt").write_text(documents[21], encoding="utf-8")
    paths = [str(tmp_path / name) for name in ("a.parquet", "b.jsonl", "c.txt", "d.txt")]
    fineweb.main(["--input", *paths, "--out", str(tmp_path / "out")])
    tokens, _ = stream(tmp_path / "out")
    assert tokens == plain_stream(documents[:22])


def test_chunks_are_cut_into_shards_that_are_full_but_for_the_last():
    for size in (1, 3, 4, 12, 13):
        chunks = [(0, row, 0.5, np.arange(row, row + 4, dtype=np.uint16)) for row in (0, 4, 8)]
        cut = [(tokens.tolist(), position) for tokens, position in fineweb.cut_into_shards(chunks, size)]
        assert [token for tokens, _ in cut for token in tokens] == list(range(12))
        assert [position is None for _, position in cut] == [False] * (len(cut) - 1) + [True]
        assert all(len(tokens) == size for tokens, position in cut if position) and len(cut[-1][0]) > 0
        for after, (_, position) in enumerate(cut[:-1], start=1):  # from each position on, the same shards
            rest = [chunk for chunk in chunks if chunk[1] >= position["block"]]
            again = fineweb.cut_into_shards(rest, size, position["skip"])
            assert [(tokens.tolist(), position) for tokens, position in again] == cut[after:]


def test_fineweb_edu_is_read_file_by_file_in_its_order_at_a_pinned_revision(tmp_path, monkeypatch):
    needs_vocabulary()
    documents = make_documents(300)
    files = [
        str(write_parquet(tmp_path / f"{n}.parquet", documents[n * 100 : n * 100 + 100])) for n in range(3)
    ]
    asked = []

    def builder(*names, revision):  # as datasets answers, but the files are here
        asked.append((*names, revision))
        return SimpleNamespace(config=SimpleNamespace(data_files={"train": files}))

    monkeypatch.setattr("datasets.load_dataset_builder", builder)
    monkeypatch.chdir(tmp_path)
    fineweb.main(["--shard_tokens", "5000"])
    assert asked == [("HuggingFaceFW/fineweb-edu", "sample-10BT", "87f09149ef4734204d70ed1d046ddc9ca3f2b8f9")]
    assert stream(tmp_path / "data" / "fineweb-edu-10B")[0] == plain_stream(documents)


def test_without_a_network_the_remedy_is_told(tmp_path, monkeypatch):
    def offline(*_, **__):
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr("datasets.load_dataset_builder", offline)
    reason = "cannot reach HuggingFaceFW/fineweb-edu sample-10BT: ConnectionError: no route to host .*--input"
    with pytest.raises(UserError, match=reason):
        fineweb.main(["--tokenizer", "bytes", "--out", str(tmp_path / "out")])


@contextlib.contextmanager
def at_work(folder, workers=2, tokenizer="gpt2", shard_tokens=300_000):
    """Start fineweb.py on documents for some seconds: the process, when its workers have started."""
    source = folder / "many.parquet"
    if not source.exists():
        write_parquet(source, make_documents(3000) * 20)
    words = ["--val", "first", "--workers", workers, "--tokenizer", tokenizer, "--shard_tokens", shard_tokens]
    with start(ROOT / "fineweb.py", "--input", source, "--out", "out", *words, folder=folder) as process:
        while process.is_alive() and not list(folder.glob("out/val*.bin")):
            time.sleep(0.01)
        yield process


def exit_code(process):
    """Wait for a process, and return its exit code."""
    process.join(TIMEOUT)
    return process.exitcode


@pytest.mark.skipif(sys.platform == "win32", reason="needs ps and SIGKILL")
def test_no_worker_outlives_its_parent(tmp_path):
    needs_vocabulary()
    with at_work(tmp_path) as process:
        workers = descendants(process.pid)
        assert process.is_alive() and len(workers) >= 2
    wait_for_end(workers)


@pytest.mark.skipif(sys.platform == "win32", reason="needs ps and SIGKILL")
def test_killed_again_and_again_it_ends_with_the_same_bytes(tmp_path):
    quick = dict(tokenizer="bytes", shard_tokens=1_500_000)
    with at_work(tmp_path, workers=1, **quick) as process:
        assert exit_code(process) == 0
    (tmp_path / "out").rename(tmp_path / "whole")
    for shards in (1, 3, 4, 7):  # killed as soon as there are so many
        with at_work(tmp_path, **quick) as process:
            while process.is_alive() and len(list(tmp_path.glob("out/*.bin"))) < shards:
                time.sleep(0.001)
            assert process.is_alive() and not (tmp_path / "out" / "meta.json").exists()
    with at_work(tmp_path, **quick) as process:
        assert exit_code(process) == 0
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "out").iterdir()) and len(names) > 10
    for name in set(names) - {".lock"}:  # it names a process
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "out" / name).read_bytes(), name


def test_it_goes_on_from_any_shard_over_blocks_and_files(tmp_path, monkeypatch):
    needs_vocabulary()
    monkeypatch.setattr(documents, "BLOCK", 50_000)
    texts = make_documents(4000)
    halves = texts[:1600], texts[1600:3200]
    paths = [write_parquet(tmp_path / f"{part}.parquet", half) for part, half in enumerate(halves)]
    paths.append(tmp_path / "2.jsonl")
    paths[-1].write_text("\n".join(json.dumps({"text": text}) for text in texts[3200:]), encoding="utf-8")
    assert all(len(documents.cut_into_blocks(str(path))) > 3 for path in paths)
    out, write = tmp_path / "out", data.write_shard
    words = ["--input", *map(str, paths), "--shard_tokens", "60000", "--workers", "1"]

    def dies_after_one(path, tokens):
        if written:
            raise KeyboardInterrupt
        written.append(write(path, tokens))

    def counts(chunks, before, limit):  # as the progress bar does
        for chunk in chunks:
            before += len(chunk[-1])
            counted.append(before)
            yield chunk

    counted = []
    monkeypatch.setattr(fineweb, "show_tokens", counts)
    monkeypatch.setattr(fineweb, "write_shard", dies_after_one)
    for _ in range(20):
        written = []
        try:
            fineweb.main([*words, "--out", str(out)])
            break
        except KeyboardInterrupt:
            continue
    tokens, count = stream(out)
    assert tokens == plain_stream(texts) and count > 5 and counted[-1] == len(tokens)


def test_a_folder_with_other_shards_is_left_alone(tmp_path, capsys):
    needs_vocabulary()
    (tmp_path / "my.txt").write_text(TEXT, encoding="utf-8")
    arguments = ["--input", str(tmp_path / "my.txt"), "--out", str(tmp_path / "out")]
    fineweb.main(arguments)
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    fineweb.main(arguments)  # nothing to do
    for other in (["--shard_tokens", "1000"], ["--input", str(ROOT / "README.md")]):
        with pytest.raises(UserError, match="out holds shards of other settings|README.md is not parquet"):
            fineweb.main(arguments + other)
    (tmp_path / "b.txt").write_text(TEXT, encoding="utf-8")
    with pytest.raises(UserError, match="source my.txt (.*), now my.txt (.*), b.txt (.*) .delete"):
        fineweb.main([*arguments[:2], str(tmp_path / "b.txt"), *arguments[2:]])
    size = (tmp_path / "my.txt").stat().st_size
    (tmp_path / "my.txt").write_text(TEXT + "more", encoding="utf-8")
    with pytest.raises(
        UserError,
        match=rf"out holds shards of other settings: source my.txt \({size:,} bytes\), now my.txt "
        rf"\({size + 4:,} bytes\) \(delete the folder, or choose another --out\)",
    ):
        fineweb.main(arguments)
    (tmp_path / "my.txt").write_text(TEXT, encoding="utf-8")
    old, new = (dict(source=["fineweb-edu", name], shards=0) for name in ("10BT", "100BT"))
    assert fineweb.describe_changes(old, new) == "source 10BT, now 100BT"
    with pytest.raises(UserError, match="source my.txt (.*), now changed .delete"):
        fineweb.main(arguments)
    assert before == {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    (tmp_path / "out" / "meta.json").unlink()
    with pytest.raises(UserError, match="out holds shards of another program"):
        fineweb.main(arguments)


@pytest.mark.skipif(sys.platform == "win32", reason="needs ps and SIGKILL")
def test_a_worker_that_is_killed_is_told_and_does_not_hang(tmp_path):
    needs_vocabulary()
    with at_work(tmp_path) as process:
        for pid in descendants(process.pid):
            os.kill(pid, signal.SIGKILL)
        assert exit_code(process) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs ps and SIGKILL")
def test_a_worker_that_is_killed_while_it_sends_does_not_hang(tmp_path):
    needs_vocabulary()
    with at_work(tmp_path) as process:
        os.kill(process.pid, signal.SIGSTOP)  # it reads no more: each worker gets stuck as it sends
        time.sleep(2)
        for pid in descendants(process.pid):
            os.kill(pid, signal.SIGKILL)
        os.kill(process.pid, signal.SIGCONT)
        assert exit_code(process) == 2


def test_the_progress_bar_knows_how_many_tokens_there_will_be(capsys):
    chunks = [(0.25, np.zeros(1_000_000)), (0.5, np.zeros(1_000_000)), (1.0, np.zeros(2_000_000))]
    assert list(fineweb.show_tokens(iter(chunks), before=0, limit=0)) == chunks
    assert "100%" in capsys.readouterr().err


def test_what_cannot_be_read_ends_with_one_line_and_code_2(tmp_path):
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "latin.txt").write_bytes("Où est-il ?".encode("latin-1"))
    (tmp_path / "book.pdf").write_bytes(b"%PDF")
    (tmp_path / "empty.txt").write_bytes(b"")
    pyarrow.parquet.write_table(pyarrow.table({"words": ["a"]}), tmp_path / "words.parquet")
    pyarrow.parquet.write_table(pyarrow.table({"text": [1, 2]}), tmp_path / "numbers.parquet")
    pyarrow.parquet.write_table(pyarrow.table({"text": [["a"], ["b"]]}), tmp_path / "lists.parquet")
    reasons = {
        "none.txt": "none.txt: no such file or folder",
        "book.pdf": "book.pdf is not parquet, jsonl or txt",
        "torn.parquet": "cannot read .*torn.parquet: .*check the file",
        "latin.txt": "cannot read .*latin.txt: ",
        "words.parquet": "words.parquet has no column text of strings .its columns: words.",
        "lists.parquet": "lists.parquet has no column text of strings .its columns: text.",
        "numbers.parquet": "numbers.parquet has no column text of strings .its columns: text.",
    }
    for name, reason in reasons.items():
        with pytest.raises(UserError, match=reason) as caught:
            words = ["--tokenizer", "bytes", "--out", str(tmp_path / "out")]
            fineweb.main(["--input", str(tmp_path / name), *words])
        assert "\n" not in str(caught.value)
        assert not list(tmp_path.glob("out/*.bin"))
    needs_vocabulary()
    words = ["--input", "empty.txt", "--out", "empty"]
    with start(ROOT / "fineweb.py", *words, folder=tmp_path, output=tmp_path / "output.txt") as process:
        assert exit_code(process) == 2
    out = (tmp_path / "output.txt").read_text(encoding="utf-8").strip()
    assert out.endswith("error: the input has fewer than 10 tokens of text (check the files)")
    assert not (tmp_path / "empty").exists()


def test_a_missing_vocabulary_is_told_with_the_remedy(monkeypatch):
    def no_network(name):
        raise ConnectionError(f"no {name}")

    data.get_tokenizer.cache_clear()
    monkeypatch.setattr(tiktoken, "get_encoding", no_network)
    with pytest.raises(UserError, match="cannot download GPT-2's vocabulary .* set TIKTOKEN_CACHE_DIR"):
        data.get_tokenizer("gpt2")


def test_names_are_taken_literally_and_a_byte_order_mark_is_dropped(tmp_path):
    (tmp_path / "my[1]*.txt").write_bytes("\ufeffTo be, or not.\r\n".encode())
    (tmp_path / "my1.txt").write_text("something else", encoding="utf-8")
    words = ["--tokenizer", "bytes", "--out", str(tmp_path / "out")]
    fineweb.main(["--input", str(tmp_path / "my[1]*.txt"), *words])
    assert stream(tmp_path / "out")[0] == [256, *b"To be, or not.\n"]


@pytest.mark.parametrize("content", ["null", "[]", "7", '{"settings": null}', '{"shards": -1}', "[" * 9999])
@pytest.mark.parametrize("name", ["meta.json", "progress.json"])
def test_a_folder_with_a_foreign_json_file_is_refused_in_one_line(name, content, tmp_path):
    (tmp_path / "my.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text(content)
    with pytest.raises(
        UserError, match=f"cannot read .*{name}: .*delete the folder, or choose another --out"
    ):
        fineweb.main(
            ["--input", str(tmp_path / "my.txt"), "--out", str(tmp_path / "out"), "--tokenizer", "bytes"]
        )


def test_a_folder_belongs_to_one_program_at_a_time(tmp_path):
    with files.lock_folder(tmp_path / "out"):
        (tmp_path / "my.txt").write_text(TEXT, encoding="utf-8")
        words = ["--input", "my.txt", "--out", "out", "--tokenizer", "bytes"]
        with start(ROOT / "fineweb.py", *words, folder=tmp_path, output=tmp_path / "said") as process:
            code = exit_code(process)
        err = (tmp_path / "said").read_text(encoding="utf-8")
        assert (
            code == 2 and f"is in use by process {os.getpid()} (wait for it, or choose another --out)" in err
        )
    fineweb.main(
        ["--input", str(tmp_path / "my.txt"), "--out", str(tmp_path / "out"), "--tokenizer", "bytes"]
    )


def test_a_progress_that_fits_neither_shards_nor_input_is_refused(tmp_path):
    for name, count in (("val_000000.bin", 100), ("train_000001.bin", 50)):
        data.write_shard(tmp_path / name, np.zeros(count, "<u2"))
    state = fineweb.Progress(dict(shard_tokens=100), shards=1, tokens=100, file=0, block=1, skip=7)
    assert fineweb.check_progress(tmp_path, state) is state
    for changes in (dict(shards=0, tokens=0), dict(tokens=99), dict(shards=2, tokens=200)):
        with pytest.raises(UserError, match="progress.json does not fit the shards beside it .delete the"):
            fineweb.check_progress(tmp_path, replace(state, **changes))
    chunks = [(0, 1, 0.5, [7] * 8), (0, 2, 1.0, [7])]
    assert list(fineweb.continued(iter(chunks), tmp_path, state)) == chunks
    for changes in (dict(file=1), dict(block=2), dict(skip=8)):
        with pytest.raises(UserError, match="progress.json does not fit the input .delete the folder"):
            fineweb.continued(iter(chunks), tmp_path, replace(state, **changes))
