"""The tables of a model card, in Markdown, from the evaluator's reports."""

import csv
import json
from pathlib import Path

import numpy as np

from .figures import FIGURES, counts, interval
from .measure import by_video

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
WITHOUT_ATTACKS = {"BPCER": "bpcer"}


def write(reports, model):
    """Prints each model's figures for every report under `reports`, in percent with confidence
    intervals, and the error rates of `model` at each threshold."""
    folders = sorted(path.parent for path in Path(reports).glob("*/figures.json"))
    scores = {}
    for folder in folders:
        evaluation = json.loads((folder / "figures.json").read_text())
        figures = FIGURES if evaluation["attacks"] else WITHOUT_ATTACKS
        print(f"\n**{folder.name}**: {counts(evaluation)}\n")
        print("| model |", " | ".join(figures), "|\n" + "|---" * (len(figures) + 1) + "|")
        for row in evaluation["models"]:
            print(
                f"| {row['model']} |",
                " | ".join(interval(row["figures"][key]) for key in figures.values()),
                "|",
            )
        first = evaluation["models"][0]["figures"]
        missed = [interval(first[key]) for key in ("apnrr", "bpnrr")]
        print(f"\nNo face found: attacks {missed[0]}, bona fide {missed[1]}")
        scores[folder.name] = read(folder / "scores.csv", model, evaluation["unit"] == "videos")
    print(
        f"\n{model}\n\n| threshold |", " | ".join(scores), "|\n" + "|---" * (len(scores) + 1) + "|"
    )
    for threshold in THRESHOLDS:
        rates = [
            f"{rate(s[l] < threshold)} / {rate(s[~l] >= threshold)}" for s, l in scores.values()
        ]
        print(f"| {threshold} |", " | ".join(rates), "|")


def rate(wrong):
    return f"{100 * wrong.mean():.1f}" if len(wrong) else "–"


def read(file, model, videos):
    """The scores, and which of them are attacks; per video or per picture."""
    with open(file, newline="") as handle:
        rows = [
            row for row in csv.DictReader(handle) if row["model"] == model and row["spoof_score"]
        ]
    labels = np.array([row["label"] != "live" for row in rows])
    names = np.array([row["video"] if videos and row["video"] else row["file"] for row in rows])
    return by_video(np.array([float(row["spoof_score"]) for row in rows]), names, labels)
