"""Profile some steps of a run: where their time goes, and a trace of every call."""

import os

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, schedule

from config import WARM_UP
from errors import one_line, warn

DEVICES = {"cuda": ProfilerActivity.CUDA, "xpu": ProfilerActivity.XPU}
PYTHON = "(Python, between operators)"


def profile_steps(count, machine, folder):
    """Return a hook for train that profiles `count` steps on rank 0, after WARM_UP others."""

    def work():
        os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # it would print that it starts and stops
        activities = {ProfilerActivity.CPU, DEVICES.get(machine.device.type, ProfilerActivity.CPU)}
        phases = schedule(wait=WARM_UP - 2, warmup=1, active=count, repeat=1)  # one step is over already
        with torch.profiler.profile(activities=activities, schedule=phases, record_shapes=True) as profile:
            for _ in range(WARM_UP - 1 + count):
                yield
                profile.step()
        print_table(profile.key_averages(), count)
        path = folder / "trace.json.gz"
        try:
            profile.export_chrome_trace(str(path))
            print(f"{path} has every call (open it in https://ui.perfetto.dev)")
        except Exception as error:  # a full disk does not end the run
            warn(f"cannot write {path}: {one_line(error)}")

    worker = work() if machine.rank == 0 else iter(())
    return lambda step, loss, model: next(worker, None)


def print_table(events, count):
    """Print where the time of `count` steps went: the ten operators, or kernels of a GPU, that took most.

    events are the averages of a profile. An operator's time is without that of the operators it calls.
    """
    whole = sum(event.cpu_time_total for event in events if event.key.startswith("ProfilerStep"))
    kernels = [event for event in events if event.device_type != DeviceType.CPU]
    rows = {}  # name: microseconds, calls
    for event in kernels or events:
        python = event.is_user_annotation  # a step, or the optimizer's: what is in no operator
        if not (kernels and python):
            name, time = PYTHON if python else event.key, event.self_cpu_time_total
            time = event.self_device_time_total if kernels else time
            before = rows.get(name, (0, 0))
            rows[name] = before[0] + time, before[1] + (0 if python else event.count)
    ordered = sorted(rows.items(), key=lambda row: -row[1][0])
    most, others = ordered[:10], ordered[10:]
    if others:
        sums = [sum(values[part] for _, values in others) for part in (0, 1)]
        most.append((f"({len(others)} others)", sums))
    print(f"profile of {count} steps, {whole / count / 1000:,.1f} ms each:")
    print(f"{'ms/step':>12}{'share':>9}{'calls/step':>12}  {'kernel' if kernels else 'operator'}")
    for name, (time, calls) in most:
        milliseconds, share = time / count / 1000, time / max(whole, 1)
        print(f"{milliseconds:12,.2f}{share:9.1%}{calls / count:12,.0f}  {name[:64]}")
