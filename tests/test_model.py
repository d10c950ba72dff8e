import pytest
import torch

from train_gpt2 import GPT, GPTConfig

SMALL = dict(vocab_size=65, context=16, n_embd=32)


def small_gpt(**changes):
    """A GPT that a test can afford, with the same random weights every time."""
    torch.manual_seed(0)
    return GPT(GPTConfig(**(SMALL | changes)))


def random_ids(*shape):
    return torch.randint(SMALL["vocab_size"], shape, generator=torch.Generator().manual_seed(1))


def test_ids_in_logits_out():
    assert small_gpt()(random_ids(3, 7)).shape == (3, 7, 65)


def test_the_same_token_at_another_position_gets_other_logits():
    logits = small_gpt()(torch.tensor([[5, 5]]))
    assert not torch.allclose(logits[0, 0], logits[0, 1])


def test_more_tokens_than_the_context_are_refused_with_both_numbers():
    with pytest.raises(AssertionError, match="17 tokens, but a context of 16"):
        small_gpt()(random_ids(1, 17))
