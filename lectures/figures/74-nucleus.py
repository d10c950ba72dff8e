"""Draw 74-nucleus.svg: the nucleus of a sure and of an unsure prediction, beside a fixed k."""

from figure import Figure

TOP_P, TOP_K = 0.8, 4
SURE = [0.72, 0.14, 0.05, 0.03, 0.02, 0.015, 0.01, 0.008, 0.005, 0.002]
UNSURE = [0.16, 0.14, 0.13, 0.12, 0.11, 0.10, 0.08, 0.07, 0.05, 0.04]


def chart(picture, left, title, probabilities):
    """Draw bars, the likeliest first: those in the nucleus are blue."""
    picture.text(left, 34, title, size=15, bold=True)
    total, kept = 0.0, 0
    for number, probability in enumerate(probabilities):
        inside = total < TOP_P
        kept += inside
        total += probability
        height = 200 * probability
        x = left + number * 27
        picture.rect(x, 216 - height, 21, height, "blue" if inside else "line", radius=2)
    picture.line([(left - 4, 216), (left + 270, 216)], "muted")
    width = kept * 27 - 6
    picture.line([(left, 226), (left + width, 226)], "blue", 3)
    words = f"top-p {TOP_P}: {kept} tokens"
    picture.text(left, 246, words, "blue", 14, bold=True)
    picture.line([(left, 258), (left + TOP_K * 27 - 6, 258)], "orange", 3)
    picture.text(
        left, 278, f"top-k {TOP_K}: {TOP_K} tokens, {sum(probabilities[:TOP_K]):.0%}", "orange", 14, bold=True
    )


def main():
    picture = Figure(640, 296, "The nucleus is small where the model is sure, and large where it is not")
    chart(picture, 30, "the model is sure", SURE)
    chart(picture, 350, "the model is not sure", UNSURE)
    picture.save(__file__)


if __name__ == "__main__":
    main()
