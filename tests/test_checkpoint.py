"""A checkpoint as other programs see it: tokenizer, settings of generation, weights in several files."""

import pytest
import torch
from test_fineweb import needs_vocabulary
from test_model import hugging_face_gpt2, random_ids
from transformers import AutoTokenizer, GenerationConfig, pipeline

import data
import weights
from train_gpt2 import GPT, GPTConfig

TEXTS = [
    "Hello, I'm a language model,",
    " naïve 日本語 🙂 \n\n\t x\u00a0\u00ad",
    "a<|endoftext|>b",
    "1234567890   ",
]
TEXTS += ["".join(map(chr, range(0x20, 0x3000, 7))), "\x00\x01\x7f\x80\xff"]


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    weights.try_export.cache_clear()


def save(tokenizer, vocab_size, folder="saved"):
    GPT(GPTConfig(vocab_size, 32, 1, 2, 8, tokenizer), torch.Generator().manual_seed(0)).save_pretrained(
        folder
    )


@pytest.mark.parametrize("name, vocab_size", [("gpt2", 50257), ("bytes", 257)])
def test_hugging_face_opens_the_tokenizer_of_a_checkpoint(name, vocab_size):
    if name == "gpt2":
        needs_vocabulary()
    save(name, vocab_size)
    theirs, ours = AutoTokenizer.from_pretrained("saved"), data.get_tokenizer(name)
    assert (len(theirs), theirs.eos_token_id, theirs.model_max_length) == (vocab_size, vocab_size - 1, 32)
    for text in TEXTS:
        ids = ours.encode(text, allowed_special="all")
        assert theirs.encode(text) == ids and theirs.decode(ids) == text


def test_a_checkpoint_continues_a_text_in_a_pipeline():
    save("bytes", 257)
    generator = pipeline("text-generation", "saved", device="cpu")
    (found,) = generator("ab", max_new_tokens=4, do_sample=False, return_full_text=False)
    ids = GPT.from_pretrained("saved").generate(torch.tensor([[97, 98]]), 4, temperature=0)
    assert found["generated_text"] == data.get_tokenizer("bytes").decode(ids[0, 2:].tolist())
    (found,) = generator("ab", return_tensors=True)  # it stays within the context of 32 without being asked
    assert 2 < len(found["generated_token_ids"]) <= 32
    saved = GenerationConfig.from_pretrained("saved")
    assert saved.bos_token_id == saved.eos_token_id == saved.pad_token_id == 256


def test_without_the_vocabulary_a_checkpoint_is_saved_without_its_tokenizer(monkeypatch, capsys):
    def fail(name):
        raise data.UserError("no network")

    monkeypatch.setattr(data, "get_tokenizer", fail)
    for folder in ("saved", "again"):  # a run saves often
        save("bytes", 257, folder)
    assert capsys.readouterr().err == "warning: the model is saved without its tokenizer: no network\n"
    assert GPT.from_pretrained("saved").config.vocab_size == 257


def test_a_vocabulary_of_another_size_is_not_exported(capsys):
    save("bytes", 65)
    assert "the tokenizer bytes has 257 tokens, but the model has 65" in capsys.readouterr().err


def test_weights_in_several_files_are_loaded(tmp_path):
    theirs = hugging_face_gpt2(tmp_path)
    theirs.save_pretrained("several", max_shard_size="5KB")
    assert len(list((tmp_path / "several").glob("*.safetensors"))) > 1
    ids = random_ids(2, 8)
    logits, _ = GPT.from_pretrained("several")(ids)
    torch.testing.assert_close(logits, GPT.from_pretrained(tmp_path)(ids)[0], rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_in_half_precision_are_loaded_as_float32(tmp_path, dtype):
    theirs = hugging_face_gpt2(tmp_path).to(dtype)
    theirs.save_pretrained("half")
    ids = random_ids(2, 8)
    logits, _ = GPT.from_pretrained("half")(ids)
    torch.testing.assert_close(logits, theirs.float()(ids).logits, rtol=1e-4, atol=1e-4)


def test_an_index_does_not_lead_out_of_its_folder(tmp_path):
    hugging_face_gpt2(tmp_path)
    index = '{"weight_map": {"wte.weight": "../model.safetensors"}}'
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(weights.UserError, match="lists ../model.safetensors, which is not in the folder"):
        GPT.from_pretrained(tmp_path)
