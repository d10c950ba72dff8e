"""Show on a terminal what takes longer than DELAY seconds. Nothing appears in a pipe, or on other ranks."""

import contextlib
import os
import sys
import threading

from tqdm import tqdm

DELAY = 5


def is_hidden():
    """Return whether nobody looks: stderr is not a terminal, or this is not rank 0."""
    return os.environ.get("RANK", "0") != "0" or not sys.stderr.isatty()


def show_progress(items, name):
    """Yield the items of a sequence; a bar with a name shows how many are done, and goes away at the end."""
    return tqdm(items, name, disable=is_hidden(), delay=DELAY, leave=False, unit="batch")


@contextlib.contextmanager
def show_wait(text):
    """Print a line if the block takes longer than DELAY. It can decorate a function, too."""
    timer = threading.Timer(DELAY, print, [f"{text} ..."], dict(file=sys.stderr, flush=True))
    timer.daemon = True  # it must not keep a program that is interrupted
    if not is_hidden():
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
