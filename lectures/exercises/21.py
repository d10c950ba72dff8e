"""Exercise 21: warm up, then follow a cosine down. It goes with lectures/21-schedule.md.

Write the body, then run

    python lectures/steps.py grade 21

"""


def learning_rate(step: int, config) -> float:
    """Return the learning rate of a step (from 0).

    The first config.warmup_steps steps rise linearly: step 0 takes config.lr / config.warmup_steps, and the
    last of them takes config.lr. The others, up to config.steps, follow half a cosine from config.lr down to
    a tenth of it. The tenth itself would come in step config.steps, one step after the last.
    """
    raise NotImplementedError
