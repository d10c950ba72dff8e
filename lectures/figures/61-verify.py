"""Draw 61-verify.svg: the folder of a run, and what is verified before anything in it is used."""

from figure import Figure

CHECKS = [  # what is verified, how, and what happens if it fails
    ("manifest", "size and sha256 of each file", "take the next older checkpoint", "blue"),
    ("values", "step, settings, data", "refuse", "blue"),
    ("weights", "names, shapes, float types", "refuse", "blue"),
    ("lock", "no other process has the folder", "refuse", "green"),
    ("optimizer", "moments, tensor by tensor", "refuse", "blue"),
]
FILES = [("config.json", "sizes of the model"), ("model.safetensors", "weights")]
FILES += [("train_state.pt", "step, settings, moments")]


def main():
    picture = Figure(
        720, 430, "A manifest, then values, weights, the lock and the optimizer are verified in turn"
    )
    picture.rect(14, 40, 300, 376, "green", 0.1, "green", 8)
    picture.text(14, 26, "the folder of a run", "muted", 14)
    picture.text(30, 68, "runs/b/", mono=True, bold=True)
    picture.box(30, 82, 268, 40, ".lock", "green", "", 15, mono=True, strength=0.2)
    picture.rect(30, 136, 268, 266, "panel", border="line", radius=8)
    picture.text(44, 162, "step_000004/", mono=True, bold=True)
    picture.box(44, 174, 240, 46, "manifest.json", "orange", "size and sha256 of the three", 14, mono=False)
    for number, (name, note) in enumerate(FILES):
        y = 236 + number * 54
        picture.box(44, y, 240, 46, name, "blue", note, 14)
    picture.text(352, 26, "verified in this order", "muted", 14)
    picture.text(704, 26, "if it fails", "muted", 14, "right")
    for number, (name, what, failure, color) in enumerate(CHECKS):
        y = 40 + number * 66
        picture.box(352, y, 352, 52, color=color)
        picture.text(366, y + 22, f"{number + 1}  {name}", size=15, bold=True)
        picture.text(366, y + 42, what, "muted", 14)
        picture.text(692, y + 22, failure, "orange", 14, "right")
        picture.arrow(380, y + 53, 380, y + 65)
    picture.text(366, 388, "the first step of training", size=15, bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
