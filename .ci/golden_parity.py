#!/usr/bin/env python3
"""Compares the golden answers with ONNX Runtime: from a picture's pixels and the face's box to the
score, with the preprocessing of `model.json` on OpenCV. The crops are the training's.
Exit status 1 when a score differs by more than 0.001.

    pip install numpy opencv-python-headless==5.0.0.93 onnxruntime==1.32.0
    golden_parity.py
"""

import json
import math
import pathlib
import sys

import cv2
import numpy as np
import onnxruntime

TOLERANCE = 1e-3
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "models/training"))
from liveness_training.crop import SCALES, SIDE, SQUARE, room, student_crop, uncut  # noqa: E402

GOLDEN = ROOT / "crates/face-liveness/tests/golden"
MODEL = ROOT / "models/rgb-single-v2"
MANIFEST = json.loads((MODEL / "model.json").read_text())
NETWORKS = MANIFEST["networks"]
SESSIONS = {
    role: onnxruntime.InferenceSession(MODEL / network["file"])
    for role, network in NETWORKS.items()
}


def log_odds(role, image, face):
    network = NETWORKS[role]["input"]
    assert network["channels"] == "bgr", "OpenCV reads BGR"
    assert network["resize"] == "opencv-linear" and network["side"] == SIDE
    assert network["crop_scale"] == SCALES[role]
    assert network.get("square", False) == (role in SQUARE)
    seen = student_crop(uncut(image, face, role))
    planes = seen.astype(np.float32).transpose(2, 0, 1)[None]
    session = SESSIONS[role]
    return float(session.run(None, {session.get_inputs()[0].name: planes})[0].item())


def border(lines):
    """How many lines from the first on repeat it, as crates/face-liveness/src/borders.rs counts."""
    apart = np.abs(lines.astype(int) - lines[0].astype(int)).mean((1, 2))
    differs = np.flatnonzero(apart >= 1)
    count = differs[0] if len(differs) else len(lines)
    return count if count >= max(2, math.ceil(0.05 * len(lines))) else 0


def without_borders(image, face):
    top, bottom = border(image), border(image[::-1])
    rows = image[top : len(image) - bottom].transpose(1, 0, 2)
    left, right = border(rows), border(rows[::-1])
    inner = rows[left : len(rows) - right].transpose(1, 0, 2)
    return np.ascontiguousarray(inner), [face[0] - left, face[1] - top, *face[2:]]


def score(image, face):
    weights, second = dict(MANIFEST["fusion"]), MANIFEST["second_opinion"]
    room_with_borders = room(image, face)
    image, face = without_borders(image, face)
    fused = weights.pop("intercept")
    fused += sum(weight * log_odds(role, image, face) for role, weight in weights.items())
    doubt = min(max(2 - 2 * abs(fused) / second["within"], 0), 1)
    close_up = MANIFEST["close_up"]
    closeness = close_up["ends_at"] - room_with_borders
    closeness /= close_up["ends_at"] - close_up["full_at"]
    closeness = min(max(closeness, 0), 1)
    if doubt or closeness:
        own = second["slope"] * log_odds(second["network"], image, face) + second["intercept"]
        fused += max(doubt, closeness) * second["weight"] * (own - fused)
    fused += closeness * close_up["shift"]
    return 1 / (1 + math.exp(-fused))


answers = json.loads((GOLDEN / "answers.json").read_text())
worst = 0.0
for name, answer in answers.items():
    path = GOLDEN / name if (GOLDEN / name).exists() else ROOT / "examples/photos" / name
    if path.suffix != ".png":
        continue  # decoders of JPEG differ by more than networks do
    off = abs(score(cv2.imread(str(path)), answer["face"]) - answer["spoofScore"])
    worst = max(worst, off)
    print(f"{name}: {answer['spoofScore']:.6f}, ONNX Runtime differs by {off:.6f}")
print(f"largest difference {worst:.6f} (at most {TOLERANCE})")
sys.exit(worst > TOLERANCE)
