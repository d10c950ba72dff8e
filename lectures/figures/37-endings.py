"""Draw 37-endings.svg: a context, four endings and the mean loss of each per token.

The row is the second of the page's rows.jsonl; the losses are those of the page's model after 100 steps
(score.py), whose tokens are bytes: measured with step 37 on two CPU cores.
"""

from figure import Figure

ENDINGS = [  # words, mean loss in nats per byte
    ("PETRUCHIO: Not I, believe me: thus I'll visit", 3.2451),
    ("not your bride in these unreverent robes: Go", 2.5581),
    ("Marry, sir, with needle and", 2.6298),
    ("a torment I did free thee?", 2.5387),
]
LEFT, SCALE = 404, 52


def main():
    picture = Figure(
        640, 320, "One context, four endings: the answer is the ending with the lowest mean loss per token"
    )
    picture.text(16, 26, "Context", bold=True, size=15)
    picture.text(16, 50, "... PROSPERO: Dost thou forget From what", size=14)
    picture.text(16, 92, "Four endings", bold=True, size=15)
    picture.text(LEFT, 92, "Mean loss per token", bold=True, size=15)
    best = min(loss for _, loss in ENDINGS)
    for number, (words, loss) in enumerate(ENDINGS):
        y = 108 + 48 * number
        color = "green" if loss == best else "blue"
        picture.rect(16, y, 374, 34, color, 0.16, border=color, radius=6)
        picture.text(28, y + 22, f"{number}", color, bold=True)
        picture.text(46, y + 22, words)
        picture.rect(LEFT, y, SCALE * loss, 34, color, 0.85, radius=2)
        picture.text(LEFT + SCALE * loss + 8, y + 22, f"{loss:.2f}", color, 14, bold=True)
    picture.text(LEFT, 312, "the lowest: ending 3", "green", 14, bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
