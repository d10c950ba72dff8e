"""Draw 44-sample.svg: the checkpoint itself names its tokenizer, so a prompt is all that --sample needs."""

from figure import Figure


def main():
    picture = Figure(
        720, 296, "The checkpoint brings tokenizer, sizes and weights: a prompt is all that sampling needs"
    )
    picture.box(14, 66, 118, 56, "“ROMEO:”", "orange", "the prompt")
    picture.box(186, 66, 118, 56, "tokenizer", "blue")
    picture.box(400, 66, 118, 56, "GPT", "blue")
    picture.box(588, 66, 118, 56, "draw", "green", "softmax(z / τ)")
    picture.arrow(134, 94, 184, 94)
    picture.arrow(306, 94, 398, 94)
    picture.text(352, 84, "82 79 77", "muted", 13, "center", mono=True)
    picture.text(352, 114, "69 79 58", "muted", 13, "center", mono=True)
    picture.arrow(520, 94, 586, 94)
    picture.text(553, 84, "z", "muted", 15, "center")
    picture.line([(647, 64), (647, 34), (459, 34), (459, 54)], "muted")
    picture.arrow(459, 50, 459, 64)
    picture.text(553, 26, "append the new token, repeat", "muted", 13, "center")

    picture.rect(160, 176, 384, 106, "panel", border="line", radius=8)
    picture.text(352, 272, "step_000300/", "muted", 14, "center", mono=True)
    picture.box(176, 192, 138, 58, "config.json", "blue", "tokenizer, sizes")
    picture.box(366, 192, 162, 58, "model.safetensors", "blue", "weights")
    picture.arrow(245, 190, 245, 124, "blue")
    picture.arrow(459, 190, 459, 124, "blue")
    picture.arrow(314, 192, 402, 124, "blue")
    picture.save(__file__)


if __name__ == "__main__":
    main()
