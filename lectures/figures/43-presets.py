"""Draw 43-presets.svg: the peak learning rate of each preset falls with the number of parameters.

Sizes: num_parameters() of page 43. Rates and the three largest models: Brown et al. 2020, table 2.1.
"""

from figure import Figure

PRESETS = [  # GPT-2's name and size, GPT-3's name and size, the rate of both
    ("gpt2", 124_439_808, "gpt3-small", 125_226_240, 6e-4),
    ("gpt2-medium", 354_823_168, "gpt3-medium", 355_871_744, 3e-4),
    ("gpt2-large", 774_030_080, "gpt3-large", 760_300_032, 2.5e-4),
    ("gpt2-xl", 1_557_611_200, "gpt3-xl", 1_315_723_264, 2e-4),
]
LARGER = [(2.7e9, 1.6e-4, "2.7B"), (6.7e9, 1.2e-4, "6.7B"), (13e9, 1e-4, "13B")]


def main():
    picture = Figure(720, 412, "The larger the model, the lower the peak learning rate, from 6e-4 to 1e-4")
    xticks = [(1e8, "100M"), (3e8, "300M"), (1e9, "1B"), (3e9, "3B"), (1e10, "10B")]
    limits = (9e7, 2e10), (8e-5, 9e-4)
    place = picture.axes(
        62, 36, 636, 320, *limits, "parameters", "peak learning rate", xticks, xlog=True, ylog=True
    )
    for rate in (1e-4, 2e-4, 3e-4, 6e-4):
        x, y = place(9e7, rate)
        picture.line([(x - 4, y), (x, y)], "muted", 1)
        picture.text(x - 9, y + 4, f"{rate * 1e4:.0f}e-4", "muted", 13, "right")
    path = [place(size, rate) for _, size, _, _, rate in PRESETS]
    path += [place(size, rate) for size, rate, _ in LARGER]
    picture.line(path, "line", 2)
    for size, rate, name in LARGER:
        x, y = place(size, rate)
        picture.circle(x, y, 6, "muted")
        picture.text(x - 8, y + 22, name, "muted", 13, "right")
    picture.text(*place(1.1e9, 0.97e-4), "only in GPT-3's paper", "muted", 14)
    for name, size, other, its, rate in PRESETS:
        x, y = place(size, rate)
        picture.circle(*place(its, rate), 8, "orange")
        picture.circle(x, y, 5, "blue")
        picture.text(x + 8, y - 30, name, "blue", 14, bold=True)
        picture.text(x + 8, y - 13, other, "orange", 14, bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
