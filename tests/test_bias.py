"""--bias false: no biases in the model, zeros in its checkpoint, and a note that tells the two apart."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file
from test_model import hugging_face_gpt2, random_ids
from test_program import TINY, own_folder  # noqa: F401
from test_resume import same

import curve
import plan
import train_gpt2
from config import Config, parse_config
from errors import UserError
from train_gpt2 import GPT, GPTConfig

SHAPE = dict(vocab_size=65, context=16, n_layer=2, n_head=4, n_embd=32, tokenizer="bytes", bias=False)
WORDS = [*TINY, "--bias", "false", "--optimizer", "muon", "--lr", "0.01", "--dropout", "0.1"]
WORDS += ["--eval_every", "0", "--sample_every", "0", "--warmup_steps", "2"]


def small_gpt():
    """A model without biases, no weight at its default."""
    model, draw = GPT(GPTConfig(**SHAPE)), torch.Generator().manual_seed(3)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, mean=0.1, std=0.3, generator=draw)
    return model


def test_transformers_computes_the_same_logits_from_biases_of_zero(tmp_path):
    from transformers import GPT2LMHeadModel

    model, ids = small_gpt(), random_ids(3, 16)
    assert not [name for name, _ in model.named_parameters() if "bias" in name]
    model.save_pretrained(tmp_path)
    theirs, found = GPT2LMHeadModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(found.values())  # neither missing nor unexpected tensors
    torch.testing.assert_close(theirs.eval()(ids).logits, model(ids)[0], rtol=1e-4, atol=1e-4)
    biases = [weight for name, weight in theirs.named_parameters() if "bias" in name]
    assert len(biases) == 2 * 6 + 1 and not any(weight.any() for weight in biases)


def test_a_checkpoint_comes_back_without_biases(tmp_path):
    model, ids = small_gpt(), random_ids(3, 16)
    model.save_pretrained(tmp_path)
    again = GPT.from_pretrained(tmp_path)
    assert again.config == model.config and again.num_parameters() == model.num_parameters()
    assert torch.equal(again(ids)[0], model(ids)[0])


@pytest.mark.parametrize("note", ["absent", True, False, None, "no"])
def test_biases_of_other_programs_are_kept_whatever_their_settings_say(tmp_path, note):
    theirs, ids = hugging_face_gpt2(tmp_path), random_ids(3, 16)
    if note != "absent":
        config = json.loads((tmp_path / "config.json").read_text())
        (tmp_path / "config.json").write_text(json.dumps(config | dict(bias=note)))
    ours = GPT.from_pretrained(tmp_path)
    assert ours.config.bias is True
    torch.testing.assert_close(ours(ids)[0], theirs(ids).logits, rtol=1e-4, atol=1e-4)


def test_biases_that_are_still_zero_stay_parameters(tmp_path):
    GPT(GPTConfig(**SHAPE | dict(bias=True))).save_pretrained(tmp_path)
    assert GPT.from_pretrained(tmp_path).config.bias is True


def test_a_run_without_biases_resumes_bitwise_and_is_fine_tuned_without(capsys):
    words = [*WORDS, "--steps", "6", "--save_every", "3", "--keep", "0"]
    train_gpt2.main([*words, "--out", "whole"])
    shutil.copytree("whole", "torn")
    shutil.rmtree("torn/step_000006")
    with pytest.raises(UserError, match="--bias true, but torn was started with false .leave the flag out"):
        train_gpt2.main([*TINY, "--bias", "true", "--resume", "--out", "torn"])
    train_gpt2.main([*TINY, "--resume", "--out", "torn"])
    assert same("whole/step_000006", "torn/step_000006")
    state = torch.load("torn/step_000006/train_state.pt")["optimizer"]["state"]
    assert len(state) == 2 + 4 + 3  # tables, the matrices of a block, gains
    capsys.readouterr()
    train_gpt2.main([*TINY, "--init", "torn", "--steps", "1", "--eval_every", "0", "--sample_every", "0"])
    out = capsys.readouterr().out
    assert "6 tensors decay by 0.1, 3 do not" in out
    biases = [
        weight for name, weight in load_file("torn/step_000006/model.safetensors").items() if "bias" in name
    ]
    assert len(biases) == 7 and not any(weight.any() for weight in biases)
    with pytest.raises(UserError, match="--bias true, but --init torn has false .leave the flag out"):
        train_gpt2.main([*TINY, "--init", "torn", "--bias", "true", "--out", "other"])


def test_the_parameters_of_124m_without_biases(capsys):
    plan.main(["--preset", "gpt2", "--bias", "false"])
    biases = 12 * (2 * 768 + 3 * 768 + 768 + 4 * 768 + 768) + 768
    assert f"gpt2: {124_439_808 - biases:,} parameters" in capsys.readouterr().out
    assert 124_439_808 - biases == 124_337_664


def test_a_run_without_biases_is_not_compared_with_the_reference():
    source = "Python, sha256 44adf4c1aeaf1c2cb8b820870ee775113f2f468d807a4212055a0b2e5d59dd7b"
    shards = dict(vocab_size=50257, val_tokens=100_000_000, train_tokens=9_853_989_344)
    for preset, data in (("laptop", dict(source=source)), ("gpt2", shards)):
        config, _, _ = parse_config(["--preset", preset])
        values = {name: getattr(config, name) for name in Config.__dataclass_fields__}
        assert curve.find_reference(values, data)
        assert not curve.find_reference(values | dict(bias=False), data)
