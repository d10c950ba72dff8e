"""fineweb.py --part: parts in any order are the plain stream; what is missing or does not fit is refused."""

import json
import shutil

import pytest
from test_fineweb import make_documents, write_parquet

import fineweb
from data import open_data
from errors import UserError


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setattr(fineweb, "request_tokens", fineweb.tokenize_block)  # a process takes long to start


@pytest.fixture
def files(tmp_path):
    """Seven files of documents, and those documents."""
    texts = make_documents(700)
    paths = [str(write_parquet(tmp_path / f"{n}.parquet", texts[100 * n : 100 * n + 100])) for n in range(7)]
    return paths, texts


def make(files, out, *more):
    """Run fineweb.py on the files."""
    words = ["--out", str(out), "--tokenizer", "bytes", "--shard_tokens", "9000", "--workers", "1"]
    fineweb.main(["--val", "first", "--input", *files, *words, *more])


def tokens_of(folder):
    """The validation tokens, then the training tokens."""
    train, val, meta = open_data(folder)
    assert (len(train), len(val)) == (meta["train_tokens"], meta["val_tokens"])
    return [*val.read(0, len(val)).tolist(), *train.read(0, len(train)).tolist()]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_parts_in_any_order_are_the_plain_stream(tmp_path, files, order):
    paths, texts = files
    plain = [token for text in texts for token in [256, *text.encode()]]
    for number in order:
        if number == order[-1]:
            missing = f"part{number}of3 missing .make the rest with fineweb.py --part"
            with pytest.raises(UserError, match=f"out is not finished: {missing}"):
                open_data(tmp_path / "out")
        make(paths, tmp_path / "out", "--part", f"{number}/3")
    assert tokens_of(tmp_path / "out") == plain
    make(paths, tmp_path / "whole")
    assert tokens_of(tmp_path / "whole") == plain
    ours, theirs = (open_data(tmp_path / name)[-1] for name in ("out", "whole"))
    assert ours == theirs  # a run may go on with either of them


def test_a_part_has_the_documents_of_its_share_of_the_files(tmp_path, files):
    paths, texts = files
    for number, first, end in ((1, 0, 200), (2, 200, 400), (3, 400, 700)):
        make(paths, tmp_path / "out", "--part", f"{number}/3")
        folder = tmp_path / "out" / f"part{number}of3"
        shards = sorted(folder.glob("*.bin"), key=lambda path: path.name[-10:])
        assert [path.name.split("_")[0] for path in shards] == [
            "val" if number == 1 and n == 0 else "train" for n in range(len(shards))
        ]
        stream = [byte for path in shards for byte in path.read_bytes()[1024::2]]
        low = [byte % 256 for text in texts[first:end] for byte in [256, *text.encode()]]
        assert len(shards) > 1 and stream == low


def test_a_part_that_is_interrupted_continues(tmp_path, files, monkeypatch):
    paths, texts = files
    write, written = fineweb.write_shard, []

    def dies(path, tokens):
        if len(written) % 2:
            written.append(None)
            raise KeyboardInterrupt
        written.append(write(path, tokens))

    monkeypatch.setattr(fineweb, "write_shard", dies)
    for number in (2, 1):
        for _ in range(20):
            try:
                make(paths, tmp_path / "out", "--part", f"{number}/2")
                break
            except KeyboardInterrupt:
                with pytest.raises(UserError, match="not finished"):
                    open_data(tmp_path / "out")
    assert len(written) > 9
    assert tokens_of(tmp_path / "out") == [token for text in texts for token in [256, *text.encode()]]


def test_more_than_nine_parts_are_in_order(tmp_path):
    texts = [f"document {number}, and some more text" for number in range(12)]
    paths = [str(write_parquet(tmp_path / f"{n:02}.parquet", [text])) for n, text in enumerate(texts)]
    for number in range(12, 0, -1):
        make(paths, tmp_path / "out", "--part", f"{number}/12")
    train, val, _ = open_data(tmp_path / "out")
    end = [token for text in texts[1:] for token in [256, *text.encode()]]
    assert train.read(len(train) - len(end), len(end)).tolist() == end  # the first one is split 90 to 10
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"part01of12", "part12of12"}


def test_parts_that_do_not_belong_together_are_refused(tmp_path, files):
    paths, _ = files
    make(paths, tmp_path / "out", "--part", "1/2")
    for more, reason in (
        ((), "part1of2 was not made with --part i/1 .delete"),
        (("--part", "2/3"), "part1of2 was not made with --part i/3 .delete"),
        (("--part", "8/8"), "part1of2 was not made with --part i/8"),
        (("--part", "1/2", "--shard_tokens", "8000"), "part1of2 holds shards of other settings"),
    ):
        with pytest.raises(UserError, match=reason):
            make(paths, tmp_path / "out", *more)
    with pytest.raises(UserError, match="--part 8/8 is not possible: there are only 7 files to share"):
        make(paths, tmp_path / "other", "--part", "8/8")
    make(paths, tmp_path / "out", "--part", "2/2", "--shard_tokens", "8000")
    with pytest.raises(UserError, match="the parts in .*out were made with different settings .delete"):
        open_data(tmp_path / "out")
    make(paths, tmp_path / "whole")
    with pytest.raises(UserError, match=".bin was not made with --part i/2 .delete"):
        make(paths, tmp_path / "whole", "--part", "1/2")
    shutil.copytree(tmp_path / "out" / "part1of2", tmp_path / "whole" / "part1of1")
    with pytest.raises(UserError, match="whole holds more than 1 parts"):
        open_data(tmp_path / "whole")


def test_a_part_that_lost_a_shard_is_noticed(tmp_path, files):
    paths, _ = files
    for number in (1, 2):
        make(paths, tmp_path / "out", "--part", f"{number}/2")
    meta = json.loads((tmp_path / "out" / "part2of2" / "meta.json").read_text(encoding="utf-8"))
    assert meta["val_tokens"] is None and meta["train_tokens"] > 9000
    (tmp_path / "out" / "part2of2" / "train_000001.bin").unlink()
    with pytest.raises(UserError, match="out has .* train tokens, but its meta.json says"):
        open_data(tmp_path / "out")


@pytest.mark.parametrize("word", ["0/3", "4/3", "3", "a/b", "1/0", "-1/2", "1/2/3", "٣/٣"])
def test_a_part_that_does_not_exist_is_refused(word, capsys):
    with pytest.raises(SystemExit, match="2"):
        fineweb.main([f"--part={word}"])
    assert "must be i/n, with i from 1 to n, e.g. 2/3" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        fineweb.main(["--pretokenized", "--part", "1/2"])


@pytest.mark.parametrize("part", [[], ["--part", "1/2"]])
def test_a_name_that_is_too_long_is_refused(files, part):
    with pytest.raises(UserError, match="cannot write to xxx.*File name too long.* .choose another --out."):
        make(files[0], "x" * 300, *part)
