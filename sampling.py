"""Print continuations of a text by a model."""

import torch

from data import get_tokenizer
from errors import UserError, warn


def find_tokenizer(name, vocab_size):
    """Return the tiktoken.Encoding of that name. Raises UserError unless its vocabulary has that size."""
    tokenizer = get_tokenizer(name)
    if tokenizer.n_vocab != vocab_size:
        sizes = f"{tokenizer.n_vocab} tokens, but the model has {vocab_size}"
        fix = "put its tokenizer, gpt2 or bytes, into config.json or meta.json"
        raise UserError(f"the tokenizer {name} has {sizes} ({fix})")
    return tokenizer


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
