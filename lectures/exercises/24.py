"""Exercise 24: accumulate gradients. It goes with lectures/24-accumulation.md.

Write the body, then run

    python lectures/steps.py grade 24

"""


def micro_steps(config) -> int:
    """Return the number of micro-batches in an optimizer step.

    A step has config.batch_tokens tokens, and a micro-batch has config.micro_batch rows of config.context
    tokens. Raises ValueError if the micro-batches do not add up to the step exactly.
    """
    raise NotImplementedError


def accumulate(model, batches: list) -> float:
    """Add the gradient of a step's loss to the .grad of the model's weights, and return the loss.

    batches are the step's micro-batches: pairs of idx and targets of equal size. model(idx, targets) returns
    logits and the mean loss of one of them. The loss of the step is the mean over all its tokens. Only one
    micro-batch may be in memory: call backward for each, and keep no loss that holds its graph.
    """
    raise NotImplementedError
