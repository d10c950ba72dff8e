import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiktoken

import fineweb
from fineweb import UserError

ROOT = Path(__file__).parent.parent
TEXT = "First Citizen:\nBefore we proceed any further, hear me speak. <|endoftext|> Où ? ☃\n" * 40


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


def run(*arguments):
    """Run fineweb.py with these arguments: its exit code and what it says on stderr."""
    command = [sys.executable, str(ROOT / "fineweb.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120)
    return done.returncode, done.stderr


def test_a_text_becomes_two_shards(tmp_path, capsys):
    needs_vocabulary()
    (tmp_path / "my.txt").write_text(TEXT, encoding="utf-8")
    fineweb.main(["--input", str(tmp_path / "my.txt"), "--out", str(tmp_path / "mine")])
    train, val = (read_shard(tmp_path / "mine" / name) for name in ("train_000001.bin", "val_000000.bin"))
    assert train + val == plain_stream([TEXT]) and len(train) == len(train + val) * 9 // 10
    assert f"{len(train):,} tokens to train, {len(val):,} to validate" in capsys.readouterr().out


def test_a_special_token_in_a_text_is_ordinary_text():
    needs_vocabulary()
    assert fineweb.tokenize(["<|endoftext|>"]).tolist() == plain_stream(["<|endoftext|>"])
    assert (fineweb.tokenize(["<|endoftext|>"]) == 50256).sum() == 1


def test_a_full_disk_is_told_with_the_remedy_and_leaves_nothing(tmp_path, monkeypatch):
    def full_disk(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fineweb.os, "fsync", full_disk)
    with pytest.raises(UserError, match="cannot write .*s.bin: .*No space left.*make room, and run it again"):
        fineweb.write_shard(tmp_path / "s.bin", np.zeros(9, np.uint16))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_not_finished_has_no_name(tmp_path):
    with pytest.raises(ZeroDivisionError), fineweb.whole_file(tmp_path / "shard.bin") as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_and_another_encoding_end_with_code_2(tmp_path):
    code, err = run("--input", tmp_path / "none.txt", "--out", tmp_path / "mine")
    assert code == 2 and err.startswith("error: ") and "none.txt" in err and err.count("\n") == 1
    needs_vocabulary()
    (tmp_path / "my.txt").write_text("ab")
    code, err = run("--input", tmp_path / "my.txt", "--out", tmp_path / "mine")
    assert code == 2 and "my.txt has hardly any text" in err and not (tmp_path / "mine").exists()
    (tmp_path / "my.txt").write_bytes("Où ?".encode("latin-1"))
    code, err = run("--input", tmp_path / "my.txt", "--out", tmp_path / "mine")
    assert code == 2 and "my.txt is not UTF-8" in err and not (tmp_path / "mine").exists()


def test_a_missing_vocabulary_is_told_with_the_remedy(monkeypatch):
    def no_network(name):
        raise ConnectionError(f"no {name}")

    fineweb.get_tokenizer.cache_clear()
    monkeypatch.setattr(tiktoken, "get_encoding", no_network)
    with pytest.raises(UserError, match="vocabulary is not here .* set TIKTOKEN_CACHE_DIR"):
        fineweb.get_tokenizer()
