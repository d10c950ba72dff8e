"""Draw 50-finetune.svg: the way from base weights to your text, with what stays and what changes."""

from figure import Figure


def main():
    picture = Figure(
        720,
        312,
        "Fine-tuning keeps the tokenizer and the shape of the model, and moves the values of its weights",
    )
    picture.box(16, 24, 168, 64, "base weights", "green", "trained on a large text", size=16)
    picture.arrow(188, 56, 246, 56)
    picture.box(250, 24, 220, 64, "100 steps on your text", "blue", "low learning rate, dropout", size=16)
    picture.arrow(474, 56, 532, 56)
    picture.box(536, 24, 168, 64, "your weights", "orange", "same shape, new values", size=16)
    columns = [
        (16, "green", "stays", ["the tokenizer", "the vocabulary", "layers, heads, width"]),
        (250, "blue", "may shrink", ["the context: at most", "that of the base weights"]),
        (
            484,
            "orange",
            "changes",
            ["every weight, a little", "per step; with it, some", "of the first text is lost"],
        ),
    ]
    for x, color, title, lines in columns:
        picture.rect(x, 122, 220, 132, color, 0.1, border=color, radius=6)
        picture.text(x + 14, 150, title, color, 17, bold=True)
        for number, words in enumerate(lines):
            picture.text(x + 14, 180 + 24 * number, words, size=15)
    picture.text(
        16,
        290,
        "Your data need the tokenizer of the base weights: token 318 must mean the same to both.",
        size=15,
    )
    picture.save(__file__)


if __name__ == "__main__":
    main()
