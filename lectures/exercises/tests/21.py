"""What an answer to exercise 21 must do."""

import math
from types import SimpleNamespace

CONFIG = SimpleNamespace(lr=6e-4, warmup_steps=10, steps=70)  # 60 steps of cosine


def share(answer, step, config=CONFIG):
    return answer.learning_rate(step, config) / config.lr


def close(found, expected):
    return math.isclose(found, expected, rel_tol=1e-6)


def test_first(answer):
    """The first step has a tenth of the peak with a warm-up of 10 steps, not 0."""
    assert close(share(answer, 0), 0.1), f"it has {share(answer, 0):.4f} of the peak"


def test_rise(answer):
    """The warm-up rises linearly and reaches the peak in its last step."""
    shares = [share(answer, step) for step in range(10)]
    assert all(close(found, (step + 1) / 10) for step, found in enumerate(shares)), f"shares {shares}"


def test_peak(answer):
    """The cosine begins at the peak."""
    assert close(share(answer, 10), 1), f"the first step after the warm-up has {share(answer, 10):.4f} of it"


def test_cosine(answer):
    """A third, half and two thirds down the cosine are 0.775, 0.55 and 0.325 of the peak."""
    found = [share(answer, step) for step in (30, 40, 50)]
    assert all(map(close, found, (0.775, 0.55, 0.325))), f"they are {[round(value, 4) for value in found]}"


def test_end(answer):
    """The end is a tenth of the peak, just not reached in the last step."""
    assert close(share(answer, 70), 0.1), f"step 70 of 70 would have {share(answer, 70):.4f} of the peak"
    assert 0.1 < share(answer, 69) < 0.101, f"the last step has {share(answer, 69):.5f} of the peak"


def test_no_warm_up(answer):
    """Without a warm-up the first step has the peak."""
    config = SimpleNamespace(lr=0.5, warmup_steps=0, steps=4)
    assert close(share(answer, 0, config), 1), "warmup_steps may be 0"
