"""Fits the motion parameters of rgb-burst-v1.

A logistic regression on motion alone, on the training clients of Replay-Attack, so that no
development set is used for it. The score of the frames is left out: the single-frame model makes no
error on clients that it was trained on, and would leave nothing for motion to explain.
"""

import csv

import numpy as np

from .calibrate import logistic_regression


def fit(scores):
    """Prints the burst parameters, from the `scores.csv` of `evaluate --model motion`."""
    videos = {}
    with open(scores, newline="") as handle:
        for row in csv.DictReader(handle):
            if row["model"] == "motion" and row["spoof_score"]:
                score = float(row["spoof_score"])
                videos[row["video"]] = np.log(1 - score) - np.log(score), row["label"] != "live"
    motion, labels = map(np.array, zip(*videos.values()))
    weights = np.where(labels, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    slope, intercept = logistic_regression(np.c_[motion, np.ones(len(motion))], labels, weights)
    print(f"{len(videos)} videos: motion {slope:.2f}, neutral {-intercept / slope:.2f}")
    for name, part in (("live", ~labels), ("attack", labels)):
        print(f"  {name}: motion {np.percentile(motion[part], [5, 25, 50, 75, 95]).round(2)}")
