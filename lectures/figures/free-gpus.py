"""Draw free-gpus.svg: what colab.ipynb asks its machine, and what it takes in each case."""

from figure import Figure

ROWS = (  # question, if yes, if not
    ("a GPU?", "10.8 million parameters", "636,160 parameters"),
    ("two GPUs?", "one process for each", "two on the CPU, or none"),
    ("the hub?", "OpenAI's GPT-2", "the model just trained"),
    ("Google Drive?", "runs are kept there", "runs/notebook"),
    ("a text of yours?", "my.txt", "this repository's code"),
)


def draw():
    """The picture: a row for each question."""
    picture = Figure(680, 320, "Each cell asks for what it needs, and takes something smaller without it")
    picture.text(300, 30, "yes", "blue", 14, "center", bold=True)
    picture.text(550, 30, "no", "orange", 14, "center", bold=True)
    for number, (question, yes, no) in enumerate(ROWS):
        y = 44 + 54 * number
        picture.text(16, y + 26, question, size=14, bold=True)
        picture.box(190, y, 220, 42, yes, color="blue")
        picture.box(440, y, 220, 42, no, color="orange")
    return picture


if __name__ == "__main__":
    draw().save(__file__)
