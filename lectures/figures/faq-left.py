"""Draw faq-left.svg: the time that a resumed run says is left, with one mean and with two.

Steps take 3 seconds, the first one 60, and what is due every 250 steps takes 120 seconds. The run has 19,073
steps and is resumed after 16,999.
"""

from figure import Figure

FIRST, LAST, EVERY, STEP, PAUSE = 17_000, 19_073, 250, 3, 120


def estimates():
    """For each step but the first: hours left by the mean of all time, by the two means, and in truth."""
    rows, now, pauses = [], 0, 0
    ends = [step for step in range(FIRST, LAST + 1) if step % EVERY == 0 or step == LAST]
    for step in range(FIRST, LAST + 1):
        if step > FIRST:
            now += STEP
            to_come = sum(end >= step for end in ends)
            one = now / (step - FIRST) * (LAST - step)
            two = (LAST - step) * STEP + to_come * PAUSE
            rows.append((step - FIRST, one / 3600, two / 3600))
        if step in ends:
            now, pauses = now + PAUSE, pauses + 1
    return rows


def main():
    rows = estimates()
    picture = Figure(720, 340, "One mean says three days for two hours; two means are right from the start")
    ticks = [(1, "1 h"), (2, "2 h"), (10, "10 h"), (24, "1 day"), (72, "3 days")]
    place = (70, 40, 540, 240, (1, 2000), (0.8, 100))
    steps = [1, 10, 100, 1000]
    at = picture.axes(
        *place, "steps since the run was resumed", "time left", steps, ticks, xlog=True, ylog=True
    )
    rows = [row for row in rows if row[0] <= 1300]
    picture.line([at(step, one) for step, one, _ in rows], "orange", 2.4)
    picture.line([at(step, two) for step, _, two in rows], "blue", 2.8)
    x, y = at(4.2, 38)
    picture.text(x, y, "one mean, for all that happens", "orange", 14, bold=True)
    x, y = at(1.3, rows[0][2])
    picture.text(x, y + 24, "a mean for steps, and one for pauses", "blue", 14, bold=True)
    picture.save(__file__)


if __name__ == "__main__":
    main()
