"""Exercise 24, solved."""


def micro_steps(config) -> int:
    count, rest = divmod(config.batch_tokens, config.micro_batch * config.context)
    if rest:
        raise ValueError(f"{config.batch_tokens} tokens are not whole micro-batches")
    return count


def accumulate(model, batches: list) -> float:
    total = 0.0
    for idx, targets in batches:
        _, loss = model(idx, targets)
        loss = loss / len(batches)  # so that all parts together are the mean over the step
        loss.backward()
        total += loss.item()
    return total
