#!/usr/bin/env python3
"""The golden answers against ONNX Runtime: from a picture's pixels and the face's box to the score, with the preprocessing of the
model's card written anew on OpenCV and Pillow. Exit status 1 where a score differs by more than 0.001.

    pip install numpy opencv-python-headless==5.0.0.93 onnxruntime==1.32.0 pillow==12.0.0
    golden_parity.py
"""

import json
import math
import pathlib
import re
import sys

import cv2
import numpy as np
import onnxruntime
from PIL import Image

TOLERANCE = 1e-3
ROOT = pathlib.Path(__file__).parent.parent
GOLDEN = ROOT / "crates/face-liveness/tests/golden"
MODEL = ROOT / "models/rgb-single-v1"
SESSIONS = {part: onnxruntime.InferenceSession(MODEL / f"{part}.onnx") for part in ("close", "near")}
# As the engine has it: `const SINGLE_FUSION: Fusion = Fusion { close: …, near: …, intercept: … };`
BUILDER = (ROOT / "crates/face-liveness/src/builder.rs").read_text()
FUSION = [float(value) for value in re.findall(r"SINGLE_FUSION: .*?close: (\S+), near: (\S+), intercept: (\S+) ", BUILDER)[0]]


def span(start, length, scale, size):
    """First pixel and number of pixels along one side."""
    last = size - 1
    middle, length = start + length / 2, length * scale
    first, end = middle - length / 2, middle + length / 2
    if first < 0:
        first, end = 0, end - first
    if end > last:
        first, end = first - (end - last), last
    first = min(int(max(first, 0)), last)
    return first, min(max(int(end), first), last) - first + 1


def crop(image, face, scale):
    height, width, _ = image.shape
    left, top, face_width, face_height = face
    scale = min(scale, (height - 1) / face_height, (width - 1) / face_width)
    x, columns = span(left, face_width, scale, width)
    y, rows = span(top, face_height, scale, height)
    return np.ascontiguousarray(image[y : y + rows, x : x + columns])


def log_odds(part, bgr):
    planes = bgr.astype(np.float32).transpose(2, 0, 1)[None]
    session = SESSIONS[part]
    return float(session.run(None, {session.get_inputs()[0].name: planes})[0].item())


def score(image, face):
    near = cv2.resize(crop(image, face, 2.7), (80, 80), interpolation=cv2.INTER_LINEAR)
    close = Image.fromarray(crop(image, face, 1.5))
    # Down first, then across.
    close = close.resize((close.width, 96), Image.Resampling.BILINEAR).resize((96, 96), Image.Resampling.BILINEAR)
    of_close, of_near, intercept = FUSION
    both = of_close * log_odds("close", np.asarray(close)) + of_near * log_odds("near", near) + intercept
    return 1 / (1 + math.exp(-both))


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
