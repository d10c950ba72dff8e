"""Draw 92-beside.svg: track.py reads the log that the training writes; nothing leads back."""

from figure import Figure


def main():
    picture = Figure(720, 230, "The training writes its log, and track.py copies it: no arrow leads back")
    picture.box(4, 80, 160, 60, "train_gpt2.py", "blue", "knows nothing else", 13, mono=True)
    picture.box(210, 80, 120, 60, "log.jsonl", "ink", "all numbers", 14, mono=True)
    picture.box(390, 80, 120, 60, "track.py", "green", "every 5 s", 14, mono=True)
    picture.arrow(164, 110, 206, 110)
    picture.arrow(330, 110, 386, 110)
    rows = (
        ("TensorBoard", "event files"),
        ("Trackio", "a database here"),
        ("Weights & Biases", "an offline run"),
    )
    for number, (name, note) in enumerate(rows):
        y = 15 + 75 * number
        picture.box(570, y, 140, 50, name, "orange", note, 14)
        picture.arrow(510, 110, 566, y + 25)
    picture.text(186, 70, "appends", "muted", 13, "center")
    picture.text(360, 70, "reads", "muted", 13, "center")
    picture.save(__file__)


if __name__ == "__main__":
    main()
