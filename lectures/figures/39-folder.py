"""Draw 39-folder.svg: a checkpoint is a folder of two files, which transformers and our GPT both open."""

from figure import Figure


def main():
    picture = Figure(720, 262, "A checkpoint is a folder with two files, and two programs open it")
    picture.text(20, 30, "in memory", "muted")
    picture.text(252, 30, "on the disk", "muted")
    picture.text(530, 30, "opened by", "muted")

    picture.box(20, 86, 150, 104, color="orange")
    picture.text(95, 118, "GPT", align="center", bold=True, size=16)
    picture.text(95, 144, "wte: 384 rows", "muted", 13, "center")
    picture.text(95, 166, "matrices (out, in)", "muted", 13, "center")

    picture.arrow(172, 138, 250, 138)
    picture.text(210, 128, "save", "muted", 13, "center")

    picture.rect(252, 42, 216, 200, "panel", border="line", radius=8)
    picture.text(268, 68, "step_000100/", mono=True, bold=True)
    picture.box(268, 82, 184, 62, "config.json", "blue", "sizes, tokenizer")
    picture.box(268, 160, 184, 62, "model.safetensors", "blue", "wte: 257 rows, (in, out)")

    for y, reader, lines in (
        (50, "transformers", ("wte: 257 rows", "matrices (in, out)")),
        (152, "GPT.from_pretrained", ("wte: 384 rows", "matrices (out, in)")),
    ):
        picture.box(530, y, 170, 84, color="green")
        picture.text(615, y + 26, reader, align="center", bold=True)
        picture.text(615, y + 48, lines[0], "muted", 13, "center")
        picture.text(615, y + 68, lines[1], "muted", 13, "center")
    picture.arrow(470, 118, 528, 96)
    picture.arrow(470, 168, 528, 190)
    picture.save(__file__)


if __name__ == "__main__":
    main()
