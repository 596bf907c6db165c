"""The EER after small changes to the picture, on the faces that the evaluator found."""

import csv
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from .calibrate import fit
from .crops import Crops
from .measure import by_video, eer, log_odds
from .network import Pair


def png(photo):
    return cv2.imencode(".png", photo, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def as_it_is(photo, box, draw):
    return png(photo), box


def jpeg_40(photo, box, draw):
    return cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 40])[1].tobytes(), box


def half_resolution(photo, box, draw):
    size = photo.shape[1] // 2, photo.shape[0] // 2
    half = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    return png(half), [side / 2 for side in box]


def darker(photo, box, draw):
    return png(cv2.convertScaleAbs(photo, alpha=0.75)), box


def brighter(photo, box, draw):
    return png(cv2.convertScaleAbs(photo, alpha=1.25)), box


def jittered_box(photo, box, draw):
    """Moves each edge by up to 10 % of the box's width or height."""
    x, y, w, h = box
    left, right = x + w * draw.uniform(-0.1, 0.1), x + w * (1 + draw.uniform(-0.1, 0.1))
    top, bottom = y + h * draw.uniform(-0.1, 0.1), y + h * (1 + draw.uniform(-0.1, 0.1))
    return png(photo), [left, top, right - left, bottom - top]


def mirrored(photo, box, draw):
    return png(photo[:, ::-1]), [photo.shape[1] - box[0] - box[2], *box[1:]]


CHANGES = [as_it_is, jpeg_40, half_resolution, darker, brighter, jittered_box, mirrored]


def measure_robustness(out, name, program, scores, root):
    line, pair = fit(out, name)[0], Pair()
    pair.load_state_dict(torch.load(Path(out) / f"{name}.pt"))
    crops, draw = Crops(program), np.random.default_rng(0)
    with open(scores, newline="") as handle:
        rows = list({row["file"]: row for row in csv.DictReader(handle) if row["left"]}.values())
    labels = np.array([row["label"] != "live" for row in rows], float)
    videos = np.array([row["video"] or row["file"] for row in rows])
    seen = {change.__name__: ([], []) for change in CHANGES}
    for row in tqdm(rows, desc="robustness", mininterval=10):
        photo = cv2.imread(str(Path(root) / row["file"]))
        box = [float(row[side]) for side in ("left", "top", "width", "height")]
        for change in CHANGES:
            file, face = change(photo, box, draw)
            tight, context = crops.ask(file, [face])["crops"][0]
            seen[change.__name__][0].append(tight)
            seen[change.__name__][1].append(context)
    for change, (tight, context) in seen.items():
        said = log_odds(pair, np.stack(tight), np.stack(context)) @ line[:2]
        said, truth = by_video(said, videos, labels)
        print(f"  {change}: EER {100 * eer(said, truth):.1f} %")
