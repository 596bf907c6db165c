"""How independent motion counts in rgb-burst-v1: a logistic regression of motion alone on the training clients of
Replay-Attack, so that no development set is spent on it.

Of motion alone, not of motion beside the looks of the frames: the single model makes no error on clients that it was
trained on, and would leave nothing for motion to explain.
"""

import csv

import numpy as np

from .calibrate import logistic_regression


def fit(scores):
    """From the `scores.csv` of `evaluate --model motion`: prints what goes into BurstParams."""
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
