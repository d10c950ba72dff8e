"""Draw 66-mark.svg: what a log says about a run, and what --resume does with it, at steps 64 and 66."""

from figure import Figure

ROWS = [  # events in the log, what step 64 does, what step 66 does
    (["start", "save", "diverged"], "refuses", "refuses"),
    (["start", "diverged"], "starts again", "refuses"),
    (["save", "diverged", "(refused)"], "the mark is gone", "refuses"),
    (["diverged", "resume", "save"], "resumes", "resumes"),
]


def main():
    picture = Figure(
        720, 300, "A mark counts without a checkpoint, and only a run that really continues takes it away"
    )
    for x, words in [(16, "events in log.jsonl"), (420, "--resume at step 64"), (572, "at step 66")]:
        picture.text(x, 28, words, "muted", 14)
    for number, (events, before, after) in enumerate(ROWS):
        y = 44 + number * 62
        for place, event in enumerate(events):
            color = "orange" if event == "diverged" else "blue"
            picture.box(16 + place * 130, y, 112, 44, event, color, "", 14, mono=event[0] != "(")
            if place:
                picture.arrow(130 + (place - 1) * 130, y + 22, 144 + (place - 1) * 130, y + 22)
        wrong = before != after
        picture.text(420, y + 27, before, "orange" if wrong else "ink", 15, bold=wrong)
        picture.text(572, y + 27, after, "green" if wrong else "ink", 15, bold=wrong)
    picture.save(__file__)


if __name__ == "__main__":
    main()
