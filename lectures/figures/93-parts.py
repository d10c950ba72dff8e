"""Draw 93-parts.svg: what goes from a run to the hub, and what stays."""

from figure import Figure


def main():
    picture = Figure(
        720, 340, "Weights, tokenizer, curve and a cleaned log go to the hub; the optimizer's state stays"
    )
    picture.text(10, 24, "runs/laptop/step_002000", "ink", 14, mono=True)
    picture.text(470, 24, "you/your-gpt2", "ink", 14, mono=True)
    rows = [
        ("tokenizer.json, config.json", "blue", "as they are"),
        ("model.safetensors", "blue", "as it is"),
        ("train_state.pt, manifest.json", "muted", "stays"),
        ("../log.jsonl", "blue", "without folders of this computer"),
        ("../curve.png", "blue", "drawn again"),
        ("all of these", "green", "README.md, the card"),
    ]
    for number, (name, color, note) in enumerate(rows):
        y = 40 + 49 * number
        picture.box(10, y, 270, 38, name, color, size=14, mono=number < 5)
        if note == "stays":
            picture.text(300, y + 24, "stays on this computer", "muted", 14)
        else:
            picture.arrow(280, y + 19, 466, y + 19, color)
            picture.box(470, y, 240, 38, note, color, size=14)
    picture.save(__file__)


if __name__ == "__main__":
    main()
