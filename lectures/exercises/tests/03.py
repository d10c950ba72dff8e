"""What an answer to exercise 03 must do."""

from unittest import mock

import torch
import torch.nn.functional as F


def draw(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_shape(answer):
    """The result has the shape of v."""
    q, k, v = (draw(2, 3, 5, 4, seed=seed) for seed in range(3))
    y = answer.attention(q, k, v)
    assert y.shape == v.shape, f"it is {tuple(y.shape)}, and v is {tuple(v.shape)}"


def test_first_position(answer):
    """Position 0 reads itself and nothing else."""
    q, k, v = (draw(1, 2, 6, 8, seed=seed) for seed in range(3))
    y = answer.attention(q, k, v)
    assert torch.allclose(y[:, :, 0], v[:, :, 0], atol=1e-6), "its only weight must be 1, on its own row of v"


def test_future(answer):
    """What comes later has no influence."""
    q, k, v = (draw(1, 2, 6, 8, seed=seed) for seed in range(3))
    before = answer.attention(q, k, v)[:, :, :3]
    k[:, :, 3:] += 10
    v[:, :, 3:] -= 5
    after = answer.attention(q, k, v)[:, :, :3]
    assert torch.equal(before, after), "positions 0 to 2 change when keys and values of 3 to 5 do"


def test_mean(answer):
    """Equal keys give the plain mean of the past."""
    v = draw(1, 1, 4, 3)
    y = answer.attention(draw(1, 1, 4, 3), torch.zeros(1, 1, 4, 3), v)
    mean = v.cumsum(2) / torch.arange(1, 5)[:, None]
    assert torch.allclose(y, mean, atol=1e-6), "are the weights of each row a softmax over the columns?"


def test_scale(answer):
    """Scores are divided by the square root of d."""
    q = k = torch.full((1, 1, 2, 16), 0.5)
    k = torch.stack((k[:, :, 0], -k[:, :, 1]), 2)  # scores 4 and -4, divided 1 and -1
    y = answer.attention(q, k, torch.tensor([1.0, 0.0]).view(1, 1, 2, 1).expand(1, 1, 2, 16))
    expected = 1 / (1 + torch.tensor(-2.0).exp())
    assert torch.allclose(y[0, 0, 1], expected), f"a weight is {y[0, 0, 1, 0]:.4f} instead of {expected:.4f}"


def test_large_scores(answer):
    """Large scores give no NaN."""
    y = answer.attention(*(100 * draw(1, 2, 8, 4, seed=seed) for seed in range(3)))
    assert y.isfinite().all(), "subtract the largest score of each row before exp, or let softmax do it"


def test_everything(answer):
    """The result is that of PyTorch's own attention."""
    q, k, v = (draw(2, 4, 33, 16, seed=seed) for seed in range(3))
    expected = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    spoiled = AssertionError("this is the function that you are to write")
    with mock.patch.object(F, "scaled_dot_product_attention", side_effect=spoiled):
        y = answer.attention(q, k, v)
    assert torch.allclose(y, expected, atol=1e-5), f"it differs by up to {(y - expected).abs().max():.2g}"
