"""Draw 78-split.svg: the share of each source that validates, for the folder of 40 files of page 78."""

from figure import Figure

SOURCES = (  # tokens to train and to validate, as page 78 shows them; what --val first takes, the last 57,323
    ("3 books", 96931, 10771, 0),
    ("8 jsonl files", 62469, 8483, 0),
    ("20 notes", 11480, 2388, 0),
    ("300 stories in a txt", 112752, 11030, 0),
    ("8 parquet files", 227800, 26678, 57323),
)


def draw():
    """The picture: for each source two bars, the share that validated before and the one now."""
    picture = Figure(720, 316, "Before, only the last source validated; now each gives about a tenth")
    left, scale = 190, 1900  # pixels per share of 1
    picture.line([(left + 0.1 * scale, 40), (left + 0.1 * scale, 290)], "muted", 1.5, "5 4")
    picture.text(left + 0.1 * scale, 30, "one tenth", "muted", 13, "center")
    for number, (name, train, val, old) in enumerate(SOURCES):
        y, total = 48 + 49 * number, train + val
        picture.text(left - 12, y + 24, name, size=14, align="right")
        for share, top, color, words in (
            (old / total, 0, "orange", "step 77"),
            (val / total, 18, "blue", "step 78"),
        ):
            picture.rect(left, y + top, max(share * scale, 1.5), 15, color, 0.75, radius=1)
            label = f"{share:.1%}" + (f"  {words}" if number == 0 else "")
            end = max(share, 0.1) if 0.05 < share < 0.1 else share  # not across the line of one tenth
            picture.text(left + end * scale + 8, y + top + 12, label, color, 13)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
