"""Draw 80-names.svg: twenty flags of nanoGPT and build-nanogpt, and what similar letters suggest for them."""

from figure import Figure

WIDTH, HEIGHT = 720, 236
GROUPS = (  # what the suggestion was, color, names; see page 80
    (
        "the right flag",
        "green",
        "max_steps max_lr warmup_iters eval_interval eval_iters dataset init_from out_dir num_samples",
    ),
    ("a wrong one", "orange", "max_iters block_size batch_size total_batch_size start max_new_tokens"),
    (
        "none",
        "line",
        "lr_decay_iters learning_rate gradient_accumulation_steps log_interval always_save_checkpoint",
    ),
)
LEFT, UNIT = 150, 60


def draw():
    """The picture: a bar per group, and two names of each."""
    title = "By similar letters, 9 of 20 flags lead to the right one, 6 to a wrong one, 5 to none"
    picture = Figure(WIDTH, HEIGHT, title)
    for number, (words, color, names) in enumerate(GROUPS):
        names, y = names.split(), 16 + 74 * number
        picture.text(LEFT - 14, y + 26, words, size=15, align="right", bold=True)
        picture.rect(LEFT, y, UNIT * len(names), 38, color, 0.6, radius=3)
        picture.text(
            LEFT + UNIT * len(names) - 10, y + 25, str(len(names)), size=16, align="right", bold=True
        )
        picture.text(LEFT, y + 56, ", ".join(names[:3]) + ", ...", "muted", 13, mono=True)
    return picture


if __name__ == "__main__":
    draw().save(__file__)
