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
            for (number, name), shape in shapes[0].items():
                like = found.get((number, name), torch.empty(shape))
                tensor = like.to(self._default_device)
                dist.broadcast(tensor, src=rank)
                if self.rank == 0:
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
