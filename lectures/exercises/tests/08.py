"""What an answer to exercise 08 must do."""

import math
from unittest import mock

import torch
import torch.nn.functional as F


def draw(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_uniform(answer):
    """A uniform guess over V tokens costs ln V."""
    loss = answer.cross_entropy(torch.zeros(3, 50257), torch.tensor([0, 7, 50256]))
    assert loss.dim() == 0, f"the loss must be a scalar, and is {tuple(loss.shape)}"
    assert abs(loss.item() - math.log(50257)) < 1e-4, f"it is {loss:.4f}, and ln 50257 = 10.8249"


def test_half(answer):
    """A probability of 1/2 costs ln 2."""
    loss = answer.cross_entropy(torch.tensor([[0.0, 0.0, -1e4]]), torch.tensor([1]))
    assert abs(loss.item() - math.log(2)) < 1e-6, f"it is {loss:.4f}, and ln 2 = 0.6931 nats (not bits)"


def test_mean(answer):
    """The loss is the mean over rows."""
    logits, targets = draw(4, 9), torch.tensor([1, 5, 0, 8])
    whole = answer.cross_entropy(logits, targets)
    parts = [answer.cross_entropy(logits[i : i + 1], targets[i : i + 1]) for i in range(4)]
    assert torch.allclose(whole, sum(parts) / 4, atol=1e-6), "four rows must cost the mean of the four"


def test_large(answer):
    """Large logits neither overflow nor vanish."""
    loss = answer.cross_entropy(torch.tensor([[1e4, 0.0], [0.0, -1e4]]), torch.tensor([0, 1]))
    assert loss.isfinite(), f"it is {loss.item()} (subtract the largest logit before exp)"
    assert abs(loss.item() - 5000) < 1e-2, f"it is {loss:.2f} instead of 5000 (log(softmax) underflows)"


def test_ignored(answer):
    """Rows with the target -100 do not count."""
    logits, targets = draw(5, 9), torch.tensor([3, -100, 0, -100, 8])
    with_them = answer.cross_entropy(logits, targets)
    without = answer.cross_entropy(logits[[0, 2, 4]], targets[[0, 2, 4]])
    assert torch.allclose(with_them, without, atol=1e-6), "divide by the number of rows that count"


def test_everything(answer):
    """Loss and gradient are those of PyTorch's own function."""
    logits, targets = (3 * draw(64, 33)).requires_grad_(), torch.arange(64) % 33
    targets[::7] = -100
    expected = F.cross_entropy(logits, targets)
    (slope,) = torch.autograd.grad(expected, logits)
    spoiled = AssertionError("this is the function that you are to write")
    with mock.patch.multiple(
        F, cross_entropy=mock.Mock(side_effect=spoiled), nll_loss=mock.Mock(side_effect=spoiled)
    ):
        loss = answer.cross_entropy(logits, targets)
    assert torch.allclose(loss, expected, atol=1e-5), f"the loss is {loss:.5f} instead of {expected:.5f}"
    (found,) = torch.autograd.grad(loss, logits)
    assert torch.allclose(found, slope, atol=1e-6), (
        "the gradient differs (did you leave the tensors with .item()?)"
    )
