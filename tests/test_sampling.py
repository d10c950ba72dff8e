import io
import os
import pty
import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import sampling
import train_gpt2
from config import Config, parse_config
from data import get_tokenizer
from errors import UserError
from machine import Machine
from sampling import draw_tokens, print_samples, read_prompts
from train_gpt2 import GPT, GPTConfig

CPU = Machine(Config(device="cpu", dtype="float32"))
SETTINGS = Config(device="cpu", samples=3, sample_tokens=60, top_k=0)


def bytes_gpt():
    return GPT(GPTConfig(257, 32, 1, 2, 8, tokenizer="bytes"), torch.Generator().manual_seed(0)).eval()


def frequencies(logits, **settings):
    """How often each token is drawn, of 20,000 times."""
    draw = torch.Generator().manual_seed(0)
    drawn = draw_tokens(logits.repeat(20_000, 1), generator=draw, **settings)[:, 0]
    return drawn.bincount(minlength=5) / 20_000


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({}, [0.1, 0.4, 0.3, 0.05, 0.15]),
        (dict(top_p=1.0), [0.1, 0.4, 0.3, 0.05, 0.15]),
        (dict(top_p=0.8), [0, 0.4 / 0.85, 0.3 / 0.85, 0, 0.15 / 0.85]),  # 0.4 + 0.3 are too few
        (dict(top_p=0.69), [0, 0.4 / 0.7, 0.3 / 0.7, 0, 0]),
        (dict(top_p=0.39), [0, 1, 0, 0, 0]),
        (dict(top_p=0.0), [0, 1, 0, 0, 0]),
        (dict(top_p=0.9, top_k=3), [0, 0.4 / 0.85, 0.3 / 0.85, 0, 0.15 / 0.85]),
        (dict(top_p=0.55, top_k=2), [0, 1, 0, 0, 0]),  # 0.4 of the 0.7 that top-k leaves
        (dict(top_p=0.69, temperature=0.5), [0, 0.16 / 0.25, 0.09 / 0.25, 0, 0]),
        (dict(temperature=0), [0, 1, 0, 0, 0]),
    ],
)
def test_tokens_are_drawn_from_the_nucleus_as_often_as_their_probabilities_say(settings, expected):
    logits = torch.tensor([[0.1, 0.4, 0.3, 0.05, 0.15]]).log()
    found = frequencies(logits, **settings)
    torch.testing.assert_close(found, torch.tensor(expected).float(), atol=0.015, rtol=0)
    assert ((found > 0) == (torch.tensor(expected) > 0)).all()


def test_a_sum_of_exactly_p_is_enough():
    drawn = torch.cat([draw_tokens(torch.zeros(1, 4), top_p=0.5) for _ in range(200)])
    assert len(drawn.unique()) == 2


def test_each_row_has_a_nucleus_of_its_own():
    logits = torch.tensor([[0.9, 0.06, 0.04], [0.3, 0.4, 0.3]]).log()
    drawn = torch.cat([draw_tokens(logits, top_p=0.8) for _ in range(200)], dim=1)
    assert [set(row.tolist()) for row in drawn] == [{0}, {0, 1, 2}]


def test_the_nucleus_is_that_of_transformers():
    from transformers import TopPLogitsWarper

    logits = torch.randn(40, 300, generator=torch.Generator().manual_seed(0)) * 3
    for top_p in (0.1, 0.5, 0.9, 0.99):
        kept = TopPLogitsWarper(top_p)(None, logits).isfinite()
        drawn = torch.cat([draw_tokens(logits, top_p=top_p) for _ in range(50)], dim=1)
        assert kept.gather(1, drawn).all()


def given_tokens(tokens, monkeypatch):
    """Make a model draw these tokens, whatever it predicts."""
    rest = iter(tokens)
    draw = lambda logits, *_: torch.full((len(logits), 1), next(rest))  # noqa: E731
    monkeypatch.setattr("train_gpt2.draw_tokens", draw)


class Screen(io.StringIO):
    """A screen that remembers what stood on it at each flush."""

    def __init__(self):
        super().__init__()
        self.shown = []

    def flush(self):
        self.shown.append(self.getvalue())


def test_letters_appear_as_soon_as_all_their_bytes_are_there(monkeypatch):
    screen = Screen()
    monkeypatch.setattr("sys.stdout", screen)
    given_tokens("é𝄞!".encode() + b"\xe2\x98", monkeypatch)
    print_samples(bytes_gpt(), "où", replace(SETTINGS, samples=1, sample_tokens=9), CPU, 0)
    text = ["> où", "> où", "> oùé", "> oùé", "> oùé", "> oùé", "> oùé𝄞", "> oùé𝄞!", "> oùé𝄞!", "> oùé𝄞!"]
    assert screen.shown == text and screen.getvalue() == "> oùé𝄞!\ufffd\n"


def test_what_appears_piece_by_piece_is_the_whole_text(monkeypatch, capsys):
    draw = random.Random(0)
    for _ in range(10):
        tokens = draw.choices([*range(128, 256), *b"\xe2\x98\x83\xf0\x9d\x84\x9ea", 256], k=60)
        given_tokens(tokens, monkeypatch)
        print_samples(bytes_gpt(), "☃", replace(SETTINGS, samples=1), CPU, 0)
        expected = get_tokenizer("bytes").decode([*"☃".encode(), *tokens])
        assert capsys.readouterr().out == f"> {expected}\n"


def test_several_samples_are_those_of_one_batch_and_printed_one_after_the_other(capsys):
    model, idx = bytes_gpt(), torch.tensor([list(b"abc")] * 3)
    settings = replace(SETTINGS, temperature=0.9, top_k=40, top_p=0.7)
    print_samples(model, "abc", settings, CPU, 7)
    rows = model.generate(idx, 60, 0.9, 40, torch.Generator().manual_seed(7), 0.7)
    expected = [f"> {get_tokenizer('bytes').decode(row)}\n" for row in rows.tolist()]
    assert capsys.readouterr().out == "".join(expected) and len(set(expected)) == 3
    print_samples(model, "abc", replace(settings, samples=0), CPU, 7)
    assert capsys.readouterr().out == ""


def test_a_model_without_predictions_warns_after_the_line(capsys):
    model = bytes_gpt()
    torch.nn.init.constant_(model.ln_f.weight, float("nan"))
    print_samples(model, "abc", SETTINGS, CPU, 7)
    out, err = capsys.readouterr()
    assert out == "> abc\n" and err.startswith("warning: no samples: the model's predictions are not numbers")


@pytest.mark.parametrize(
    "words, by_columns",
    [
        ("--samples 1", True),
        ("--samples 3", True),
        ("--samples 4", False),
        ("--dtype bfloat16 --samples 1", False),
    ],
)
def test_only_a_few_rows_in_float32_read_matrices_by_columns(
    words, by_columns, tmp_path, monkeypatch, capsys
):
    bytes_gpt().save_pretrained(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    seen = []

    def look(model, *rest):
        seen.append(model)
        print_samples(model, *rest)

    monkeypatch.setattr(train_gpt2, "print_samples", look)
    line = f"--device cpu --dtype float32 --init model --sample abc --sample_tokens 40 {words}"
    train_gpt2.main(line.split())
    matrices = [weight for weight in seen[0].parameters() if weight.dim() == 2]
    assert [weight.stride(0) == 1 for weight in matrices] == [by_columns] * 6
    assert seen[0].lm_head.weight is seen[0].wte.weight
    shown = capsys.readouterr().out
    config, _, _ = parse_config(line.split())
    rows = GPT.from_pretrained(tmp_path / "model").eval()
    print_samples(rows, "abc", config, Machine(config), config.seed)
    assert shown == capsys.readouterr().out  # the same text as by rows


def typed(content, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))


def test_the_lines_of_the_standard_input_are_prompts(monkeypatch):
    typed("a b\n\nù\r\n-\n".encode() + b"\xff!", monkeypatch)
    assert list(read_prompts("-")) == ["a b", "", "ù", "-", "\ufffd!"]
    assert list(read_prompts("a\nb")) == ["a\nb"] and list(read_prompts("")) == [""]
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UserError, match="--sample - reads the standard input, which is closed"):
        list(read_prompts("-"))


@pytest.mark.parametrize(
    "words", [["--sample"], ["--sample", "-"], ["--sample=-"], ["--sample", "--seed", "3"]]
)
def test_sample_without_a_text_reads_lines(words):
    config, given, problems = parse_config(words)
    assert (config.sample, problems) == ("-", []) and "sample" in given
    assert parse_config(["--prompt"])[2] == ["--prompt needs a value"]


PROGRAM = [sys.executable, str(Path(sampling.__file__).with_name("train_gpt2.py")), "--init", "model"]
PROGRAM += "--device cpu --dtype float32 --samples 1 --sample_tokens 3 --temperature 0 --sample".split()


@pytest.fixture
def place(tmp_path, monkeypatch):
    bytes_gpt().save_pretrained(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    return dict(encoding="utf-8", env=os.environ | {"PYTHONUTF8": "1"})


def test_a_pipe_gets_an_answer_to_each_line_before_it_sends_the_next(place):
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with subprocess.Popen(PROGRAM, **pipes, **place) as program:
        for line in ("one", "twö", ""):
            program.stdin.write(line + "\n")
            program.stdin.flush()
            assert program.stdout.readline().startswith(f"> {line or '<|endoftext|>'}")
        out, err = program.communicate(timeout=60)
    assert (program.returncode, out, err) == (0, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_asks_for_texts_until_ctrl_d(place):
    ours, theirs = pty.openpty()
    with subprocess.Popen(PROGRAM, stdin=theirs, stdout=theirs, stderr=theirs, **place) as program:
        os.close(theirs)
        os.write(ours, b"first\nsecond\n\x04")
        out = b""
        while True:
            try:
                out += os.read(ours, 1000)
            except OSError:  # nobody has it open any more
                break
    os.close(ours)
    text = out.decode(errors="replace").replace("\r\n", "\n")
    assert (
        program.returncode == 0 and text.count("It remembers nothing of the lines before. Ctrl-D ends.") == 1
    )
    assert text.count("text: ") == 3 and re.search("(?s)> first.*text: .*> second.*text: ", text)
