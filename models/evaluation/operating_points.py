#!/usr/bin/env python3
"""Measures the operating points of rgb-single-v2 and rgb-burst-v2 on the development sets.

    models/evaluation/operating_points.py SETS [--write]

Compares each figure with `operating_points` in the models' `model.json`; the exit status is 1 if
one differs. `--write` writes them. SETS is that of error_rates.py.

The thresholds are tenths. `strict` is the highest at which no set's APCER, over all attacks, is
above 15 % for rgb-single-v2; `low-friction` is the lowest at which no set's BPCER is above 4 %.
Between them, a score is uncertain. Prints how much a second capture wins there: the first and the
last frame of each video stand for two captures, and the mean of their log-odds decides.
"""

import csv
import json
import math
import pathlib
import re
import sys
import tempfile

import evaluator

POINTS = {"strict": 0.3, "recommended": 0.5, "low-friction": 0.7}
SETS = {
    "casia": "CASIA-FASD test",
    "replay": "Replay-Attack devel",
    "nuaa": "NUAA test",
    "celeba": "CelebA-Spoof subset",
    "caltech": "Caltech faces",
    "ytf": "YouTube-Faces stills",
}
VIDEOS = ("casia", "replay")
MAX_APCER, MAX_BPCER = 0.15, 0.04


def models(name):
    """A burst needs a video."""
    return ["rgb-single-v2", *(["rgb-burst-v2"] if name in VIDEOS else [])]


def score(sets, scores):
    """Scores each set once. Writes SCORES/SET-MODEL.csv."""
    for name in SETS:
        with tempfile.TemporaryDirectory() as report:
            flags = [f"--model={model}" for model in models(name)]
            evaluator.write_report(report, sets / name / "set.csv", "--videos", *flags)
            with open(pathlib.Path(report) / "scores.csv", newline="") as file:
                rows = list(csv.DictReader(file))
        for model in models(name):
            with open(scores / f"{name}-{model}.csv", "w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["file", "spoof_score"])
                for row in rows:
                    if row["model"] == model and row["spoof_score"]:
                        writer.writerow([row["file"], row["spoof_score"]])


def evaluated(sets, scores, name, threshold):
    """The evaluator's report on a set at a threshold."""
    files = [f"--scores={model}={scores}/{name}-{model}.csv" for model in models(name)]
    flags = ["--videos", "--model=none", f"--threshold={threshold}", *files]
    return evaluator.figures(sets / name / "set.csv", *flags)


def rate(figure):
    """Three decimals; `None` for a class that the set does not have."""
    if figure["value"] is None:
        return None
    return {key: round(figure[key], 3) for key in ("value", "low", "high")}


def rows(sets, scores, threshold):
    """The rows of both models on each set."""
    single, burst = [], []
    for name, title in SETS.items():
        report = evaluated(sets, scores, name, threshold)
        for to, model in zip((single, burst), report["models"]):
            figures = model["figures"]
            to.append(
                {
                    "set": title,
                    "bona_fide": report["bona_fide"],
                    "attacks": report["attacks"],
                    "bpcer": rate(figures["bpcer"]),
                    "apcer": rate(figures["apcer_max"]),
                }
            )
            if model["model"] == "rgb-single-v2":
                check_rule(threshold, title, figures)
    return single, burst


def check_rule(threshold, title, figures):
    apcer, bpcer = figures["apcer_pooled"]["value"] or 0, figures["bpcer"]["value"]
    if threshold == POINTS["strict"] and apcer > MAX_APCER:
        raise SystemExit(f"strict: APCER {apcer:.3f} on {title}")
    if threshold == POINTS["low-friction"] and bpcer > MAX_BPCER:
        raise SystemExit(f"low-friction: BPCER {bpcer:.3f} on {title}")


def two_captures(sets, scores, name):
    """Prints errors at `recommended` before and after a second capture of uncertain faces."""
    with open(scores / f"{name}-rgb-single-v2.csv", newline="") as file:
        score_of = {row["file"]: float(row["spoof_score"]) for row in csv.DictReader(file)}
    videos = {}
    with open(sets / name / "set.csv", newline="") as file:
        for row in csv.DictReader(file):
            if row["path"] in score_of:
                video = row["label"], row["species"], row["video"]
                videos.setdefault(video, []).append(row["path"])
    for label in ("live", "spoof"):
        asked, counts = 0, [0, 0]
        pairs = [sorted(files) for (of, *_), files in videos.items() if of == label]
        for first, last in ((score_of[files[0]], score_of[files[-1]]) for files in pairs):
            is_uncertain = POINTS["strict"] <= first < POINTS["low-friction"]
            mean = (log_odds(first) + log_odds(last)) / 2
            asked += is_uncertain
            for i, attack in enumerate((first >= 0.5, mean >= 0 if is_uncertain else first >= 0.5)):
                counts[i] += attack != (label == "spoof")
        print(f"{name}, {label}: {len(pairs)} videos, {asked} uncertain, errors {counts}")


def log_odds(score):
    score = min(max(score, 1e-6), 1 - 1e-6)
    return math.log(score / (1 - score))


def text(points):
    """The points as they stand in `model.json`."""
    lines = []
    for name, threshold, measured in points:
        sets = ",\n".join(set_text(row) for row in measured)
        head = f'    {{\n      "name": "{name}", "threshold": {threshold}, "measured": [\n'
        lines.append(head + sets + "\n      ]\n    }")
    return '"operating_points": [\n' + ",\n".join(lines) + "\n  ]"


def set_text(row):
    counts = {key: row[key] for key in ("set", "bona_fide", "attacks")}
    rates = [f'          "{key}": {json.dumps(row[key])}' for key in ("bpcer", "apcer")]
    return "        " + ",\n".join([json.dumps(counts)[:-1], *rates]) + "}"


def main(sets, write):
    evaluator.build()
    with tempfile.TemporaryDirectory() as folder:
        scores = pathlib.Path(folder)
        score(sets, scores)
        for name in VIDEOS:
            two_captures(sets, scores, name)
        measured = [(name, at, rows(sets, scores, at)) for name, at in POINTS.items()]
    differ = False
    for place, model in enumerate(("rgb-single-v2", "rgb-burst-v2")):
        manifest = evaluator.ROOT / "models" / model / "model.json"
        old = manifest.read_text()
        points = text([(name, threshold, both[place]) for name, threshold, both in measured])
        kept = re.sub(r',\n  "operating_points": \[.*\n  \]', "", old, flags=re.DOTALL)
        new = re.sub(r"\n}\n$", lambda _: f",\n  {points}\n}}\n", kept)
        if new != old:
            differ = True
            print(f"{manifest.relative_to(evaluator.ROOT)} {'written' if write else 'differs'}")
        if write:
            manifest.write_text(new)
    sys.exit(1 if differ and not write else 0)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), "--write" in sys.argv)
