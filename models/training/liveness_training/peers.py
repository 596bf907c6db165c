"""Scores published models on the faces that the evaluator found, each with its own preprocessing.

Reads the `scores.csv` of an evaluator's report and writes FOLDER/silent-face.csv and
FOLDER/minifas-128.csv, for `evaluate --scores silent-face=…`.
"""

import csv
import sys
from pathlib import Path

import cv2
from tqdm import tqdm


def score(stack, scores, root, folder):
    """`stack` is the folder that holds `peer_stack.py` and its models."""
    sys.path.insert(0, str(stack))
    import peer_stack

    peers = [peer_stack.SilentFace(), peer_stack.MiniFas128()]
    files = {peer.name: open(Path(folder) / f"{peer.name}.csv", "w", newline="") for peer in peers}
    writers = {name: csv.writer(file) for name, file in files.items()}
    for writer in writers.values():
        writer.writerow(["file", "spoof_score"])
    with open(scores, newline="") as handle:
        rows = {row["file"]: row for row in csv.DictReader(handle) if row["left"]}.values()
    for row in tqdm(rows, desc="peers", mininterval=10):
        photo = cv2.imread(str(Path(root) / row["file"]))
        box = tuple(float(row[side]) for side in ("left", "top", "width", "height"))
        for peer in peers:
            writers[peer.name].writerow([row["file"], peer(photo, box)])
    for file in files.values():
        file.close()
