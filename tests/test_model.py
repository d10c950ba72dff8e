import math

import pytest
import torch

from train_gpt2 import GPT, MLP, Block, CausalSelfAttention, GPTConfig

SMALL = dict(vocab_size=65, context=16, n_layer=2, n_head=4, n_embd=32)


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


def test_the_mlp_is_the_formula_of_the_paper():
    mlp, x = MLP(GPTConfig(**SMALL)), torch.randn(2, 3, 32)
    h = x @ mlp.c_fc.weight.T + mlp.c_fc.bias
    h = 0.5 * h * (1 + torch.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)))  # Hendrycks & Gimpel 2016
    torch.testing.assert_close(mlp(x), h @ mlp.c_proj.weight.T + mlp.c_proj.bias)


def test_a_block_that_writes_nothing_leaves_the_stream_as_it_was():
    block, x = Block(GPTConfig(**SMALL)), torch.randn(2, 3, 32)
    for name, weight in block.named_parameters():
        if "c_proj" in name:
            torch.nn.init.zeros_(weight)
    assert torch.equal(block(x), x)


def test_attention_is_the_formula_one_head_and_one_position_at_a_time():
    attention, x = CausalSelfAttention(GPTConfig(**SMALL)), torch.randn(9, 32)
    q, k, v = (x @ attention.c_attn.weight.T + attention.c_attn.bias).split(32, dim=-1)
    y = torch.zeros(9, 32)
    for t in range(9):
        for head in range(4):
            part = slice(8 * head, 8 * head + 8)
            scores = torch.stack([q[t, part] @ k[past, part] / math.sqrt(8) for past in range(t + 1)])
            y[t, part] = sum(w * v[past, part] for past, w in enumerate(scores.softmax(0)))
    torch.testing.assert_close(attention(x[None])[0], y @ attention.c_proj.weight.T + attention.c_proj.bias)


def test_a_token_changes_what_follows_it_and_nothing_before_it():
    model, ids = small_gpt(), random_ids(1, 10)
    before = model(ids)
    ids[0, 6] = (ids[0, 6] + 1) % 65
    changed = (model(ids) - before).abs().amax(dim=-1)[0]  # (T,)
    assert (changed[:6] == 0).all() and (changed[6:] > 0).all()


def test_heads_that_do_not_divide_the_width_are_refused_with_both_numbers():
    with pytest.raises(AssertionError, match="n_embd 32, but n_head 5"):
        small_gpt(n_head=5)


def test_gpt2_has_163_million_parameters():
    with torch.device("meta"):  # shapes without memory
        model = GPT(GPTConfig())
    assert sum(p.numel() for p in model.parameters()) == 163_037_184
