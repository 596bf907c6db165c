"""Platt scaling of both networks' log-odds on the development sets, so that 0.5 is the threshold to recommend."""

from pathlib import Path

import numpy as np
import torch

from .measure import SETS, by_video, eer, log_odds
from .network import Pair

# A customer turned away costs more than an attack that the next check may stop. So much more is what the project asks
# of the threshold: three errors in twenty attacks, one in twenty customers.
BONA_FIDE_COST = 1.5


def calibrate(out, name):
    """Prints the logistic regression in which each set, and in it each class but for the cost, counts alike."""
    pair = Pair()
    pair.load_state_dict(torch.load(Path(out) / f"{name}.pt"))
    sets = {}
    for development in SETS:
        data = np.load(Path(out) / f"dev-{development}.npz")
        said = log_odds(pair, data["close"], data["near"])
        close, label = by_video(said[:, 0], data["video"], data["label"])
        near, _ = by_video(said[:, 1], data["video"], data["label"])
        sets[development] = np.c_[close, near, np.ones(len(label))], label
    x, labels = (np.concatenate(parts) for parts in zip(*sets.values()))
    weigh = lambda label: np.where(label, 1 / label.sum(), BONA_FIDE_COST / (~label).sum())
    weights = np.concatenate([weigh(label) for _, label in sets.values()])
    line = logistic_regression(x, labels, weights)
    print(f"{name}: Fusion {{ close: {line[0]:.3f}, near: {line[1]:.3f}, intercept: {line[2]:.3f} }}")
    for development, (x, label) in sets.items():
        said = x @ line
        apcer, bpcer = (said[label] < 0).mean(), (said[~label] >= 0).mean()
        figures = f"APCER {100 * apcer:.1f} %, BPCER {100 * bpcer:.1f} % at 0.5"
        print(f"  {development}: EER {100 * eer(said, label):.1f} %, {figures}")


def logistic_regression(x, labels, weights, ridge=1e-6):
    """Newton's method, from the place where nothing is known."""
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
