import re

import pytest
import torch

import train_gpt2
from train_gpt2 import Config, UserError, parse_config

TINY = "--device cpu --context 16 --n_layer 1 --n_head 2 --n_embd 8".split()
TEXT = "First Citizen:\nBefore we proceed any further, hear me speak.\n" * 20


@pytest.fixture(autouse=True)
def text(tmp_path, monkeypatch):
    """Every test runs in a folder with a small input.txt."""
    (tmp_path / "input.txt").write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def needs_vocabulary():
    """Skip the test where tiktoken has neither its cache nor a network."""
    try:
        train_gpt2.get_tokenizer()
    except UserError as error:
        pytest.skip(str(error))


def run(capsys, *arguments):
    """What the program prints."""
    train_gpt2.main([*TINY, *arguments])
    return capsys.readouterr().out


def test_every_field_is_a_flag():
    config = parse_config(["--n_layer", "3", "--samples", "2", "--init", "gpt2"])
    assert config == Config(n_layer=3, samples=2, init="gpt2")
    assert parse_config([]) == Config()


@pytest.mark.parametrize("words", [["--n_lay", "3"], ["--layers", "3"], ["--n_layer", "three"]])
def test_unknown_shortened_and_unfit_flags_end_with_code_2(words, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse_config(words)
    assert words[0] in capsys.readouterr().err


def test_numbers_that_make_no_sense_are_refused_with_the_least_that_does(capsys):
    with pytest.raises(SystemExit, match="2"):
        parse_config(["--context", "0"])
    assert "--context must be at least 1" in capsys.readouterr().err


def test_help_tells_meaning_and_default_of_every_flag(capsys):
    with pytest.raises(SystemExit, match="0"):
        parse_config(["--help"])
    out = "".join(capsys.readouterr().out.split())  # argparse breaks lines where it likes
    for name, knob in Config.__dataclass_fields__.items():
        meaning = knob.metadata["help"].replace(" ", "")
        assert re.search(rf"--{name}(int|str|float|bool){re.escape(meaning)}\(default:", out), name


@pytest.mark.parametrize("found", ["mps", "cuda", None])
def test_auto_takes_the_accelerator_that_pytorch_finds(found, monkeypatch):
    accelerator, suffix = (torch.device(found), f", {found}") if found else (None, "")
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: accelerator)
    assert train_gpt2.pick_device("auto") == torch.device(found or "cpu")
    assert train_gpt2.pick_device("cpu") == torch.device("cpu")
    with pytest.raises(UserError, match=f"--device xpu is not here .there is auto, cpu{suffix}."):
        train_gpt2.pick_device("xpu")


def test_random_weights_babble_the_same_for_the_same_seed(capsys):
    needs_vocabulary()
    first, again, other = (run(capsys, "--seed", seed) for seed in ("1", "1", "2"))
    assert "on cpu" in first and first.count("\n> Hello, I'm a language model,") == 5
    assert first == again != other


def test_the_program_shows_what_follows_what(capsys):
    needs_vocabulary()
    out = run(capsys, "--batch", "2")
    assert "idx (2, 16), targets (2, 16)" in out and "' Citizen' is followed by ':'" in out


def test_heads_that_do_not_divide_the_width_are_one_line_for_the_user():
    with pytest.raises(UserError, match="--n_embd 8 is not a multiple of --n_head 3"):
        train_gpt2.make_model(parse_config([*TINY, "--n_head", "3"]))


def test_a_vocabulary_that_is_not_the_tokenizers_is_refused_with_both_numbers(capsys):
    needs_vocabulary()
    with pytest.raises(UserError, match="--vocab_size 100, but the tokenizer has 50257"):
        run(capsys, "--vocab_size", "100")


def test_a_context_that_the_weights_do_not_have_is_refused_with_both_numbers(tmp_path):
    from test_model import hugging_face_gpt2

    hugging_face_gpt2(tmp_path / "theirs")
    with pytest.raises(UserError, match="--context 32, but .*theirs has 16"):
        train_gpt2.make_model(Config(init=str(tmp_path / "theirs"), context=32))
