"""Fine-tuning: how often the text is read, and the loss before the first step."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from test_program import TINY, own_folder  # noqa: F401

import train_gpt2
from config import PRESETS, Config, parse_config
from data import Tokens, open_data
from sampling import opening


def run(capsys, *words):
    """What the program prints, and its warnings."""
    train_gpt2.main([*TINY, "--sample_every", "0", *words])
    return capsys.readouterr()


@pytest.fixture
def weights(capsys):
    run(capsys, "--steps", "1", "--eval_every", "0", "--out", "weights")
    return ["--init", "weights/step_000001"]


def test_fine_tuning_validates_before_the_first_step(capsys, weights):
    words = [*weights, "--steps", "5", "--eval_every", "2", "--save_every", "2", "--keep", "0"]
    out = run(capsys, *words, "--out", "tuned").out
    assert re.findall(r"step +(\d) +validation loss \d\.\d{4}", out) == ["0", "2", "4", "5"]
    assert out.index("step    0  validation") < out.index("step    1  loss")
    assert not Path("tuned/step_000000").exists() and Path("tuned/step_000005").exists()
    (first,) = re.findall(r"step    0  validation loss (.*)", out)
    (last,) = re.findall(r"step    0  validation loss (.*)", run(capsys, *weights, "--steps", "0").out)
    assert first == last  # of the weights as they are
    run(capsys, "--resume", "--out", "tuned")
    events = [json.loads(line) for line in Path("tuned/log.jsonl").read_text().splitlines()]
    assert [event["step"] for event in events if event["event"] == "validation"][:4] == [0, 2, 4, 5]


def test_a_validation_that_misses_inputs_is_warned_of(capsys):
    meta, path = json.loads(Path("data/meta.json").read_text()), Path("data/meta.json")
    count, words = len(open_data("data")[1]), ["--steps", "0", "--val_tokens"]
    both = dict(a=[len(open_data("data")[0]) - 9, count - 9], b=[9, 9])
    for inputs, val, every, warned in [
        (both, count // 2, "1", True),
        (both, count // 2, "0", False),
        (both, count - 1, "1", False),  # all: the last token is only a target
        (dict(a=[1, 1]), count // 2, "1", False),
    ]:
        path.write_text(json.dumps(meta | dict(inputs=inputs)))
        err = run(
            capsys, *words, str(val), "--eval_every", every, "--out", f"{val} {every} {len(inputs)}"
        ).err
        line = f"warning: --val_tokens {val} are the first of {count:,} tokens to validate, in the order of "
        assert (line + f"the inputs (--val_tokens {count} reads all)\n" == err) == warned == bool(err)


def test_training_from_scratch_does_not(capsys):
    out = run(capsys, "--steps", "3", "--eval_every", "2").out
    assert re.findall(r"step +(\d) +validation loss", out) == ["2", "3"]


CASES = [(0, "0", False), (17, "0.891", False), (76, "3.98", False), (77, "4.04", True)]


@pytest.mark.parametrize("steps, epochs, warned", CASES)
def test_the_epochs_are_printed_and_many_are_warned_of(capsys, weights, steps, epochs, warned):
    count = len(open_data("data")[0])
    assert float(epochs) == pytest.approx(steps * 64 / count, rel=1e-2)
    words = ["--steps", str(steps), "--eval_every", "0", "--print_every", "0"]
    out, err = run(capsys, *weights, *words)
    assert f"{steps} steps of 64 tokens are {epochs} epochs" in out
    reason = f"warning: {epochs} epochs teach the text by heart (4 are {4 * count:,} tokens: fewer --steps"
    assert (reason in err) == warned == ("by heart" in err)
    out, err = run(capsys, *words)  # from scratch
    assert f"are {epochs} epochs" in out and "by heart" not in err


def test_samples_of_fine_tuning_continue_the_validation_text(capsys, weights, monkeypatch):
    held_out = open_data("data")[1]
    text = bytes(token for token in held_out.read(0, 32).tolist() if token < 256).decode(errors="ignore")
    text = text if held_out.read(0, 1)[0] < 256 else f"<|endoftext|>{text}"
    shown, original = [], train_gpt2.print_samples

    def print_samples(model, prompt, *rest):
        shown.append(prompt)
        original(model, prompt, *rest)

    monkeypatch.setattr(train_gpt2, "print_samples", print_samples)
    words = [*TINY, "--steps", "4", "--eval_every", "0", "--sample_every", "2", "--sample_tokens", "5"]
    tuned = [*words, *weights, "--preset", "finetune"]
    train_gpt2.main(tuned)
    assert shown == [text] * 3 and f"\n> {text}" in capsys.readouterr().out  # at 0, 2 and 4
    train_gpt2.main([*tuned, "--prompt", "One"])
    train_gpt2.main(words)  # from scratch
    assert shown[3:] == ["One"] * 3 + ["Hello, I'm a language model,"] * 2


@pytest.mark.parametrize(
    "words, prompt",
    [("", "def "), ("--data laptop", "def "), ("--data data", ""), ("--data data --prompt One", "One")]
    + [("--data data --preset gpt2", Config().prompt), ("--data laptop --init gpt2", "")],
)
def test_only_python_begins_with_def(words, prompt):
    assert parse_config(words.split())[0].prompt == prompt


def test_half_a_letter_is_not_shown():
    tokens = Tokens(np.frombuffer(("a" * 29 + "𝄞").encode(), np.uint8).astype("<u2"))
    assert opening(tokens, Config(tokenizer="bytes", vocab_size=257)) == "a" * 29
    assert opening(Tokens(tokens.tokens[:7]), Config(tokenizer="bytes", vocab_size=257)) == "a" * 7


def test_the_best_of_all_validations_of_fine_tuning_is_kept():
    assert PRESETS["finetune"]["save_every"] == PRESETS["finetune"]["eval_every"]
