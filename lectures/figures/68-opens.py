"""Draw 68-opens.svg: the files of a checkpoint, and which program reads which."""

from figure import Figure

WIDTH, HEIGHT = 720, 330
FILES = (  # name, size at step 20 of the laptop preset, new in this step
    ("model.safetensors", "2.5 MB", False),
    ("config.json", "503 bytes", False),
    ("tokenizer.json", "2.7 KB", True),
    ("tokenizer_config.json", "124 bytes", True),
    ("generation_config.json", "71 bytes", True),
    ("train_state.pt", "5.3 MB", False),
    ("manifest.json", "732 bytes", False),
)
READERS = (  # name, the files that it reads, height
    ("AutoModelForCausalLM", (0, 1), 60),
    ("AutoTokenizer", (1, 2, 3), 115),
    ("pipeline", (0, 1, 2, 3, 4), 170),
    ("train_gpt2.py --resume", (0, 1, 5, 6), 250),
)
TOP, STEP, LEFT, RIGHT = 34, 38, 20, 500


def draw():
    """The picture: files at the left, readers at the right, a line for each use."""
    picture = Figure(
        WIDTH, HEIGHT, "A pipeline of transformers reads five files of a checkpoint; three are new"
    )
    picture.text(LEFT, 20, "runs/laptop/step_000020", "muted", 14, mono=True)
    for _, used, y in READERS:
        new = any(FILES[number][2] for number in used)
        for number in used:
            middle = TOP + STEP * number + 15
            picture.line([(LEFT + 320, middle), (RIGHT, y)], "orange" if new else "line", 1.5)
    for number, (name, size, new) in enumerate(FILES):
        y = TOP + STEP * number
        picture.rect(
            LEFT,
            y,
            320,
            30,
            "orange" if new else "panel",
            0.16 if new else 1,
            border="orange" if new else "line",
        )
        picture.text(LEFT + 10, y + 20, name, size=14, mono=True)
        picture.text(LEFT + 310, y + 20, size, "muted", 13, "right")
    for name, _, y in READERS:
        picture.rect(RIGHT, y - 16, 200, 32, "blue", 0.16, border="blue")
        picture.text(RIGHT + 100, y + 5, name, size=14, align="center")
    picture.text(
        LEFT, HEIGHT - 10, "orange: new in this step, and what works now because of it", "orange", 14
    )
    return picture


if __name__ == "__main__":
    draw().save(__file__)
