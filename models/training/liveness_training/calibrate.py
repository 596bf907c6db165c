"""Platt scaling of the weighted log-odds of both networks, so that the threshold is 0.5."""

from pathlib import Path

import numpy as np
import torch

from common import bundle

from .measure import SETS, by_video, figures, log_odds
from .network import Pair
from .train import TIGHT_SHARE

# The weight of bona fide presentations; attacks count once.
BONA_FIDE_WEIGHT = 2.25


def calibrate(out, name, target=None):
    """Prints the fusion and the resulting error rates, and writes it into TARGET/model.json."""
    line, sets = fit(out, name)
    fusion = dict(zip(("tight", "context", "intercept"), line))
    print(f"{name}:", ", ".join(f"{part} {value:.3f}" for part, value in fusion.items()))
    if target:
        bundle.set_fusion(Path(target), fusion)
    for development, (x, label) in sets.items():
        print(f"  {development}: {figures(x @ line, label)}")


def fit(out, name):
    """Fits [tight, context, intercept] on the development sets.

    The ratio of the two networks is that of the training. Slope and intercept are a logistic
    regression in which each class of each set has the same weight, bona fide times 2.25: at that
    weight APCER and BPCER of all sets stay within the project's limits.
    """
    pair = Pair()
    pair.load_state_dict(torch.load(Path(out) / f"{name}.pt"))
    sets = {}
    for development in SETS:
        data = np.load(Path(out) / f"dev-{development}.npz")
        said = log_odds(pair, data["tight"], data["context"])
        tight, label = by_video(said[:, 0], data["video"], data["label"])
        context, _ = by_video(said[:, 1], data["video"], data["label"])
        sets[development] = np.c_[tight, context, np.ones(len(label))], label
    shares = np.array([TIGHT_SHARE, 1 - TIGHT_SHARE])
    x, labels = (np.concatenate(parts) for parts in zip(*sets.values()))
    weights = [
        np.where(label, 1 / max(1, label.sum()), BONA_FIDE_WEIGHT / (~label).sum())
        for _, label in sets.values()
    ]
    slope, intercept = logistic_regression(
        np.c_[x[:, :2] @ shares, x[:, 2]], labels, np.concatenate(weights)
    )
    return np.array([*(slope * shares), intercept]), sets


def logistic_regression(x, labels, weights, ridge=1e-6):
    """Newton's method, starting from zero."""
    line = np.zeros(x.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ line, -30, 30)))
        gradient = x.T @ (weights * (p - labels)) + ridge * line
        curvature = (x * (weights * p * (1 - p))[:, None]).T @ x + ridge * np.eye(len(line))
        step = np.linalg.solve(curvature, gradient)
        line = line - step
        if abs(step).max() < 1e-9:
            break
    return line
