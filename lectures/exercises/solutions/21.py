"""Exercise 21, solved."""

import math


def learning_rate(step: int, config) -> float:
    if step < config.warmup_steps:
        return config.lr * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / (config.steps - config.warmup_steps)
    return config.lr * (0.1 + 0.9 * (1 + math.cos(math.pi * progress)) / 2)
