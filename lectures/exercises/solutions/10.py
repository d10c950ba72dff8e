"""Exercise 10, solved."""

import torch


def get_batch(tokens: torch.Tensor, config, step: int) -> tuple[torch.Tensor, torch.Tensor]:
    T = config.context
    count = (len(tokens) - 1) // T
    numbers = torch.arange(step * config.batch, (step + 1) * config.batch) % count
    rows = torch.stack([tokens[number * T : number * T + T + 1] for number in numbers.tolist()])
    return rows[:, :-1], rows[:, 1:]
