"""Exercise 08, solved."""

import torch


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    counts = targets != -100
    logits, targets = logits[counts], targets[counts]
    largest = logits.max(dim=-1, keepdim=True).values  # subtracted, so that exp cannot overflow
    log_sum = (logits - largest).exp().sum(-1).log() + largest[:, 0]
    return (log_sum - logits.gather(1, targets[:, None])[:, 0]).mean()
