"""Compare recipes over several seeds, to tell an effect from the noise between two runs.

    python ablate.py                     run all studies, then print their tables and draw them
    python ablate.py rate --seeds 5      run one of them, with more seeds
    python ablate.py --seeds 0           only print and draw what reference/ablations.jsonl has

A study is a baseline and the recipes that are compared with it, each a line of flags of train_gpt2.py, with
" + IDEA" at its end if an idea of ideas.py changes the run. A run that was interrupted is resumed, and one
that is in the log is not repeated. A difference survives the noise if it is larger than its standard error
times Student's t for 95 %. Pictures: runs/ablations/STUDY.png.
"""

import itertools
import json
import math
import statistics
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

import scaling
import trials
from config import whole_number
from errors import run_program
from trials import append_line, read_lines

ROOT = Path(__file__).parent
DATA = "data/ablations"  # 75 million of GPT-2's tokens to train, made when a study needs them
PACKAGES = [*scaling.PACKAGES, "transformers", "sympy", "pandas", "networkx"]
LOG = ROOT / "reference" / "ablations.jsonl"
STUDENT = [12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23]  # 95 %, 1 degree of freedom and more

LAPTOP = "--preset laptop --steps 500 --warmup_steps 25 --eval_every 100"
ADAMW, MUON = (f"{LAPTOP} --optimizer {name} --schedule cosine --lr" for name in ("adamw", "muon"))
FAST = f"{MUON} 1e-2 --schedule linear"
SMALL = f"--preset gpt2 --data {DATA} --context 128 --n_layer 6 --n_head 6 --n_embd 192 --batch_tokens 1024"
SMALL += " --micro_batch 8 --steps 300 --warmup_steps 15 --eval_every 100 --val_tokens 32768"
CHANGES = ["higher rate", "linear", "Muon"]  # of gpt2-fast


def factorial(shape, rate, higher):
    """Return a study of all combinations of CHANGES, for a model that begins with AdamW at `rate`."""
    study = {}
    for size in range(len(CHANGES) + 1):
        for chosen in itertools.combinations(CHANGES, size):
            lr = f"--lr {higher if 'higher rate' in chosen else rate}"
            schedule = f"--schedule {'linear' if 'linear' in chosen else 'cosine'}"
            optimizer = f"--optimizer {'muon' if 'Muon' in chosen else 'adamw'}"
            study[" + ".join(chosen) or "gpt2's recipe"] = f"{shape} {optimizer} {schedule} {lr}"
    return study


STUDIES = {  # the first recipe of a study is its baseline
    "rate": {
        "5e-3": f"{ADAMW} 5e-3",
        "1.5e-2": f"{ADAMW} 1.5e-2",
        "1.67e-3": f"{ADAMW} 1.67e-3",
        "8.3e-4": f"{ADAMW} 8.3e-4",
    },
    "muon": {
        "AdamW, 1.67e-3": f"{ADAMW} 1.67e-3",
        "Muon, 5e-3": f"{MUON} 5e-3",
        "Muon, 1e-2": f"{MUON} 1e-2",
        "Muon, 2e-2": f"{MUON} 2e-2",
    },
    "together": {
        "AdamW, cosine": f"{ADAMW} 1.67e-3",
        "AdamW, linear": f"{ADAMW} 1.67e-3 --schedule linear",
        "Muon, cosine": f"{MUON} 1e-2",
        "Muon, linear": f"{MUON} 1e-2 --schedule linear",
    },
    "laptop": factorial(LAPTOP, 1.67e-3, 5e-3),
    "small": factorial(SMALL, 6e-4, 1.8e-3),
    "ideas": {
        "Muon, linear": FAST,
        "EMA": f"{FAST} + exponential_average",
        "tail average": f"{FAST} + tail_average",
        "zero projections": f"{FAST} + zero_projections",
        "cautious decay": f"{FAST} + cautious_decay",
        "growing batch": f"{FAST} + growing_batch",
        "masked documents": f"{FAST} + masked_documents",
        "whole documents": f"{FAST} + whole_documents",
        "no biases": f"{FAST} --bias false",
        "PyTorch's Muon": f"{FAST} + pytorch_muon",
    },
}


def find_result(recipe, seed):
    """Return the Result of a recipe with a seed on this computer's data; None if the log has none."""
    flags, _, idea = recipe.partition(" + ")
    return trials.find_result(read_lines(LOG), flags, seed, idea)


def run(recipe, seed):
    """Train a recipe with a seed, or continue it, and append its Result to the log. Raises UserError."""
    flags, _, idea = recipe.partition(" + ")
    append_line(LOG, trials.run(flags, seed, "ablation", ROOT / "runs" / "ablations", idea))


# ---- What the results say ----------------------------------------------------------------------------------


def compare(ours, base):
    """Compare two lists of losses, at least two each: difference of the means, its standard error, verdict.

    The verdict is whether the difference is larger than the noise (Student's t-test, 95 %).
    """
    difference = statistics.mean(ours) - statistics.mean(base)
    error = math.sqrt(statistics.variance(ours) / len(ours) + statistics.variance(base) / len(base))
    freedom = min(len(ours) + len(base) - 2, len(STUDENT))
    return difference, error, abs(difference) > STUDENT[freedom - 1] * error


def collect(recipes):
    """Collect the results of a study's recipes: {name: Results, one per seed}; None if a recipe has none.

    Only runs on the same tokens in the same precision are compared: those of the newest line of the log that
    has all recipes. They need not be this computer's.
    """
    lines = read_lines(LOG)
    for place in dict.fromkeys(find_place(result) for result in reversed(lines)):
        known = {find_key(r.recipe, r.idea): r for r in lines if find_place(r) == place}  # the newest counts
        groups = {}
        for name, recipe in recipes.items():
            flags, _, idea = recipe.partition(" + ")
            keys = [find_key(trials.describe(flags, seed)[1], idea) for seed in range(1, 10)]
            groups[name] = [known[key] for key in keys if key in known]
        if all(groups.values()):
            return groups
    return None


def find_place(result):
    """Return what the results of a table have in common."""
    return result.data_sha256, result.recipe.get("dtype")


def find_key(recipe, idea):
    """Return what tells the results of a table apart."""
    return json.dumps(recipe | dict(dtype="", idea=idea), sort_keys=True)


def mean_curve(results):
    """Return the mean of the validation losses of some results: a list of (step, loss)."""
    points = zip(*(result.curve for result in results), strict=True)
    return [(at[0][0], statistics.mean(loss for _, loss in at)) for at in points]


def steps_to(curve, loss):
    """Return the step at which a curve first reaches a loss, in a line between its points; None if never.

    If its first point is there already, that is the step.
    """
    if curve[0][1] <= loss:
        return curve[0][0]
    for (before, high), (after, low) in zip(curve, curve[1:], strict=False):
        if low <= loss:
            return before + (after - before) * (high - loss) / (high - low)
    return None


def print_table(study, groups):
    """Print a row per recipe of a study. groups is {name: results}, the baseline first."""
    base = [result.loss for result in next(iter(groups.values()))]
    print(f"\n{study:18} seeds    loss     sd  bits/byte  difference   error  steps to base  ms per step")
    for name, results in groups.items():
        losses, verdict = [result.loss for result in results], ""
        line = f"{name:18} {len(losses):5} {statistics.mean(losses):7.4f}"
        line += f"{statistics.stdev(losses):7.4f}" if len(losses) > 1 else " " * 7
        line += f"{statistics.mean(losses) / math.log(2):11.4f}" if results[0].bits_per_byte else " " * 11
        if losses == base:
            line += " " * 20
        elif min(len(losses), len(base)) == 1:
            line, verdict = line + f"{losses[0] - statistics.mean(base):+12.4f}" + " " * 8, "one seed"
        else:
            difference, error, survives = compare(losses, base)
            line, verdict = line + f"{difference:+12.4f} {error:7.4f}", "" if survives else "within the noise"
        reached = steps_to(mean_curve(results), statistics.mean(base))
        line += f"{'never' if reached is None else round(reached):>15}"
        line += f"{statistics.median(result.step_ms for result in results):13.0f}"
        print(f"{line}  {verdict}".rstrip())


def draw(study, groups):
    """Draw the mean validation loss of each recipe, and its range over the seeds; returns the path."""
    from matplotlib.figure import Figure  # takes a second to import

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for name, results in groups.items():
        steps, losses = zip(*mean_curve(results), strict=True)
        ends = [[loss for _, loss in at] for at in zip(*(result.curve for result in results), strict=True)]
        (line,) = axes.plot(steps, losses, ".-", label=name)
        axes.fill_between(steps, [*map(min, ends)], [*map(max, ends)], color=line.get_color(), alpha=0.2)
    axes.set(xlabel="step", ylabel="validation loss", title=study)
    axes.grid(alpha=0.3)
    axes.legend()
    path = ROOT / "runs" / "ablations" / f"{study}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    return path


def main(arguments=None):
    parser = ArgumentParser(
        description=__doc__, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=", ".join(STUDIES))
    parser.add_argument("--seeds", type=whole_number(0, 9), default=3, help="seeds 1, 2, ... (default: 3)")
    options = parser.parse_args(arguments)
    if unknown := set(options.studies) - STUDIES.keys():
        parser.error(f"{', '.join(sorted(unknown))}: the studies are {', '.join(STUDIES)}")
    chosen = {study: STUDIES[study] for study in options.studies or STUDIES}
    if options.seeds and DATA in str(chosen):
        trials.make_data(DATA, "gpt2", PACKAGES)
    for seed in range(1, options.seeds + 1):
        for study, recipes in chosen.items():
            for name, recipe in recipes.items():
                if not find_result(recipe, seed):
                    print(f"{study}: {name}, seed {seed}", flush=True)
                    run(recipe, seed)
    for study, recipes in chosen.items():
        groups = collect(recipes)
        if not groups:
            print(f"\n{study}: not every recipe has a result")
            continue
        print_table(study, groups)
        print(f"{draw(study, groups)} shows the curves")


if __name__ == "__main__":
    run_program(main)
