"""Exercise 03: causal self-attention, by hand. It goes with lectures/03-attention.md.

Write the body, then run

    python lectures/steps.py grade 03

Matrix products, a mask and a softmax suffice. F.scaled_dot_product_attention would spoil it.
"""

import torch


def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Let each position read from itself and from the positions before it.

    q, k and v are float32 (B, n_head, T, d). Returns (B, n_head, T, d): for each position a weighted mean of
    the rows of v that it may read. The weights are the softmax of its query times their keys, divided by the
    square root of d.
    """
    raise NotImplementedError
