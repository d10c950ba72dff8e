"""Muon: steepest descent for matrices, measured by what a step can do to the output of a layer.

Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks".
"""

import math

import torch

from machine import share_work


def orthogonalize(matrices):
    """Bring the singular values of matrices (count, m, n) near 1, and leave their directions as they are.

    Those above 0.002 of the matrix's norm end between 0.68 and 1.21. Each Newton-Schulz iteration applies the
    odd polynomial a s + b s^3 + c s^5 to all of them, with products of matrices only; m <= n is cheaper. The
    coefficients are Jordan's: steep at 0, where small singular values start, and bounded.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)  # no singular value is above 1
    for _ in range(5):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x


class Muon(torch.optim.AdamW):
    """AdamW, except for groups with `parts`: their weights are matrices, and take orthogonalized steps.

    A weight has so many parts along its rows, each a matrix of its own: c_attn has query, key and value. An
    update is as large as AdamW's usually are, so that learning rate and decay can be the same (Liu et al.
    2025, "Muon is scalable for LLM training", section 2.2). With bfloat16 that is the type of the iterations.
    share says that all ranks have the same weights, and share the work.
    """

    def __init__(self, groups, bfloat16=False, share=True, **settings):
        super().__init__([dict(parts=0) | group for group in groups], **settings)
        self.bfloat16, self.share = bfloat16, share
        self._step_supports_amp_scaling = False  # a GradScaler must skip the whole step, not AdamW's part

    @torch.no_grad()
    def step(self):
        """Take a step. The gradients of the matrices are None after it, so that AdamW's part skips them."""
        stacks = {}  # by shape, so that each shape needs one product: updates, places, learning rates
        for group in self.param_groups:
            count, lr = group["parts"], group["lr"]
            for weight in group["params"] if count else ():
                weight.mul_(1 - lr * group["weight_decay"])
                update = self.add_momentum(weight)
                for part, place in zip(update.chunk(count), weight.chunk(count), strict=True):
                    if part.shape[0] > part.shape[1]:
                        part, place = part.mT, place.mT
                    stacks.setdefault(part.shape, []).append((part, place, lr))
        for (_, longer), stack in stacks.items():
            updates, places, rates = zip(*stack, strict=True)
            updates = [update.bfloat16() if self.bfloat16 else update for update in updates]
            updates = torch.stack(updates)
            updates = share_work(orthogonalize, updates) if self.share else orthogonalize(updates)
            for update, place, rate in zip(updates, places, rates, strict=True):
                place.sub_(update, alpha=0.2 * math.sqrt(longer) * rate)
        super().step()

    def add_momentum(self, weight):
        """Add a weight's gradient to its running mean, and return 0.95 of that plus 0.05 of the gradient.

        The gradient counts twice: this is Nesterov's momentum, which looks one step ahead.
        """
        state = self.state[weight]
        if not state:  # AdamW reads a step from every state
            state.update(step=torch.tensor(0.0), momentum=torch.zeros_like(weight))
        state["step"] += 1
        state["momentum"].lerp_(weight.grad, 0.05)
        update = weight.grad.lerp(state["momentum"], 0.95)
        weight.grad = None
        return update


def count_moments(named_weights, config, world):
    """Return how many numbers the optimizer keeps on a rank: two per weight, and one where Muon takes steps.

    With --shard a rank has those of its own weights, and this is the rank that has the most.
    """
    sizes, loads = [], [[0, 0] for _ in range(world if config.shard else 1)]  # of a rank: weights, moments
    for name, weight in named_weights:
        is_matrix = ".h." in f".{name}" and weight.dim() > 1
        count = 1 if config.optimizer == "muon" and is_matrix else 2
        sizes.append((weight.numel(), count * weight.numel()))
    for size, moments in sorted(sizes, reverse=True):  # nearly as PyTorch: each to the rank with the least
        least = min(loads)
        least[0] += size
        least[1] += moments
    return max(moments for _, moments in loads)
