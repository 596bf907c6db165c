"""Platt scaling of the sum of both networks' log-odds on the development sets, so that 0.5 is the threshold to recommend."""

from pathlib import Path

import numpy as np
import torch

from .measure import SETS, by_video, figures, log_odds
from .network import Pair
from .train import CLOSE_SHARE

# How much a bona fide set counts beside a set of attacks.
BONA_FIDE_WEIGHT = 2.25


def calibrate(out, name):
    """Prints the fusion, and what it gives."""
    line, sets = fit(out, name)
    print(f"{name}: Fusion {{ close: {line[0]:.3f}, near: {line[1]:.3f}, intercept: {line[2]:.3f} }}")
    for development, (x, label) in sets.items():
        print(f"  {development}: {figures(x @ line, label)}")


def fit(out, name):
    """[close, near, intercept]. Both networks count as they did in training; slope and intercept are the logistic
    regression in which each class of each set counts alike, but bona fide 2.25 times: the threshold then keeps APCER and
    BPCER of all sets in the bounds that we set."""
    pair = Pair()
    pair.load_state_dict(torch.load(Path(out) / f"{name}.pt"))
    sets = {}
    for development in SETS:
        data = np.load(Path(out) / f"dev-{development}.npz")
        said = log_odds(pair, data["close"], data["near"])
        close, label = by_video(said[:, 0], data["video"], data["label"])
        near, _ = by_video(said[:, 1], data["video"], data["label"])
        sets[development] = np.c_[close, near, np.ones(len(label))], label
    shares = np.array([CLOSE_SHARE, 1 - CLOSE_SHARE])
    x, labels = (np.concatenate(parts) for parts in zip(*sets.values()))
    weights = [np.where(label, 1 / max(1, label.sum()), BONA_FIDE_WEIGHT / (~label).sum()) for _, label in sets.values()]
    slope, intercept = logistic_regression(np.c_[x[:, :2] @ shares, x[:, 2]], labels, np.concatenate(weights))
    return np.array([*(slope * shares), intercept]), sets


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
