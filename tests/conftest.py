"""How the tests run: on one thread, and all of them together in three processes, the longest files first."""

import os

import pytest

# PyTorch reads these when it is imported.
os.environ["OMP_NUM_THREADS"] = "1"  # in small models more threads only wait
os.environ["TORCHINDUCTOR_VEC_ISA_OK"] = "0"  # torch.compile takes seconds to try vector instructions

LONGEST = [f"test_{name}.py" for name in "program resume fuzz ranks nodes steps fineweb plan".split()]


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Run the whole suite in three processes if pytest-xdist is installed; -n 0 runs it in one."""
    option, is_worker = config.option, hasattr(config, "workerinput")
    whole = config.args_source == config.ArgsSource.TESTPATHS and not option.keyword
    quiet = not option.usepdb and option.capture != "no"  # a worker has no terminal
    if whole and quiet and not is_worker and config.pluginmanager.hasplugin("xdist"):
        if option.numprocesses is None and (os.cpu_count() or 1) > 1:
            option.numprocesses, option.dist = 3, "loadfile"  # of two cores: some tests wait
            option.loadscopereorder = False  # the order is that of pytest_collection_modifyitems


def pytest_collection_modifyitems(items):
    """Put the longest files first, so that all processes end at about the same time."""
    order = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))
