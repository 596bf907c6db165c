"""Platt scaling of both networks' log-odds on the development sets, so that 0.5 is the threshold to recommend."""

from pathlib import Path

import numpy as np
import torch

from .measure import SETS, by_video, figures, log_odds
from .network import Pair


def calibrate(out, name):
    """Prints the fusion, and what it gives."""
    line, sets = fit(out, name)
    print(f"{name}: Fusion {{ close: {line[0]:.3f}, near: {line[1]:.3f}, intercept: {line[2]:.3f} }}")
    for development, (x, label) in sets.items():
        print(f"  {development}: {figures(x @ line, label)}")


def fit(out, name):
    """The logistic regression in which each class of each set counts alike. There are five sets of bona fide and
    three of attacks: so much more a customer turned away costs than an attack that the next check may stop."""
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
    weights = np.concatenate([1 / np.where(label, label.sum(), (~label).sum()) for _, label in sets.values()])
    return logistic_regression(x, labels, weights), sets


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
