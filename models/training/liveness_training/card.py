"""The tables of a model's card, in Markdown, from the reports of the evaluator."""

import csv
import json
from pathlib import Path

import numpy as np

from .measure import by_video

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
FIGURES = {"EER": "eer", "APCER": "apcer_pooled", "APCER, worst species": "apcer_max", "BPCER": "bpcer",
           "attacks without a face": "apnrr", "bona fide without a face": "bpnrr"}


def write(reports):
    """Prints, for every report under `reports`, each model's figures with their intervals, and the error rates of
    each threshold."""
    for folder in sorted(path.parent for path in Path(reports).glob("*/figures.json")):
        evaluation = json.loads((folder / "figures.json").read_text())
        counts = f"{evaluation['bona_fide']} bona fide, {evaluation['attacks']} attacks ({evaluation['unit']}, "
        print(f"\n## {folder.name}: {counts}{evaluation['clusters']} clusters)\n")
        print("| model |", " | ".join(FIGURES), "|\n" + "|---" * (len(FIGURES) + 1) + "|")
        for model in evaluation["models"]:
            print(f"| {model['model']} |", " | ".join(interval(model["figures"][key]) for key in FIGURES.values()), "|")
        for model in evaluation["models"]:
            print(f"\n{model['model']}\n\n| threshold | APCER | BPCER |\n|---|---|---|")
            scores, labels = read(folder / "scores.csv", model["model"], evaluation["unit"] == "videos")
            for threshold in THRESHOLDS:
                missed, refused = rate(scores[labels] < threshold), rate(scores[~labels] >= threshold)
                print(f"| {threshold} | {missed} | {refused} |")


def interval(figure):
    if figure["value"] is None:
        return "–"
    return "{:.1f} [{:.1f}, {:.1f}]".format(*(100 * (figure[key] or 0) for key in ("value", "low", "high")))


def rate(wrong):
    return f"{100 * wrong.mean():.1f} ({wrong.sum()}/{len(wrong)})" if len(wrong) else "–"


def read(file, model, videos):
    """The scores and whether each is an attack's; of videos, or of single pictures."""
    with open(file, newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["model"] == model and row["spoof_score"]]
    labels = np.array([row["label"] != "live" for row in rows])
    names = np.array([row["video"] if videos and row["video"] else row["file"] for row in rows])
    return by_video(np.array([float(row["spoof_score"]) for row in rows]), names, labels)
