"""Print continuations of a text by a model."""

import torch

from data import get_tokenizer
from errors import UserError


def print_samples(model, prompt, config, machine, seed):
    """Print continuations of a prompt."""
    tokenizer = get_tokenizer(model.config.tokenizer)
    if tokenizer.n_vocab != model.config.vocab_size:
        sizes = f"{tokenizer.n_vocab} tokens, but the model has {model.config.vocab_size}"
        fix = "put its tokenizer, gpt2 or bytes, into config.json"
        raise UserError(f"the tokenizer {model.config.tokenizer} has {sizes} ({fix})")
    start = tokenizer.encode(prompt, allowed_special="all") or [tokenizer.eot_token]
    idx = torch.tensor(start, device=machine.device).repeat(config.samples, 1)  # (samples, T)
    generator = torch.Generator(machine.device).manual_seed(seed)
    with machine.autocast():
        rows = model.generate(idx, config.sample_tokens, config.temperature, config.top_k, generator)
    for row in rows.tolist():
        print(f"> {tokenizer.decode(row)}")
