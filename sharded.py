"""An optimizer whose state is spread over the ranks: stage 1 of ZeRO (Rajbhandari et al. 2020).

Only --shard needs this module: PyTorch's ZeroRedundancyOptimizer takes a second to import.
"""

import torch
import torch.distributed as dist
from torch.distributed.optim import ZeroRedundancyOptimizer


class ShardedOptimizer(ZeroRedundancyOptimizer):
    """Give each weight to one rank, which keeps its moments, takes its steps, and sends it to the others.

    Gradients and weights stay whole on every rank, so nothing else in the training changes. A saved state has
    the format of an optimizer that is not sharded, and fits any number of ranks. PyTorch's own methods for it
    send each byte as an element of a Python sequence, and keep what they have loaded twice.
    """

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        mine, whole = count_kept(self.optim.param_groups), count_kept(self.param_groups)
        print(f"--shard: the optimizer keeps {mine:,} of {whole:,} numbers on this rank")

    def state_dict(self):
        """Return the state of all weights on rank 0, in the CPU's memory. Every rank must call this."""
        values, numbers = torch.optim.Optimizer.state_dict(self), self.numbers()
        for rank in range(self.world_size):
            state = self.optim.state if rank == self.rank else {}
            found = {
                (numbers[weight], name): state[weight][name] for weight in state for name in state[weight]
            }
            shapes = [{place: tensor.shape for place, tensor in found.items()}]
            dist.broadcast_object_list(shapes, src=rank)
            for place, shape in shapes[0].items():
                like = found[place] if found else torch.empty(shape, device=self._default_device)
                tensor = like.to(self._default_device)  # Muon counts its steps in the CPU's memory
                dist.broadcast(tensor, src=rank)
                if self.rank == 0:
                    number, name = place
                    values["state"].setdefault(number, {})[name] = tensor.cpu()
        return values

    def load_state_dict(self, values):
        """Take this rank's share of the state of all weights."""
        numbers, groups = self.numbers(), self.optim.state_dict()["param_groups"]
        mine = [numbers[weight] for group in self.optim.param_groups for weight in group["params"]]
        found = {place: values["state"][number] for place, number in enumerate(mine) if values["state"]}
        self.optim.load_state_dict(dict(state=found, param_groups=groups))

    def numbers(self):
        """Return the number of each weight in a saved state: {weight: number}."""
        weights = [weight for group in self.param_groups for weight in group["params"]]
        return {weight: number for number, weight in enumerate(weights)}


def count_kept(groups):
    """Return how many numbers an optimizer keeps for these groups: two per weight, one where Muon steps."""
    counts = [1 if group.get("parts") else 2 for group in groups]
    sizes = [sum(weight.numel() for weight in group["params"]) for group in groups]
    return sum(count * size for count, size in zip(counts, sizes, strict=True))
