"""Exercise 08: cross-entropy, by hand. It goes with lectures/08-cross-entropy.md.

Write the body, then run

    python lectures/steps.py grade 08

Sums, exp and log suffice. F.cross_entropy and F.nll_loss would spoil it.
"""

import torch


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean of -log(probability of the target), in nats: a scalar.

    logits are float32 (N, V), targets int64 (N,). The probabilities are the softmax of a row of logits.
    Rows whose target is -100 do not count. Logits may be as large as 10,000.
    """
    raise NotImplementedError
