"""Draws 34-curve.svg: the losses of two runs of step 34 that differ in --seed only, from their log.jsonl."""

from pathlib import Path

from matplotlib.figure import Figure

LOSSES = {
    "runs/gpt2 (--seed 1)": "5.52 5.09 4.89 4.73 4.58 4.39 4.13 6.39 3.70 3.64 3.52 3.49 3.24 3.17 3.07 "
    "3.12 3.36 3.22 3.08 3.06 2.92 2.84 2.86 2.89 2.90 2.86 2.79 2.82 2.81 2.75",
    "runs/gpt2-2 (--seed 2)": "5.60 5.20 4.96 4.78 4.63 4.42 4.74 4.05 3.80 3.65 3.51 6.57 3.30 3.30 3.17 "
    "3.18 3.56 3.29 3.16 3.16 3.02 2.97 2.97 3.00 2.99 2.94 2.87 2.90 2.88 2.85",
}

figure = Figure(figsize=(7, 3.2), layout="constrained")
axes = figure.subplots()
for label, losses in LOSSES.items():
    losses = [float(loss) for loss in losses.split()]
    axes.plot(range(1, len(losses) + 1), losses, linewidth=1, label=label)
axes.set(xlabel="step", ylabel="loss")
axes.grid(alpha=0.3)
axes.legend()
figure.savefig(Path(__file__).with_suffix(".svg"), metadata={"Date": None})
