"""Several runs on a device, within a time limit."""

import multiprocessing
import time
import traceback
from pathlib import Path

import torch

from .crop import SCALES
from .packs import Packed
from .train import configuration, train

# Seconds that a run needs beside its training: to start, and to measure at its end.
SPARE = 4.0


def jobs(plan, names=None):
    """The part and the run of each name, PART-RUN, in the order of the configuration."""
    every = [(part, run["name"]) for run in plan["runs"] for part in run.get("parts", [*SCALES])]
    known = {f"{part}-{name}": (part, name) for part, name in every}
    return [known[name] for name in names] if names else every


def run_all(out, packs, plan, names, teachers, seconds, at_once=1):
    """Trains the named runs on the packs' regions, in turn; or the runs of up to `at_once` parts
    side by side, a process each, because a run may continue another one of its part."""
    deadline = time.monotonic() + seconds
    parts = {}
    for part, name in jobs(plan, names):
        parts.setdefault(part, []).append((part, name))
    groups = [sum([*parts.values()][i::at_once], []) for i in range(min(at_once, len(parts)))]
    if at_once == 1:
        return work(out, packs, plan, jobs(plan, names), teachers, deadline)
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=work, args=(out, packs, plan, group, teachers, deadline))
        for group in groups
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        if worker.exitcode:
            raise SystemExit(worker.exitcode)


def work(out, packs, plan, group, teachers, deadline):
    """Every run gets its `minutes`, or its share of the time that is left."""
    torch.backends.cudnn.benchmark = True
    begun = time.monotonic()
    configs = [configuration(plan, part, name) for part, name in group]
    regions, failed = Packed(packs, plan["device"]), []
    print(f"{len(regions.sizes)} regions after {time.monotonic() - begun:.0f} s", flush=True)
    for i, (config, (part, name)) in enumerate(zip(configs, group)):
        wanted = [60 * later["minutes"] for later in configs[i:]]
        left = deadline - time.monotonic() - SPARE * len(wanted)
        if left <= 0:
            print(f"no time for {part}-{name}", flush=True)
            continue
        share = min(wanted[0], left * wanted[0] / sum(wanted))
        try:
            train(out, config, f"{part}-{name}", teachers, regions, share)
        except (RuntimeError, OSError):
            # The rest can still use the time.
            traceback.print_exc()
            failed.append(f"{part}-{name}")
    size = sum(path.stat().st_size for path in Path(out).glob("*.pt")) / 2**20
    print(f"{time.monotonic() - begun:.0f} s; weights: {size:.1f} MiB", flush=True)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")
