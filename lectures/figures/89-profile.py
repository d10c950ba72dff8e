"""Draw 89-profile.svg: where the time of a step of GPT-2 (124M) goes, and the limit of this machine.

From the profile of page 89, in milliseconds on one core: 2 rows of 256 tokens, bfloat16, step 86.
"""

from figure import Figure

PARTS = {"matrix products": 1802, "attention": 251, "GELU": 72, "AdamW": 67}
TOTAL = 2500  # processor time of a step
TOKENS, WEIGHTS = 512, 768 * (12 * 12 * 768 + 50304)  # in the matrices that are multiplied
PEAK = 216  # GFLOP/s of the best product that we measured: 1,024 x 1,024 x 1,024


def main():
    parts = PARTS | {"loss, casts, clipping, ...": TOTAL - sum(PARTS.values())}
    least = 6 * WEIGHTS * TOKENS / PEAK / 1e6
    share = least / PARTS["matrix products"]
    title = f"GPT-2's matrix products run at {share:.0%} of what this core can do"
    picture = Figure(720, 270, title)
    picture.text(20, 30, f"a step of GPT-2 (124M): {TOTAL:,} ms", size=15, bold=True)
    for row, (name, value) in enumerate(parts.items()):
        y, color = 52 + row * 40, "orange" if name == "attention" else "blue"
        picture.text(200, y + 19, name, size=14, align="right")
        picture.rect(212, y, value / 4.4, 28, color, 0.75)
        picture.text(220 + value / 4.4, y + 19, f"{value:,}", size=14)
    x = 212 + least / 4.4
    picture.line([(x, 44), (x, 110)], "ink", 2)
    picture.text(x + 4, 128, f"{least:,.0f} ms at {PEAK} GFLOP/s", "ink", 14, "center")
    picture.save(__file__)


if __name__ == "__main__":
    main()
