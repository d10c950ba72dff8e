"""Exercise 10: batches without state. It goes with lectures/10-stateless-batches.md.

Write the body, then run

    python lectures/steps.py grade 10

"""

import torch


def get_batch(tokens: torch.Tensor, config, step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the batch of a step (from 0): inputs and targets, both (config.batch, config.context).

    tokens are int64 (n,). The text is cut into windows of config.context tokens, one after the other. Step s
    takes the config.batch windows from number s * config.batch on, and after the last window comes the first
    again. A target is the token after its input, so a window needs one token more than it has inputs.
    Nothing is remembered between calls.
    """
    raise NotImplementedError
