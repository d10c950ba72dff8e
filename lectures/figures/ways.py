"""Draws ways.svg: the way of a token from text to samples, and of a flag to its use, with their files."""

from figure import Figure

TOKEN = [  # what happens, file
    ("text", "your files, FineWeb-Edu"),
    ("make shards", "documents.py, fineweb.py"),
    ("read windows", "data.py"),
    ("batch of a step", "train_gpt2.py"),
    ("GPT, loss", "train_gpt2.py"),
    ("AdamW, Muon", "train_gpt2.py, muon.py"),
    ("checkpoint, log", "runs.py, weights.py"),
    ("samples, scores", "sampling.py, hellaswag.py"),
]
FLAG = [
    ("command line", "--lr 1e-3"),
    ("type and limits", "config.py"),
    ("fits data, weights, ranks?", "config.py, machine.py"),
    ("prepare()", "train_gpt2.py"),
    ("train()", "train_gpt2.py"),
]
LEFT, RIGHT, WIDTH, HEIGHT, STEP = 20, 400, 300, 48, 66


def lane(picture, x, title, stops, spread):
    """Draw boxes below each other, joined by arrows."""
    picture.text(x, 26, title, size=15, bold=True)
    for number, (words, file) in enumerate(stops):
        y = 44 + number * spread
        color = "blue" if "train_gpt2" in file else "green" if ".py" in file else "muted"
        picture.box(x, y, WIDTH, HEIGHT, words, color, note=file)
        if number:
            picture.arrow(x + WIDTH / 2, y - spread + HEIGHT + 2, x + WIDTH / 2, y - 2)


def draw():
    picture = Figure(
        720, 572, "A token passes each file once on its way from text to samples; so does a flag"
    )
    lane(picture, LEFT, "a token", TOKEN, STEP)
    lane(picture, RIGHT, "a flag", FLAG, STEP)
    y = 44 + 5 * STEP
    picture.text(RIGHT, y + 18, "Beside both ways:", bold=True)
    for number, (file, topic) in enumerate(
        [
            ("errors.py", "how each program ends"),
            ("files.py", "files that are whole, JSON, locks"),
            ("curve.py", "draws logs over a reference"),
            ("plan.py", "memory, hours, dollars"),
            ("bench.py", "measures what we report"),
        ]
    ):
        picture.text(RIGHT, y + 48 + 26 * number, file, "green", 14, mono=True)
        picture.text(RIGHT + 96, y + 48 + 26 * number, topic, "muted", 14)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
