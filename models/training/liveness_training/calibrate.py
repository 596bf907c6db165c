"""Platt scaling of the weighted log-odds of both networks, so that the threshold is 0.5."""

from pathlib import Path

import numpy as np

from common import bundle

from .measure import by_video, development, figures, log_odds
from .network import load

# The weight of the near network; Silent-Face weighs both the same.
NEAR_SHARE = 0.5
# The weight of bona fide presentations; attacks count once. At 2, BPCER at 0.5 is at most 5 % on
# each set that is fitted.
BONA_FIDE_WEIGHT = 2.0
# CASIA-FASD is measured and not fitted: no choice is based on it.
FITTED = ("replay", "nuaa", "celeba", "caltech", "ytf")


def calibrate(out, near, far, target=None, near_share=NEAR_SHARE, bona_fide=BONA_FIDE_WEIGHT):
    """Prints the fusion and the resulting error rates, and writes it into TARGET/model.json."""
    line, sets = fit(out, near, far, near_share, bona_fide)
    fusion = dict(zip(("near", "far", "intercept"), line))
    print(f"{near}, {far}:", ", ".join(f"{part} {value:.3f}" for part, value in fusion.items()))
    if target:
        bundle.set_fusion(Path(target), fusion)
    for name, (x, label) in sets.items():
        print(f"  {name}: {figures(x @ line, label)}")


def fit(out, near, far, near_share, bona_fide):
    """Fits [near, far, intercept] on the development sets.

    The ratio of the networks is given. Slope and intercept are a logistic regression in which each
    class of each set has the same weight, bona fide times `bona_fide`.
    """
    networks = {"near": load(out, near, "near"), "far": load(out, far, "far")}
    sets = {}
    for name, data in development(out).items():
        columns = []
        for part, network in networks.items():
            scores, label = by_video(log_odds(network, data[part]), data["video"], data["label"])
            columns.append(scores)
        sets[name] = np.c_[*columns, np.ones(len(label))], label
    shares = np.array([near_share, 1 - near_share])
    fitted = [sets[name] for name in FITTED if name in sets]
    x, labels = (np.concatenate(parts) for parts in zip(*fitted))
    weights = [
        np.where(label, 1 / max(1, label.sum()), bona_fide / (~label).sum()) for _, label in fitted
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
