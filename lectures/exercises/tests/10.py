"""What an answer to exercise 10 must do."""

from types import SimpleNamespace

import torch


def batch(answer, n, batch, context, step):
    idx, targets = answer.get_batch(torch.arange(n), SimpleNamespace(batch=batch, context=context), step)
    return idx.tolist(), targets.tolist()


def test_shape(answer):
    """Inputs and targets are int64 (batch, context)."""
    config = SimpleNamespace(batch=3, context=5)
    for tensor in answer.get_batch(torch.arange(100), config, 2):
        assert tensor.shape == (3, 5) and tensor.dtype == torch.int64, f"{tuple(tensor.shape)} {tensor.dtype}"


def test_first(answer):
    """Step 0 takes the first windows, one after the other."""
    idx, _ = batch(answer, 100, 2, 4, 0)
    assert idx == [[0, 1, 2, 3], [4, 5, 6, 7]], f"of the tokens 0, 1, 2, ... it takes {idx}"


def test_targets(answer):
    """A target is the token after its input, also at the end of a row."""
    idx, targets = batch(answer, 100, 2, 4, 3)
    assert targets == [[token + 1 for token in row] for row in idx], f"inputs {idx}, targets {targets}"


def test_next(answer):
    """The next step goes on where this one ends."""
    idx, _ = batch(answer, 100, 2, 4, 1)
    assert idx[0][0] == 8, f"step 1 begins at token {idx[0][0]} instead of 8"


def test_again(answer):
    """After the last window comes the first, in the middle of a batch too."""
    idx, _ = batch(answer, 13, 2, 4, 1)  # windows 0, 1 and 2: step 1 takes 2 and 0
    assert [row[0] for row in idx] == [8, 0], f"its rows begin at {[row[0] for row in idx]} instead of [8, 0]"


def test_last(answer):
    """The last window is used if, and only if, its last target exists."""
    idx, _ = batch(answer, 13, 3, 4, 0)
    assert idx[2] == [8, 9, 10, 11], (
        f"13 tokens hold the window [8, 9, 10, 11], and the third row is {idx[2]}"
    )
    idx, _ = batch(answer, 12, 3, 4, 0)
    assert idx[2][0] == 0, "with 12 tokens, token 11 has no target, so there are only two windows"


def test_memory(answer):
    """A step needs no step before it, and the tokens stay as they are."""
    later = batch(answer, 100, 2, 4, 901)
    for step in (0, 1, 2):
        batch(answer, 100, 2, 4, step)
    assert batch(answer, 100, 2, 4, 901) == later, "step 901 is another batch after other steps"
    tokens = torch.arange(50)
    answer.get_batch(tokens, SimpleNamespace(batch=2, context=4), 0)
    assert tokens.equal(torch.arange(50)), "the tokens have changed"
