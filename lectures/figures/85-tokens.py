"""Draw 85-tokens.svg: tokens of published runs to a validation loss of 3.27 to 3.28 on FineWeb.

The numbers are those of the logs of modded-nanogpt's first track.
"""

from figure import Figure

RUNS = [
    ("AdamW, 6e-4", 10.26, "3.2722"),
    ("rate x 3, trapezoid", 6.44, "3.2753"),
    ("and rotary positions", 5.0, "3.2760"),
    ("and Muon", 3.25, "3.2785"),
]


def main():
    title = "To about the same loss: 10.3 billion tokens as published, 6.4 with three times the rate, "
    title += "3.2 with Muon and more"
    picture = Figure(720, 262, title)
    for number, (name, tokens, loss) in enumerate(RUNS):
        y = 24 + 52 * number
        color = "muted" if number == 0 else "blue"
        picture.text(190, y + 22, name, "ink", 15, "right")
        picture.rect(202, y, 36 * tokens, 34, color, 0.6, radius=3)
        picture.text(202 + 36 * tokens + 10, y + 16, f"{tokens:g} billion", "ink", 15, bold=True)
        picture.text(202 + 36 * tokens + 10, y + 33, f"loss {loss}", "muted", 13)
    picture.text(
        202, 246, "tokens to the loss in gray; the last two models are not GPT-2 any more", "muted", 13
    )
    picture.save(__file__)


if __name__ == "__main__":
    main()
