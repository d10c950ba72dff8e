"""Draws 53-band.svg: how far seed 2 is from the reference of the laptop preset, and the tolerance."""

from pathlib import Path

from matplotlib.figure import Figure

SEED_2 = """
-.0244 .0095 -.0219 .0028 -.0129 .0081 .0308 .0069 -.0046 -.0227 -.0036 -.0275 .0028 -.0016 -.0019
-.0460 .0218 -.0369 -.0004 .0150 -.0224 -.0172 -.0066 -.0099 -.0121 -.0259 -.0040 -.0044 .0137 .0286
.0015 -.0035 -.0033 -.0076 -.0061 -.0064 .0205 .0099 -.0097 .0198
"""  # validation loss minus that of reference/laptop.jsonl, after 50, 100, ... 2,000 steps

figure = Figure(figsize=(7, 3), layout="constrained")
axes = figure.subplots()
steps = range(50, 2001, 50)
axes.fill_between(steps, -0.1, 0.1, color="gray", alpha=0.4, label="reference +- 0.1")
axes.plot(steps, [float(value) for value in SEED_2.split()], ".-", color="C0", label="--seed 2")
axes.set(xlabel="step", ylabel="difference of validation loss", ylim=(-0.15, 0.15))
axes.grid(alpha=0.3)
axes.legend(loc="lower right")
figure.savefig(Path(__file__).with_suffix(".svg"), metadata={"Date": None})
