"""What an answer to exercise 24 must do."""

from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import nn


class Model(nn.Module):
    """A bigram model, which counts its calls and the graphs that are alive."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.randn(7, 7, generator=torch.Generator().manual_seed(1)))
        self.calls, self.waiting, self.most = 0, 0, 0

    def forward(self, idx, targets):
        self.calls, self.waiting = self.calls + 1, self.waiting + 1
        self.most = max(self.most, self.waiting)
        logits = self.table[idx]
        logits.register_hook(self.went_back)
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())

    def went_back(self, gradient):
        self.waiting -= 1


def make_batches(count=4, rows=2):
    tokens = torch.randint(7, (count, rows, 6), generator=torch.Generator().manual_seed(2))
    return [(part[:, :-1], part[:, 1:]) for part in tokens]


def whole_gradient(batches):
    model = Model()
    idx, targets = (torch.cat(parts) for parts in zip(*batches, strict=True))
    _, loss = model(idx, targets)
    loss.backward()
    return model.table.grad, loss.item()


def count(answer, batch_tokens, micro_batch, context):
    return answer.micro_steps(
        SimpleNamespace(batch_tokens=batch_tokens, micro_batch=micro_batch, context=context)
    )


def test_count(answer):
    """GPT-2's step of 524,288 tokens is 8 micro-batches of 64 x 1,024."""
    found = count(answer, 524288, 64, 1024)
    assert found == 8 and isinstance(found, int), f"it is {found!r}"
    assert count(answer, 96, 8, 12) == 1


def test_not_whole(answer):
    """Micro-batches that do not add up raise ValueError."""
    for batch_tokens in (500000, 32768):  # 7.6 micro-batches, and half of one
        try:
            found = count(answer, batch_tokens, 64, 1024)
        except ValueError:
            continue
        raise AssertionError(
            f"{batch_tokens} tokens in micro-batches of 65536 are said to be {found} of them"
        )


def test_gradient(answer):
    """The gradient is that of one big batch."""
    model, batches = Model(), make_batches()
    answer.accumulate(model, batches)
    expected, _ = whole_gradient(batches)
    assert model.table.grad is not None, "the weights have no gradient: call backward"
    ratio = (model.table.grad.norm() / expected.norm()).item()
    equal = torch.allclose(model.table.grad, expected, atol=1e-6)
    assert equal, (
        f"its norm is {ratio:.2f} times that of the big batch (is each part divided by their number?)"
    )


def test_loss(answer):
    """The loss is the mean over the step."""
    batches = make_batches()
    found, (_, expected) = answer.accumulate(Model(), batches), whole_gradient(batches)
    assert isinstance(found, float), f"it is a {type(found).__name__}, not a float"
    assert abs(found - expected) < 1e-6, f"it is {found:.4f} instead of {expected:.4f}"


def test_added(answer):
    """The gradient is added to what .grad holds."""
    model, batches = Model(), make_batches()
    model.table.grad = torch.ones(7, 7)
    answer.accumulate(model, batches)
    expected, _ = whole_gradient(batches)
    assert torch.allclose(model.table.grad, 1 + expected, atol=1e-6), "an earlier gradient is lost"


def test_memory(answer):
    """There is only one micro-batch in memory at a time."""
    model = Model()
    answer.accumulate(model, make_batches(count=5))
    assert model.calls == 5, f"the model was called {model.calls} times for 5 micro-batches"
    assert model.most == 1, f"up to {model.most} micro-batches waited for their backward pass"
