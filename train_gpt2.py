"""GPT-2 (124M), grown one commit at a time.

    python train_gpt2.py                      a small GPT on a laptop: no network, no data, three minutes
    python train_gpt2.py --preset gpt2        GPT-2 (124M) on FineWeb-Edu, which python fineweb.py prepares
    torchrun --standalone --nproc_per_node=8 train_gpt2.py --preset gpt2 --resume
    python train_gpt2.py --init gpt2 --data data/my     fine-tune OpenAI's weights on your text

--help lists every setting with its default in the preset that would run: laptop, with --init finetune.

The model: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners" (GPT-2).
The recipe: Brown et al. 2020, "Language Models are Few-Shot Learners" (GPT-3), appendix B.
"""

import contextlib
import functools
import math
import time
from dataclasses import asdict, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

import hellaswag
import runs
import weights
from config import GPTConfig, check_weights, find_problems, parse_config, resumed_config
from data import find_tokenizer, list_inputs, open_data, shuffled
from errors import UserError, collect_error, is_out_of_memory, one_line, run_program, warn
from machine import Machine, average_in_bf16, check_device, check_memory, pick_device, pick_dtype, read_ranks
from muon import Muon, count_moments
from profiler import profile_steps
from progress import show_progress, show_wait
from sampling import draw_tokens, opening, print_samples, read_prompts, store_by_columns

# ---- The model ---------------------------------------------------------------------------------------------


class CausalSelfAttention(nn.Module):
    """Each position reads from itself and from those before it (Vaswani et al. 2017, section 3.2)."""

    def __init__(self, config):
        super().__init__()
        assert config.n_embd % config.n_head == 0, f"n_embd {config.n_embd}, but n_head {config.n_head}"
        self.n_head = config.n_head
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)  # query, key, value
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x, cache=None, start=0):
        B, T, C = x.shape
        qkv = self.c_attn(x).view(B, T, 3, self.n_head, C // self.n_head).permute(2, 0, 3, 1, 4)
        # CPUs are slow in bfloat16 here, and for the backward pass several times slower than in float32.
        q, k, v = qkv.float() if x.is_cpu and cache is None else qkv  # each (B, n_head, T, C / n_head)
        mask, end = None, start + T
        if cache is not None:  # (2, B, n_head, size, C / n_head): add these keys and values to those before
            cache[:, :, :, start:end] = qkv[1:]
            k, v = cache[:, :, :, :end]
            if start and T > 1:
                mask = torch.ones(T, end, dtype=torch.bool, device=x.device).tril(start)
        p = self.dropout.p if self.training else 0.0
        with torch.autocast("cpu", enabled=False):  # y has the shape of q
            y = F.scaled_dot_product_attention(q, k, v, mask, p, is_causal=start == 0).to(qkv.dtype)
        return self.dropout(self.c_proj(y.transpose(1, 2).reshape(B, T, C)))


class MLP(nn.Module):
    """Feed-forward network, applied to each position independently: four times wider, GELU, and back."""

    def __init__(self, config):
        super().__init__()
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        x = F.gelu(self.c_fc(x), approximate="tanh")  # the GELU that GPT-2 was trained with
        return self.dropout(self.c_proj(x))


class Block(nn.Module):
    """Attention, then MLP: each reads a normalized copy of the residual stream and adds to the stream."""

    def __init__(self, config):
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.mlp = MLP(config)

    def forward(self, x, cache=None, start=0):
        x = x + self.attn(self.ln_1(x), cache, start)
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    """GPT-2. Its modules have the names of OpenAI's checkpoint: wte, wpe, h.0.attn.c_attn, ..., ln_f."""

    def __init__(self, config, generator=None):
        super().__init__()
        self.config = config
        rows = 128 * math.ceil(config.vocab_size / 128)  # 50,304 for GPT-2: CUDA is fast on round sizes
        self.wte = nn.Embedding(rows, config.n_embd)
        self.wpe = nn.Embedding(config.context, config.n_embd)
        self.dropout = nn.Dropout(config.dropout)  # Srivastava et al. 2014; where GPT-2 has it
        self.h = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.lm_head = nn.Linear(config.n_embd, rows, bias=False)
        self.wte.weight = self.lm_head.weight  # one table reads and writes tokens (Press & Wolf 2017)
        self.init_weights(generator)

    @torch.no_grad()
    def init_weights(self, generator=None):
        """Draw OpenAI's initial weights (Radford 2019, section 2.3, and their code) from `generator`."""
        for name, weight in self.named_parameters():
            if name.endswith("bias"):
                weight.zero_()
            elif "ln_" in name:
                weight.fill_(1.0)
            elif name == "wte.weight":
                weight[: self.config.vocab_size].normal_(std=0.02, generator=generator)
                weight[self.config.vocab_size :] = 0.0  # padding: never read, and no gradient reaches it
            elif name == "wpe.weight":
                weight.normal_(std=0.01, generator=generator)
            elif name.endswith("c_proj.weight"):  # 2 n_layer of these add to the residual stream
                weight.normal_(std=0.02 / math.sqrt(2 * self.config.n_layer), generator=generator)
            else:
                weight.normal_(std=0.02, generator=generator)

    def num_parameters(self):
        """Count the parameters, without the padding of the table."""
        padding = self.wte.weight[self.config.vocab_size :].numel()
        return sum(weight.numel() for weight in self.parameters()) - padding

    def flops_per_token(self, T):
        """Count the operations of forward and backward per token (Chowdhery et al. 2022, appendix B)."""
        matrices = self.num_parameters() - self.wpe.weight.numel()
        return 6 * matrices + 12 * self.config.n_layer * self.config.n_embd * T

    def make_cache(self, B, size):
        """Return room for the keys and values of `size` positions in B rows, on all layers; see hidden."""
        weight, heads = self.wte.weight, self.config.n_head
        kind = weight.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype
        return weight.new_empty(len(self.h), 2, B, heads, size, self.config.n_embd // heads, dtype=dtype)

    def hidden(self, idx, cache=None, start=0):
        """Return what the output head reads, (B, T, C), for idx, int64 (B, T), at positions from `start` on.

        The cache holds the keys and values of all positions before `start`, and those of idx are added.
        """
        end = start + idx.shape[1]
        assert end <= self.config.context, f"{end} tokens, but a context of {self.config.context}"
        x = self.dropout(self.wte(idx) + self.wpe(torch.arange(start, end, device=idx.device)))  # (B, T, C)
        for layer, block in enumerate(self.h):
            x = block(x, None if cache is None else cache[layer], start)
        return self.ln_f(x)

    def forward(self, idx, targets=None, cache=None, start=0):
        """Predict the token after each token.

        idx and targets are int64 (B, T), T <= context. Returns the logits (B, T, vocab_size) and the loss:
        the mean cross-entropy in nats, a float32 scalar; targets of -100 are ignored. None without targets.
        Gradients flow from the loss; from the logits only without targets. cache and start: see hidden.
        """
        logits, V = self.lm_head(self.hidden(idx, cache, start)), self.config.vocab_size  # (B, T, rows)
        if targets is None:
            return logits[..., :V], None
        # A slice would cost a copy, and a gradient for what is returned a tensor of zeros of that size.
        logits = logits.masked_fill(torch.arange(logits.shape[-1], device=idx.device) >= V, -torch.inf)
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
        return logits.detach()[..., :V], loss

    @torch.no_grad()
    def generate(
        self, idx, max_new_tokens, temperature=1.0, top_k=None, generator=None, top_p=1.0, show=None
    ):
        """Continue idx, int64 (B, T), token by token; returns int64 (B, T + max_new_tokens).

        For temperature, top_k and top_p see draw_tokens, which may raise FloatingPointError. show is called
        with each new column, int64 (B, 1).
        """
        context, start = self.config.context, 0
        cache = self.make_cache(len(idx), min(idx.shape[1] + max_new_tokens, context))
        for _ in range(max_new_tokens):
            x = self.hidden(idx[:, -context:][:, start:], cache, start)
            logits = self.lm_head(x[:, -1])[:, : self.config.vocab_size]  # only the last position is needed
            tokens = draw_tokens(logits.float(), temperature, top_k, top_p, generator)  # (B, 1)
            idx = torch.cat((idx, tokens), dim=1)
            # When the window slides, each token is at a new position: the cache is of no use any more.
            start = idx.shape[1] - 1 if idx.shape[1] <= context else 0
            if show:
                show(tokens)
        return idx

    @classmethod
    def from_pretrained(cls, name, dropout=0.0):
        """Load the GPT-2 in a folder, or of that name on the hub: gpt2, gpt2-medium, ... Raises UserError."""
        return weights.load(name, lambda sizes: cls(GPTConfig(**sizes, dropout=dropout)))

    def save_pretrained(self, directory):
        """Write config.json and model.safetensors, as Hugging Face's GPT2LMHeadModel reads them."""
        weights.save(self, directory)


# ---- The data ----------------------------------------------------------------------------------------------


def micro_steps(config, world):
    """Return the number of micro-batches per rank in an optimizer step."""
    return config.batch_tokens // (config.micro_batch * config.context * world)


def first_row(config, step, micro, rank, world):
    """Return the number of a micro-batch's first row, counted over all rows since the first step."""
    return step * (config.batch_tokens // config.context) + (micro * world + rank) * config.micro_batch


def get_batch(tokens, config, step, micro, rank, world):
    """Return a rank's micro-batch of a step (all from 0): idx and targets, int64 (micro_batch, context).

    The tokens are cut into windows. The rows of a step are the next batch_tokens / context windows, and each
    epoch visits all windows in an order of its own. It is arithmetic: nothing is remembered between steps.
    """
    T = config.context
    count = (len(tokens) - 1) // T  # a window needs one token more, for its last target
    first = first_row(config, step, micro, rank, world)
    epochs, windows = np.divmod(np.arange(first, first + config.micro_batch), count)
    for epoch in np.unique(epochs) if config.shuffle else ():
        here = epochs == epoch
        windows[here] = shuffled(windows[here], count, f"{config.seed} {epoch}")
    rows = np.stack([tokens.read(window * T, T + 1) for window in windows.tolist()])
    rows = torch.from_numpy(rows.astype(np.int64))  # (B, T + 1)
    return rows[:, :-1], rows[:, 1:]


@functools.lru_cache(maxsize=1)  # the whole prefetcher: a batch that is asked for ahead waits here
def fetch_batch(tokens, config, step, micro, machine):
    """Return a rank's micro-batch (see get_batch) on its device."""
    return machine.place(*get_batch(tokens, config, step, micro, machine.rank, machine.world))


# ---- The optimizer -----------------------------------------------------------------------------------------


def make_optimizer(model, config, machine):
    """Make AdamW with the numbers of GPT-3 (Brown et al. 2020, appendix B); only matrices decay.

    With --optimizer muon, the matrices of the blocks take the steps of Muon instead. With --shard, each rank
    keeps the state of its share of the weights.
    """
    matrices = [weight for weight in model.parameters() if weight.dim() >= 2]
    vectors = [weight for weight in model.parameters() if weight.dim() < 2]
    print(f"{len(matrices)} tensors decay by {config.weight_decay}, {len(vectors)} do not")
    groups = [dict(params=matrices, weight_decay=config.weight_decay), dict(params=vectors, weight_decay=0.0)]
    kind, settings = torch.optim.AdamW, dict(lr=config.lr, betas=(0.9, 0.95), eps=1e-8, fused=True)
    if config.optimizer == "muon":
        three = [block.attn.c_attn.weight for block in model.h]  # query, key, value: a matrix each
        one = [part.weight for b in model.h for part in (b.attn.c_proj, b.mlp.c_fc, b.mlp.c_proj)]
        groups[0]["params"] = [model.wte.weight, model.wpe.weight]
        groups += [dict(groups[0], params=three, parts=3), dict(groups[0], params=one, parts=1)]
        fast = machine.dtype == torch.bfloat16
        kind, settings = Muon, settings | dict(bfloat16=fast, share=not config.shard)
    if config.shard and distributed.is_initialized():
        from sharded import ShardedOptimizer  # takes a second

        return ShardedOptimizer(groups, kind, **settings)
    if config.shard:
        warn("--shard has no effect on one rank (leave it out, or start several with torchrun)")
    return kind(groups, **settings)


def learning_rate(step, config):
    """Return the rate of a step (from 0): linear warm-up to config.lr, then down until the last step.

    cosine: to a tenth of config.lr (Brown et al. 2020, appendix B, and Loshchilov & Hutter 2016).
    linear: in a straight line to zero (Bergsma et al. 2025, "Straight to zero").
    """
    if step < config.warmup_steps:
        return config.lr * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / (config.steps - config.warmup_steps)  # from 0 to almost 1
    if config.schedule == "linear":
        return config.lr * (1 - progress)
    return config.lr * (0.1 + 0.9 * (1 + math.cos(math.pi * progress)) / 2)


# ---- A step ------------------------------------------------------------------------------------------------


def add_gradient(model, tokens, config, step, micro, machine):
    """Add a micro-batch's part of the gradient of the step's loss to .grad; return its part of the loss."""
    count = micro_steps(config, machine.world)
    idx, targets = fetch_batch(tokens, config, step, micro, machine)
    if config.dropout:  # it has no state, either
        number = first_row(config, step, micro, machine.rank, machine.world) + 2654435761 * config.seed
        torch.manual_seed(number % 2**32)  # a CPU reads no more than 32 bits
    with machine.autocast():
        _, loss = model(idx, targets)
    loss = loss / count  # so that all parts together are the mean over the step
    machine.scaler.scale(loss).backward()  # a GPU has only begun with it
    with contextlib.suppress(Exception):  # an error is one only if the batch is needed, and is raised then
        fetch_batch(tokens, config, *divmod(step * count + micro + 1, count), machine)  # its cache keeps it
    return loss.detach()


def accumulate_gradients(model, tokens, config, step, machine):
    """Add the gradient of the step's loss, the mean over all its tokens, to .grad.

    Returns two numbers, the same on all ranks: the loss, and one above 0 if any rank has been asked to stop.
    """
    count = micro_steps(config, machine.world)
    totals = torch.zeros(2, device=machine.device)
    for micro in range(count):
        # DDP decides in the forward pass whether the backward pass will average, so no_sync includes both.
        average = micro == count - 1 or machine.world == 1
        with contextlib.nullcontext() if average else model.no_sync():
            totals[0] += add_gradient(model, tokens, config, step, micro, machine)
    totals[1] = machine.stopping
    return machine.mean(totals)


def take_step(model, replica, optimizer, tokens, config, step, machine):
    """Take an optimizer step and wait for the device; returns loss, whether to stop, norm, learning rate.

    If the scaler finds a gradient that is not finite, weights and moments stay as they were.
    """
    totals = accumulate_gradients(replica, tokens, config, step, machine)
    machine.scaler.unscale_(optimizer)
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)  # the norm before clipping
    rate = learning_rate(step, config)
    for group in optimizer.param_groups:
        group["lr"] = rate
    machine.scaler.step(optimizer)
    machine.scaler.update()
    optimizer.zero_grad()
    machine.synchronize()  # a GPU works asynchronously: wait for it before reading the clock
    return *totals.tolist(), norm.item(), rate


def try_batch(replica, tokens, config, machine, optional):
    """Compute a gradient beside the optimizer's memory; returns "" or the error.

    Raises errors that are about neither memory nor, if that is `optional`, the compiler.
    """
    moments = count_moments(replica.named_parameters(), config, machine.world)
    try:
        moments = torch.empty(moments, device=machine.device)
        with replica.no_sync() if machine.world > 1 else contextlib.nullcontext():  # each rank on its own
            for _ in range(2):  # the second one finds the gradient of the first in memory
                add_gradient(replica, tokens, config, 0, 0, machine)
        machine.synchronize()
        return ""
    except Exception as error:  # no C++ compiler, no Triton, an operator that it does not know, ...
        if isinstance(error, UserError) or not (is_out_of_memory(error) or optional):
            raise
        return "out of memory: " * is_out_of_memory(error) + one_line(error)
    finally:
        replica.zero_grad()


def make_replica(model, tokens, config, machine):
    """Wrap the model for training, and return it with the Config that works: micro-batch, compiler or not.

    DDP averages gradients, torch.compile makes it fast. Each rank tries a batch; all take what fits on all.
    """
    rows = config.batch_tokens // config.context // machine.world  # per rank and step
    fast, most = machine.compile, config.micro_batch or (4 if machine.device.type == "cpu" else 64)
    required = config.compile == "true"

    def wrap(fast):  # DDP outside: inside the compiled code its Python would break the graph
        inner = torch.compile(model, dynamic=False) if fast else model
        if machine.world == 1:
            return inner
        replica = DistributedDataParallel(inner, gradient_as_bucket_view=True)
        if config.exchange == "bfloat16":
            replica.register_comm_hook(None, average_in_bf16)
        return replica

    replica = wrap(fast)
    while True:
        size = next(size for size in range(min(most, rows), 0, -1) if rows % size == 0)
        config = replace(config, micro_batch=size, compile=str(fast).lower())
        if not fast and machine.device.type == "cpu":  # it does not report that its memory is short
            return replica, config
        with show_wait("compiling the model" if fast else "trying a batch"):
            error = try_batch(replica, tokens, config, machine, optional=fast)
        short, failed = machine.sum(is_out_of_memory(error), bool(error))
        if not failed:
            return replica, config
        if not short:
            reason = f"torch.compile does not work here ({error[:100] or 'another rank'})"
            if required:
                try_batch(wrap(False), tokens, config, machine, optional=False)  # the model, the data?
                raise UserError(f"{reason}; install what it needs, or leave out --compile true")
            warn(f"{reason}; continuing without it")
            fast, replica = False, wrap(False)
        elif size > 1:
            print(f"{size} sequences per forward pass do not fit into memory, trying fewer")
            most = size // 2
        else:
            raise UserError("a single sequence does not fit into memory (use a smaller model or --context)")


# ---- Evaluation --------------------------------------------------------------------------------------------


@torch.no_grad()
def validate(model, tokens, config, machine):
    """Return the mean loss over the first val_tokens targets, or all there are; None if asked to stop."""
    T, count = config.context, min(config.val_tokens, len(tokens) - 1)
    size = max(config.micro_batch // 4, 1) * T  # uncompiled, a row takes more memory
    total = torch.zeros((), device=machine.device)  # read once: each .item() would wait for the device
    for first in show_progress(range(machine.rank * size, count, machine.world * size), "validation"):
        part = torch.from_numpy(tokens.read(first, min(size, count - first) + 1).astype(np.int64))
        missing = -(len(part) - 1) % T  # in the very last row: targets of -100 do not count
        idx = F.pad(part[:-1], (0, missing)).view(-1, T)
        targets = F.pad(part[1:], (0, missing), value=-100).view(-1, T)
        with machine.autocast():
            _, loss = model(*machine.place(idx, targets))
        total += loss * ((len(part) - 1) / count)
        if machine.stopping:
            break
    total, stopping = machine.sum(total.item(), machine.stopping)
    return None if stopping else total


def is_due(step, every, config):
    """Return whether something is due after `step` steps: each `every`, at the end, before fine-tuning."""
    first = 0 if config.init != "scratch" else 1
    return every > 0 and (step == config.steps or (step >= first and step % every == 0))


def evaluate(model, held_out, examples, step, config, machine, run):
    """Validate, score HellaSwag's examples if there are any, sample: what is due. True if asked to stop."""
    if is_due(step, config.eval_every, config):
        loss = validate(model, held_out, config, machine)
        if loss is None:
            return True
        run.report_validation(step, loss)
    if examples and is_due(step, config.hellaswag_every, config):
        accuracy = hellaswag.evaluate(model, examples, machine, batch=max(config.micro_batch // 4, 1))
        if accuracy is None:
            return True
        run.log("hellaswag", step=step, accuracy=accuracy, examples=len(examples))
        print(f"step {step:4d}  HellaSwag {100 * accuracy:.2f} %")
    if machine.rank == 0 and is_due(step, config.sample_every, config):
        prompt = config.prompt or opening(held_out, config)
        print_samples(model, prompt, config, machine, config.seed + step)
    return False


# ---- The loop ----------------------------------------------------------------------------------------------


def train(model, data, config, machine, run, state=None, hooks=()):
    """Take optimizer steps from those in `state` up to config.steps, evaluate, and save; see open_data.

    After each step, each hook is called with the number of finished steps, the step's loss, and the model.
    If one returns True on any rank, the run ends as it does after a signal.
    """
    tokens, held_out, meta = data
    examples = hellaswag.load_for(model, machine) if config.hellaswag_every else None
    replica, config = make_replica(model, tokens, config, machine)
    count = micro_steps(config, machine.world)
    parts = f"{count} micro-batch{'es' * (count > 1)} of {config.micro_batch} x {config.context}"
    print(f"{config.batch_tokens:,} tokens per step: {parts}{' on each rank' * (machine.world > 1)}")
    optimizer = make_optimizer(model, config, machine)
    if machine.world > 1:
        # DDP settles the order of its sums in its first backward pass: do it now, so that resuming is exact.
        add_gradient(replica, tokens, config, 0, 0, machine)
        model.zero_grad()
    start, stopping = 0, False
    if state:
        runs.restore_optimizer(optimizer, machine.scaler, state)
        start = run.saved = state.step
        state.optimizer.clear()  # its memory
    event = "resume" if state else "start"  # nothing can refuse the run any more
    run.log(event, step=start, data=meta, **runs.environment_info(run.config, machine))
    run.log("fit", micro_batch=config.micro_batch, compile=config.compile)

    def save(step):
        values = dict(step=step, config=asdict(run.config), data=meta)
        values |= dict(optimizer=optimizer.state_dict(), scaler=machine.scaler.state_dict())
        run.save(step, model, values, config.keep)
        run.saved = machine.from_rank_0(lambda: run.saved)  # it failed on all ranks, or on none

    for step in range(start, config.steps + 1):  # the number of finished steps
        if run.saved < step and is_due(step, config.save_every, config) and (step or not config.steps):
            save(step)
        intervals = config.eval_every, config.hellaswag_every, config.sample_every
        if not stopping and any(is_due(step, every, config) for every in intervals):
            model.eval()  # without dropout
            stopping = evaluate(model, held_out, examples, step, config, machine, run)
            model.train()
        if stopping or step == config.steps:
            break
        begin = time.perf_counter()
        while True:  # once, except in float16: there the step is repeated while the gradient overflows
            loss, stopping, norm, rate = take_step(model, replica, optimizer, tokens, config, step, machine)
            scale = machine.scaler.get_scale()  # 1, unless in float16
            if math.isfinite(norm) or not math.isfinite(loss) or scale <= 1:
                break
            run.report_overflow(step + 1, scale)
        seconds = time.perf_counter() - begin
        if not math.isfinite(loss + norm):
            run.log("diverged", step=step + 1, loss=str(loss), norm=str(norm), dtype=str(machine.dtype))
            last = runs.checkpoints(run.folder)[-1:] or ["none"]
            reason = f"step {step + 1} has loss {loss} and norm {norm}; last good checkpoint: {last[0]}"
            raise UserError(f"{reason} ({runs.after_divergence(str(machine.dtype))})")
        run.report(step + 1, loss, norm, rate, seconds)
        for hook in hooks:
            machine.stopping |= hook(step + 1, loss, model) is True  # all ranks see it in the next step
    if run.saved < step:
        save(step)
    if run.saved < step:
        raise UserError(f"step {step} is not saved (make room, then --resume from the checkpoint before it)")
    run.log("end", step=step)
    if stopping:
        print(f"stopped after step {step}; continue with --resume --out {run.folder}")


# ---- The program -------------------------------------------------------------------------------------------


def make_model(config, given=(), meta=()):
    """Make the GPT that --init names. Raises UserError if it does not fit, or needs too much memory."""
    if config.init != "scratch":
        load = functools.partial(GPT.from_pretrained, dropout=config.dropout)
        model = runs.newest_whole(config.init, load) or load(config.init)
        if problems := check_weights(config, model.config, given, meta):
            raise UserError("\n".join(problems))
        return model
    with torch.device("meta"):  # shapes only
        check_memory(4 * GPT(config).num_parameters())
    return GPT(config, torch.Generator().manual_seed(config.seed))  # drawn on the CPU: the same on any device


def load_checkpoint(folder):
    """Return the model and the State in a checkpoint of a run. Raises UserError."""
    state = runs.load_state(folder)
    return GPT.from_pretrained(folder, state.config.dropout), state


def sample(config, given, problems):
    """Print continuations of --sample, by the newest model in the folder, or by that of --init."""
    folder = collect_error(problems, runs.choose_folder, config.out, config.preset, True)
    if "init" not in given and folder and not runs.holds_model(folder):
        others = runs.name_others(folder)
        problems.append(f"no checkpoint in {folder} (train first, or name a model with --init{others})")
    if problems:
        raise UserError("\n".join(problems))
    machine = Machine(config)
    model = make_model(replace(config, init=given.get("init", str(folder))), given).to(machine.device).eval()
    if machine.device.type == "cpu" and machine.dtype == torch.float32 and config.samples <= 3:
        store_by_columns(model)
    for number, prompt in enumerate(read_prompts(config.sample)):
        print_samples(model, prompt, config, machine, config.seed + number)


def prepare(config, given, problems):
    """Open what the settings name, and complete them: Config, folder, data (see open_data), model, State.

    model and State are None if they are new. Raises UserError with all problems at once.
    """
    model = state = None
    ranks = collect_error(problems, read_ranks)
    folder = collect_error(problems, runs.choose_folder, config.out, config.preset, config.resume)
    if config.resume and folder:
        model, state = collect_error(problems, runs.newest_whole, folder, load_checkpoint) or (None, None)
    if state:
        config = resumed_config(state.config, given, folder, problems)
    data = collect_error(problems, open_data, config.data)
    meta = data[-1] if data else {}
    from_data = {"tokenizer", "vocab_size"} & meta.keys() - given.keys()
    config = replace(config, **{name: meta[name] for name in from_data})
    if config.init != "scratch" and not model:
        model = collect_error(problems, make_model, config, given, meta)
    if model:
        context = min(config.context, model.config.context)
        config = replace(config, **(asdict(model.config) | dict(context=context)))
    world = ranks[1] if ranks else 1
    problems += find_problems(config, world, meta, state.step if state else 0)
    device = collect_error(problems, pick_device, config.device)
    problems += check_device(device, config, world) if device else []
    if meta and config.sample_every:  # now, and not hours later with the first sample
        collect_error(problems, find_tokenizer, meta["tokenizer"], meta["vocab_size"])
    if state and meta and state.data != meta:
        problems.append(f"--data {config.data} is not what {folder} was started with (leave the flag out)")
    diverged = collect_error(problems, runs.find_divergence, folder) if config.resume and folder else None
    if diverged and device and diverged.get("dtype") == str(pick_dtype(config.dtype, device)):
        reason = f"{folder} diverged in step {diverged.get('step')}, and would again"
        problems.append(f"{reason} ({runs.after_divergence(diverged['dtype'])})")
    if problems:
        raise UserError("\n".join(problems))
    return config, folder, data, model, state


def main(arguments=None, hooks=()):
    config, given, problems = parse_config(arguments, description=__doc__)
    if "sample" in given:
        return sample(config, given, problems)
    config, folder, data, model, state = prepare(config, given, problems)
    machine, meta, start = Machine(config), data[-1], state.step if state else 0
    runs.compare_ranks(config, machine, meta, start)
    model = (model or make_model(config)).to(machine.device)
    validated = f"{min(config.val_tokens, meta['val_tokens'] - 1):,} of {meta['val_tokens']:,} to validate"
    print(f"{config.data}: {meta['train_tokens']:,} tokens to train, {validated}")
    if config.eval_every and config.val_tokens < meta["val_tokens"] - 1 and len(list_inputs(config.data)) > 1:
        reason = f"are the first of {meta['val_tokens']:,} tokens to validate, in the order of the inputs"
        warn(f"--val_tokens {config.val_tokens} {reason} (--val_tokens {meta['val_tokens']} reads all)")
    epochs = config.steps * config.batch_tokens / meta["train_tokens"]
    print(f"{config.steps:,} steps of {config.batch_tokens:,} tokens are {epochs:.3g} epochs")
    if config.init != "scratch" and epochs > 4:
        most = f"4 are {4 * meta['train_tokens']:,} tokens"
        warn(f"{epochs:.3g} epochs teach the text by heart ({most}: fewer --steps, smaller --batch_tokens)")
    if config.warmup_steps > config.steps > 0:
        reason = f"--warmup_steps {config.warmup_steps} are more than --steps {config.steps}"
        warn(f"--lr is never reached: {reason} (use fewer)")
    print(f"{'resumed' if state else config.init} weights on {machine}")
    print(f"{model.num_parameters():,} parameters")
    print(f"loss of a uniform guess: ln {config.vocab_size} = {math.log(config.vocab_size):.4f}")
    run = runs.Run(folder, config, machine, model.flops_per_token(config.context), meta)
    begun = "finished" if start == config.steps else "continued"
    print(f"the run is in {folder}{f', {begun} after step {start} of {config.steps}' if state else ''}")
    machine.stop_on_signals()
    if config.profile:
        hooks = [*hooks, profile_steps(config.profile, machine, folder)]
    train(model, data, config, machine, run, state, hooks)
    run.report_best()
    run.draw()
    machine.shutdown()


if __name__ == "__main__":
    run_program(main)
