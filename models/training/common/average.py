"""The mean of the weights of several runs with a common start.

It generalises better than any single run (Wortsman et al., "Model soups", 2022).
"""

from pathlib import Path

import torch


def average(out, names, target):
    """Writes OUT/TARGET.pt, the mean of OUT/NAME.pt over all names."""
    runs = [torch.load(Path(out) / f"{name}.pt") for name in names]
    mean = lambda key: sum(run[key] for run in runs) / len(runs)
    weights = {
        key: mean(key) if value.dtype.is_floating_point else value for key, value in runs[0].items()
    }
    torch.save(weights, Path(out) / f"{target}.pt")
