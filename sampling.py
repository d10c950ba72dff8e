"""Print continuations of a text by a model."""

import torch

from data import find_tokenizer
from errors import warn


def print_samples(model, prompt, config, machine, seed):
    """Print continuations of a prompt."""
    tokenizer = find_tokenizer(model.config.tokenizer, model.config.vocab_size)
    start = tokenizer.encode(prompt, allowed_special="all") or [tokenizer.eot_token]
    idx = torch.tensor(start, device=machine.device).repeat(config.samples, 1)  # (samples, T)
    generator = torch.Generator(machine.device).manual_seed(seed)
    try:
        with machine.autocast():
            rows = model.generate(idx, config.sample_tokens, config.temperature, config.top_k, generator)
    except FloatingPointError as error:  # in a run the next step says so, and ends it
        warn(f"no samples: {error} (use weights from before, or a lower --lr)")
        return
    for row in rows.tolist():
        print(f"> {tokenizer.decode(row)}")
