"""Draws 21-schedule.svg: the learning rate of the whole GPT-2 (124M) run, with the first steps enlarged."""

import math
from pathlib import Path

PEAK, WARMUP, STEPS = 6e-4, 715, 19073


def learning_rate(step):
    if step < WARMUP:
        return PEAK * (step + 1) / WARMUP
    progress = (step - WARMUP) / (STEPS - WARMUP)
    return PEAK * (0.1 + 0.9 * (1 + math.cos(math.pi * progress)) / 2)


def panel(left, width, last, ticks, title):
    """One diagram from step 0 to a last step: 260 pixels high, the rate from 0 to 6e-4."""
    top, height = 50, 260

    def x(step):
        return left + width * step / last

    def y(rate):
        return top + height * (1 - rate / 6.6e-4)

    yield f'<text x="{left + width / 2}" y="30" class="title">{title}</text>'
    for rate in (6e-5, 3e-4, 6e-4):
        yield f'<line x1="{left}" x2="{left + width}" y1="{y(rate):.1f}" y2="{y(rate):.1f}" class="grid"/>'
        yield f'<text x="{left - 8}" y="{y(rate) + 4:.1f}" class="end">{rate:.0e}</text>'.replace("e-0", "e-")
    for step in ticks:
        yield f'<line x1="{x(step):.1f}" x2="{x(step):.1f}" y1="{top}" y2="{top + height}" class="grid"/>'
        yield f'<text x="{x(step):.1f}" y="{top + height + 18}" class="middle">{step:,}</text>'
    points = {round(last * n / 400) for n in range(401)} | {min(WARMUP, last)}
    path = " ".join(f"{x(step):.1f},{y(learning_rate(step)):.1f}" for step in sorted(points))
    yield f'<polyline points="{path}" class="curve"/>'
    yield f'<rect x="{left}" y="{top}" width="{width}" height="{height}" class="frame"/>'
    yield f'<text x="{left + width / 2}" y="{top + height + 38}" class="middle">step</text>'


STYLE = """
text { font: 13px sans-serif; fill: #222 } .title { font-weight: bold; text-anchor: middle }
.middle { text-anchor: middle } .end { text-anchor: end } .grid { stroke: #ddd }
.frame { fill: none; stroke: #888 }
.curve { fill: none; stroke: #0969da; stroke-width: 2 }
"""

if __name__ == "__main__":
    half = 10545  # the first step, counted from 0, at or below half of the peak
    assert learning_rate(half) <= PEAK / 2 < learning_rate(half - 1)
    lines = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 820 365" width="820" height="365">']
    lines += [f"<style>{STYLE}</style>", '<rect width="820" height="365" fill="white"/>']
    lines += panel(60, 460, STEPS, (WARMUP, half, STEPS), "learning rate of the whole run")
    lines += panel(590, 200, 1500, (0, WARMUP, 1500), "the first 1,500 steps")
    Path(__file__).with_suffix(".svg").write_text("\n".join([*lines, "</svg>", ""]), encoding="utf-8")
