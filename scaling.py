"""Measure a scaling law: train a grid of small models, fit the law, and predict a larger run before it runs.

    python scaling.py             all of it: ten minutes on two free cores; if it is interrupted, it continues
    python scaling.py --workers 4 four runs at a time
    python scaling.py --show      only print and draw what reference/scaling.jsonl has

The law: Hoffmann et al. 2022, "Training compute-optimal large language models", section 3.3. The text: Python
sources of packages that requirements.txt pins. The picture: runs/scaling/scaling.png.
"""

import functools
import math
import multiprocessing
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass

import trials
from config import MOST, GPTConfig, whole_number
from errors import UserError, run_program
from machine import die_with_parent
from trials import Result, append_line, read_lines

ROOT = Path(__file__).parent
LOG = ROOT / "reference" / "scaling.jsonl"
DATA = "data/scaling"
PACKAGES = ["datasets", "huggingface_hub", "matplotlib", "numpy", "pyarrow", "pydantic", "torch"]

SIZES = [(2, 32), (2, 48), (2, 64), (3, 80), (4, 96)]  # layers, width: 36 to 478 thousand parameters
BUDGETS = [2e11, 4e11, 8e11, 1.6e12]  # operations of a run: 6 x parameters x tokens
TARGETS = [(3, 80, 4.8e12), (4, 128, 4.8e12)]  # three times the largest budget
RATES = [1e-2, 2e-2, 4e-2]  # of the smallest and the largest size: the grid has the middle one
RECIPE = f"--preset laptop --dtype float32 --data {DATA} --val_tokens 262144 --eval_every {MOST}"
BATCH = 1024  # tokens per step, as the preset has it
OUTSIDE = 257 + 64 + 2  # parameters outside the blocks, times the width: token table, positions, last norm
SAMPLES = 500  # of the runs, for the uncertainty


@dataclass
class Prediction:
    """A line of the log: what the law says of a run that has not begun."""

    event: Literal["prediction"]
    recipe: dict
    data_sha256: str
    runs: int  # that the law was fitted to
    law: dict[str, float]
    loss: float
    low: float  # 95 % of outcomes are expected from here
    high: float  # to here


Line = Annotated[Result | Prediction, Field(discriminator="event")]

# ---- The runs ----------------------------------------------------------------------------------------------


@functools.cache
def count_parameters(layers, width):
    """Return the number of parameters of a model, all of them, as in Hoffmann et al."""
    sizes = dict(n_layer=layers, n_head=width // 16, n_embd=width, context=64, vocab_size=257)
    return trials.count_parameters(GPTConfig(**sizes))


def make_flags(layers, width, budget, rate=RATES[1]):
    """Return the flags of a run: the budget decides the tokens, and the schedule ends with them."""
    steps = round(budget / (6 * count_parameters(layers, width) * BATCH))
    shape = f"--n_layer {layers} --n_head {width // 16} --n_embd {width}"
    length = f"--batch_tokens {BATCH} --steps {steps} --warmup_steps {steps // 20}"
    return f"{RECIPE} {shape} {length} --lr {rate}"


def grid():
    """List the flags of the grid's runs, the cheapest budget first."""
    return [make_flags(*size, budget) for budget in BUDGETS for size in SIZES]


def compared_rates():
    """List the flags of the runs that show whether one learning rate is good for all sizes."""
    return [make_flags(*size, BUDGETS[1], rate) for size in (SIZES[0], SIZES[-1]) for rate in RATES]


def begin_worker():
    """Prepare a process for runs: one thread, and it ends with its parent."""
    die_with_parent()
    torch.set_num_threads(1)


def run_one(flags):
    """Return the Result of flags."""
    return trials.run(flags, 1, "scaling", ROOT / "runs" / "scaling")


def read_results(source):
    """Return the lines of the log about data with the sha256 `source`."""
    return [line for line in read_lines(LOG, Line) if line.data_sha256 == source]


def find(lines, flags, kind=Result):
    """Return the first line of a kind about a run; None if there is none."""
    _, recipe = trials.describe(flags, 1)
    return next((line for line in lines if line.recipe == recipe and isinstance(line, kind)), None)


def run_all(recipes, workers):
    """Run what the log does not have, so many at a time, and append each Result. Raises UserError."""
    known = read_results(trials.hash_data(DATA))
    left = [flags for flags in dict.fromkeys(recipes) if not find(known, flags)]
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), begin_worker) as pool:
        try:
            runs = [pool.submit(run_one, flags) for flags in left]
            for number, run in enumerate(as_completed(runs), 1):
                result = run.result()
                append_line(LOG, result)
                sizes = f"{result.parameters:,} parameters, {result.tokens:,} tokens"
                print(f"run {number} of {len(left)}: {sizes}, loss {result.loss:.4f}", flush=True)
        except BaseException as error:
            pool.shutdown(cancel_futures=True)
            if isinstance(error, BrokenProcessPool):
                fix = "the same command continues; fewer --workers need less memory"
                raise UserError(f"a run was killed, perhaps for lack of memory ({fix})") from error
            raise


# ---- The law -----------------------------------------------------------------------------------------------

NAMES = ["E", "A", "B", "alpha", "beta"]
STARTS = [
    [math.log(E), 0.0, 0.0, alpha, beta] for E in (0.3, 1) for alpha in (0.2, 0.5) for beta in (0.2, 0.5)
]


@dataclass(config=dict(arbitrary_types_allowed=True))
class Law:
    """L(N, D) = E + A / N^alpha + B / D^beta, for one fit or for many: arrays of the same shape."""

    E: np.ndarray
    A: np.ndarray
    B: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray

    def loss(self, N, D):
        """Return the loss of N parameters after D tokens."""
        return self.E + self.A / N**self.alpha + self.B / D**self.beta

    def best_size(self, budget):
        """Return the number of parameters with the lowest loss for a budget of 6 N D (their equation 4)."""
        ratio = self.alpha * self.A / (self.beta * self.B)
        return ratio ** (1 / (self.alpha + self.beta)) * (budget / 6) ** self.exponent()

    def exponent(self):
        """Return the exponent of the best size: it grows with that power of the budget."""
        return self.beta / (self.alpha + self.beta)

    def best_ratio(self, budget):
        """Return the tokens per parameter at that size."""
        return budget / 6 / self.best_size(budget) ** 2


def fit(N, D, loss, counts=None, delta=1e-3, steps=300):
    """Fit the law to runs, arrays (runs,); returns a Law of one fit per row of `counts` (fits, runs).

    counts says how often a fit has each run. As in Hoffmann et al. it minimizes the Huber loss of the errors
    of log L: squares up to delta, absolute values beyond. The method is Levenberg-Marquardt, with weights
    that turn squares into the Huber loss, for all fits and starts at once.
    """
    counts = np.ones((1, len(loss))) if counts is None else counts
    x, y, goal = np.log(N), np.log(D), np.log(loss)
    mx, my = x.mean(), y.mean()  # a and b are the logarithms of A / N^alpha and B / D^beta there
    x, y, fits = x - mx, y - my, len(counts)
    theta = np.tile(np.array(STARTS), (fits, 1))  # (fits x starts, 5)
    counts = np.repeat(counts, len(STARTS), 0)

    def errors(theta):
        e, a, b, alpha, beta = theta.T[:, :, None]
        parts = np.exp(np.stack(np.broadcast_arrays(e, a - alpha * x, b - beta * y)))  # (3, fits, runs)
        return np.log(parts.sum(0)) - goal, parts / parts.sum(0)

    def cost(error):
        size = np.abs(error)
        return (counts * np.where(size < delta, size**2 / 2, delta * (size - delta / 2))).sum(1)

    damping, (error, share) = np.full(len(theta), 1e-2), errors(theta)
    for _ in range(steps):
        slopes = np.stack([*share, -share[1] * x, -share[2] * y], -1)  # (fits, runs, 5)
        weights = counts * np.minimum(1, delta / np.maximum(np.abs(error), 1e-12))
        normal = np.einsum("fri,fr,frj->fij", slopes, weights, slopes)
        scale = damping[:, None] * (np.einsum("fii->fi", normal) + 1e-9)
        gradient = np.einsum("fri,fr->fi", slopes, weights * error)
        step = np.linalg.solve(normal + scale[:, :, None] * np.eye(5), gradient[:, :, None])[:, :, 0]
        trial = theta - np.clip(step, -1, 1)
        new_error, new_share = errors(trial)
        better = cost(new_error) < cost(error)
        theta = np.where(better[:, None], trial, theta)
        error = np.where(better[:, None], new_error, error)
        share = np.where(better[:, None], new_share, share)
        damping = np.clip(np.where(better, damping / 3, damping * 4), 1e-9, 1e6)
    best = cost(error).reshape(fits, -1).argmin(1)
    e, a, b, alpha, beta = theta.reshape(fits, len(STARTS), 5)[np.arange(fits), best].T
    return Law(np.exp(e), np.exp(a + alpha * mx), np.exp(b + beta * my), alpha, beta)


def arrays(results):
    """Return the parameters, the tokens and the losses of results: float64 arrays."""
    values = [(result.parameters, result.tokens, result.loss) for result in results]
    return np.array(values, float).reshape(-1, 3).T


def fit_samples(N, D, loss):
    """Return the Law of the runs, and that of many samples of the runs, drawn with replacement."""
    share = np.full(len(loss), 1 / len(loss))
    counts = np.random.default_rng(1).multinomial(len(loss), share, size=SAMPLES)
    return fit(N, D, loss), fit(N, D, loss, counts)


def interval(values):
    """Return the limits between which 95 % of the values are."""
    return [float(value) for value in np.quantile(values, [0.025, 0.975])]


def predict(flags, N, D, loss, law, laws):
    """Return the Prediction of a run from other runs, their Law, and the Law of many samples of them.

    Its interval has the spread of the samples' laws, and that of single runs around the law.
    """
    config, recipe = trials.describe(flags, 1)
    errors = np.log(loss / law.loss(N, D)) * math.sqrt(len(loss) / (len(loss) - len(NAMES)))
    errors = np.random.default_rng(2).choice(errors, len(laws.E))
    place = trials.count_parameters(config), config.steps * config.batch_tokens
    low, high = interval(laws.loss(*place) * np.exp(errors))
    return Prediction(
        event="prediction",
        recipe=recipe,
        data_sha256=trials.hash_data(config.data),
        runs=len(loss),
        law={name: float(getattr(law, name)[0]) for name in NAMES},
        loss=round(float(law.loss(*place)[0]), 5),
        low=round(low, 5),
        high=round(high, 5),
    )


def predict_all(recipes):
    """Append the Prediction of each run that has none. Raises UserError if such a run is in the log."""
    lines = read_results(trials.hash_data(DATA))
    left = [flags for flags in recipes if not find(lines, flags, Prediction)]
    if any(find(lines, flags) for flags in left):
        raise UserError(f"{LOG} has a run before its prediction (delete the line of the run)")
    if left:
        runs = arrays([find(lines, flags) for flags in grid()])
        fits = fit_samples(*runs)
        for flags in left:
            append_line(LOG, predict(flags, *runs, *fits))


# ---- What the results say ----------------------------------------------------------------------------------


def report(lines):
    """Print the runs, the law with its uncertainty, and the predictions beside their outcomes."""
    results = [result for flags in grid() if (result := find(lines, flags))]
    if len(results) < 10:
        raise UserError(f"{LOG} has {len(results)} runs of the grid, too few for a law (leave out --show)")
    N, D, loss = arrays(results)
    law, laws = fit_samples(N, D, loss)
    print("    budget  parameters      tokens  per parameter    loss  bits/byte  the law's")
    for result, expected in zip(results, law.loss(N, D), strict=True):
        line = f"{6 * result.parameters * result.tokens:10.1e} {result.parameters:11,} {result.tokens:11,}"
        line += f" {result.tokens / result.parameters:14.1f} {result.loss:7.4f} {result.bits_per_byte:10.4f}"
        print(f"{line} {expected:10.4f}")
    for flags in compared_rates():
        if result := find(lines, flags):
            print(f"{result.parameters:,} parameters, rate {result.recipe['lr']}: loss {result.loss:.4f}")
    print(f"\nL = E + A / N^alpha + B / D^beta, {len(results)} runs; 95 % of {SAMPLES} samples of them")
    rows = [(name, getattr(law, name), getattr(laws, name)) for name in NAMES]
    rows.append(("exponent of the best size", law.exponent(), laws.exponent()))
    blocks = N - OUTSIDE * np.array([result.recipe["n_embd"] for result in results])
    exponents = [each.exponent() for each in fit_samples(blocks, D, loss)]
    rows.append(("the same, N of the blocks alone", *exponents))
    for budget in BUDGETS:
        ratios = law.best_ratio(budget), laws.best_ratio(budget)
        rows.append((f"tokens per parameter at {budget:.1e}", *ratios))
    for name, value, values in rows:
        low, high = interval(values)
        print(f"{name:31} {value[0]:9.4g}  from {low:.4g} to {high:.4g}")
    for flags in (make_flags(*target) for target in TARGETS):
        if prediction := find(lines, flags, Prediction):
            config, result = trials.describe(flags, 1)[0], find(lines, flags)
            sizes = f"{trials.count_parameters(config):,} parameters, {config.steps * BATCH:,} tokens"
            text = f"predicted {prediction.loss:.4f}, from {prediction.low:.4f} to {prediction.high:.4f}"
            print(f"{sizes}: {text}; {f'measured {result.loss:.4f}' if result else 'not run yet'}")
    runs = [line for line in lines if isinstance(line, Result)]
    print(f"{len(runs)} runs took {sum(run.cpu_seconds for run in runs) / 60:.0f} minutes of one core")


def draw(lines):
    """Draw the runs, the law and the predictions as runs/scaling/scaling.png; returns the path."""
    from matplotlib.figure import Figure  # takes a second to import

    results = [result for flags in grid() if (result := find(lines, flags))]
    law = fit(*arrays(results))
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    smallest, largest = (count_parameters(*size) for size in (SIZES[0], SIZES[-1]))
    sizes = np.geomspace(smallest / 2, 3 * largest, 100)
    for number, budget in enumerate([*BUDGETS, *sorted({target[-1] for target in TARGETS})]):
        color, best = f"C{number}", law.best_size(budget)
        label = f"6 N D = {budget:.1e}" + (", predicted" if budget not in BUDGETS else "")
        axes.plot(sizes, law.loss(sizes, budget / 6 / sizes), color=color, alpha=0.5, label=label)
        axes.plot(best, law.loss(best, budget / 6 / best), "*", color=color, markersize=12)
        found = [find(lines, make_flags(*size, budget)) for size in SIZES if budget in BUDGETS]
        N, _, losses = arrays([result for result in found if result])
        axes.plot(N, losses, "o", color=color)
    for flags in (make_flags(*target) for target in TARGETS):
        prediction, result = find(lines, flags, Prediction), find(lines, flags)
        if prediction:
            N = trials.count_parameters(trials.describe(flags, 1)[0])
            axes.plot([N, N], [prediction.low, prediction.high], color=color, linewidth=6, alpha=0.3)
        if result:
            axes.plot(N, result.loss, "D", color=color)
    axes.set(xlabel="parameters", ylabel="validation loss, nats per byte", xscale="log")
    axes.set(title="points: runs; curves: the law; stars: its best sizes; bars: predictions")
    axes.grid(alpha=0.3)
    axes.legend()
    path = ROOT / "runs" / "scaling" / "scaling.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    return path


def main(arguments=None):
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--workers", type=whole_number(1, 64), default=2, help="runs at a time (default: 2)")
    parser.add_argument("--show", action="store_true", help="only print and draw what the log has")
    options = parser.parse_args(arguments)
    if options.show:
        known = read_lines(LOG, Line)
        lines = read_results(known[-1].data_sha256) if known else []
    else:
        trials.make_data(DATA, "bytes", PACKAGES)
        run_all(compared_rates() + grid(), options.workers)
        targets = [make_flags(*target) for target in TARGETS]
        predict_all(targets)
        run_all(targets, options.workers)
        lines = read_results(trials.hash_data(DATA))
    report(lines)
    print(f"{draw(lines)} shows the law")


if __name__ == "__main__":
    run_program(main, interrupted="interrupted (the same command continues)")
