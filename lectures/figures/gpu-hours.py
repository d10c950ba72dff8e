"""Draw gpu-hours.svg: the hours to the loss of OpenAI's GPT-2, as plan.py estimates them."""

from figure import Figure

HOURS = (  # GPU, memory in GB, hours at 40 % of the peak for 3.54 billion tokens
    ("RTX 3060", 12, 84.1),
    ("T4", 16, 32.3),
    ("A10G", 24, 30.0),
    ("RTX 3090", 24, 29.6),
    ("L4", 24, 17.4),
    ("RTX 4090", 24, 12.7),
    ("A100", 80, 6.7),
    ("H100", 80, 2.1),
)


def draw():
    """The picture: a bar for each GPU."""
    picture = Figure(680, 320, "Hours of one GPU until GPT-2 (124M) is as good as OpenAI's, estimated")
    left, scale = 170, 5.2  # pixels per hour
    for number, (name, memory, hours) in enumerate(HOURS):
        y = 20 + 36 * number
        picture.text(left - 12, y + 17, f"{name}, {memory} GB", size=14, align="right")
        picture.rect(left, y, hours * scale, 24, "orange" if name == "T4" else "blue", 0.75, radius=2)
        words = f"{hours:g} h" + (", free on Colab and Kaggle" if name == "T4" else "")
        picture.text(left + hours * scale + 8, y + 17, words, "ink", 14)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
