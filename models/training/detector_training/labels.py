"""Labels the photos with two published detectors at several sizes.

A small copy of each photo is kept, so that training need not decode the large ones repeatedly.
"""

import csv
import math
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import onnx
from tqdm import tqdm

from common.onnx_files import session
from common.sources import photos, sources

# The longer side of the copies: larger than any training input, except for the smallest faces.
LONGER_SIDE = 800
# The longer sides of the detectors' inputs, and the face height in pixels at which they are best.
CENTERFACE_SIDES, YUNET_SIDES = (160, 320, 640), (320, 640)
BEST_HEIGHT = 80
MIN_SCORE, CONFIDENT_CENTERFACE, CONFIDENT_YUNET = 0.3, 0.5, 0.6
SAME_FACE_IOU = 0.4
# Both eyes, the tip of the nose and the corners of the mouth, among the usual 68 points.
# All-Age-Faces lacks the points of the jaw.
POINTS_OF_68 = (range(36, 42), range(42, 48), (30,), (48,), (54,))
JAW = 17


def write_labels(data, out, centerface, yunet, max_photos, only=None, processes=2):
    """Labels at most `max_photos` photos of each source, evenly spread.

    Writes OUT/NAME.photos, the copies one after another, and OUT/NAME.labels.npz: `start` and
    `name` of each copy, and of each face `photo` (its number), `box` (left, top, width, height in
    the copy), `landmarks`, and `confident` (both detectors agree; the others are ignored in
    training).
    """
    for name in only or [name for name, source in sources().items() if "kind" in source]:
        if (Path(out) / f"{name}.labels.npz").exists():
            continue
        paths = photos(data, name, sources()[name])
        paths = paths[:: max(1, math.ceil(len(paths) / max_photos))]
        points = known_points(Path(data) / name)
        jobs = [
            (paths[part::processes], centerface, yunet, points, name if part == 0 else "")
            for part in range(processes)
        ]
        with get_context("spawn").Pool(processes) as pool:
            rows = [row for rows in pool.map(label_photos, jobs) for row in rows]
        save(out, name, rows)


def save(out, name, rows):
    starts, faces = [0], {"photo": [], "box": [], "landmarks": [], "confident": []}
    with open(Path(out) / f"{name}.photos", "wb") as handle:
        for number, (_, copy, found) in enumerate(rows):
            handle.write(copy)
            starts.append(starts[-1] + len(copy))
            for box, landmarks, confident in found:
                for key, value in zip(faces, (number, box, landmarks, confident)):
                    faces[key].append(value)
    arrays = {
        "photo": np.array(faces["photo"], int),
        "box": np.array(faces["box"], np.float32).reshape(-1, 4),
        "landmarks": np.array(faces["landmarks"], np.float32).reshape(-1, 5, 2),
        "confident": np.array(faces["confident"], bool),
    }
    files = np.array([str(path) for path, _, _ in rows])
    np.savez(Path(out) / f"{name}.labels.npz", start=np.array(starts), name=files, **arrays)


def label_photos(job):
    paths, centerface, yunet, points, progress = job
    detectors = CenterFace(centerface), YuNet(yunet)
    rows = []
    for path in tqdm(paths, desc=progress, disable=not progress, mininterval=10):
        photo = cv2.imread(str(path))
        if photo is None or min(photo.shape[:2]) < 16:
            continue
        scale = min(1.0, LONGER_SIDE / max(photo.shape[:2]))
        photo = resized(photo, scale)
        copy = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
        faces = agreed([detector(photo) for detector in detectors])
        rows.append((path, copy, with_points(faces, points.get(path), scale)))
    return rows


def agreed(detections):
    """Merges both detectors' findings into [(box, landmarks, confident)].

    Each finding is a row of 16: score, box, landmarks, and the height of the face in the input.
    """
    everything = np.concatenate(
        [np.c_[np.full(len(found), who), found] for who, found in enumerate(detections)]
    )
    order = np.argsort(-everything[:, 1])
    faces, taken = [], np.zeros(len(everything), bool)
    for i in order:
        if taken[i]:
            continue
        same = ~taken & (iou(everything[i, 2:6], everything[:, 2:6]) > SAME_FACE_IOU)
        taken |= same
        group = everything[same]
        center, other = group[group[:, 0] == 0], group[group[:, 0] == 1]
        confident = (
            len(center)
            and len(other)
            and center[:, 1].max() > CONFIDENT_CENTERFACE
            and other[:, 1].max() > CONFIDENT_YUNET
        )
        best = lambda part: part[np.abs(np.log(part[:, 16] / BEST_HEIGHT)).argmin()]
        # Prefer CenterFace: on 59 video stills its landmark error is 5.2 % of the box's width,
        # YuNet's 6.1 %.
        seen = best(center if len(center) else other)
        faces.append((seen[2:6], seen[6:16].reshape(5, 2), bool(confident)))
    return faces


def iou(box, boxes):
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    both = np.prod(np.maximum(high - low, 0), axis=1)
    return both / (box[2] * box[3] + boxes[:, 2] * boxes[:, 3] - both)


def known_points(folder):
    """Five hand-made landmarks by the photo's path, where a set has them.

    YouTube-Faces' `data/test` and `data/training` hold different frames under the same names, and
    only some of the former have landmarks.
    """
    known = {}
    for table in folder.glob("data/*_frames_keypoints.csv"):
        photos = table.with_name(table.name.removesuffix("_frames_keypoints.csv"))
        with open(table, newline="") as handle:
            for row in list(csv.reader(handle))[1:]:
                known[photos / row[0]] = five(np.array(row[1:], float).reshape(68, 2))
    for file in folder.glob("*/key points/*.txt"):
        points = np.array(file.read_text().split(), float).reshape(-1, 2)
        known[file.parents[1] / "original images" / f"{file.stem}.jpg"] = five(
            np.concatenate([np.zeros((JAW, 2)), points])
        )
    return known


def five(points):
    return np.stack([points[list(part)].mean(0) for part in POINTS_OF_68])


def with_points(faces, points, scale):
    """Replaces the landmarks of the face that contains the known points."""
    if points is None:
        return faces
    points = points * scale
    inside = lambda box: ((points > box[:2]) & (points < box[:2] + box[2:])).all(1).sum()
    return [
        (box, points if inside(box) >= 4 else landmarks, confident)
        for box, landmarks, confident in faces
    ]


def resized(photo, scale):
    if scale == 1:
        return photo
    size = max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale))
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


class Detector:
    """Runs an ONNX network at several input sides.

    Returns N × 16: score, box, five landmarks, and the height of the face in the input.
    """

    def __init__(self, file, sides):
        self.sessions = {side: opened(file, side) for side in sides}

    def __call__(self, photo):
        found = [np.zeros((0, 16))]
        for side, network in self.sessions.items():
            scale = side / max(photo.shape[:2])
            if scale > 2 and side > min(self.sessions):
                continue
            small = resized(photo, scale)
            canvas = np.zeros((side, side, 3), np.uint8)
            canvas[: small.shape[0], : small.shape[1]] = small
            candidates = self.candidates(network, canvas)
            candidates = candidates[candidates[:, 0] > MIN_SCORE]
            kept = cv2.dnn.NMSBoxes(
                candidates[:, 1:5].tolist(), candidates[:, 0].tolist(), MIN_SCORE, 0.3
            )
            candidates = candidates[np.array(kept, int).reshape(-1)]
            candidates[:, 1:] /= scale
            found.append(np.c_[candidates, candidates[:, 4] * scale])
        return np.concatenate(found)


class CenterFace(Detector):
    def __init__(self, file):
        super().__init__(file, CENTERFACE_SIDES)

    def candidates(self, network, canvas):
        planes = canvas[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32)
        heatmap, scale, offset, landmarks = (
            output[0] for output in network.run(None, {network.get_inputs()[0].name: planes})
        )
        rows, columns = np.nonzero(heatmap[0] > MIN_SCORE)
        at = lambda map: map[:, rows, columns].T
        size = 4 * np.exp(at(scale)[:, ::-1])
        centre = 4 * (np.c_[columns, rows] + at(offset)[:, ::-1] + 0.5)
        corner = centre - size / 2
        points = corner[:, None] + at(landmarks).reshape(-1, 5, 2)[:, :, ::-1] * size[:, None]
        return np.c_[heatmap[0, rows, columns], corner, size, points.reshape(-1, 10)]


class YuNet(Detector):
    def __init__(self, file):
        super().__init__(file, YUNET_SIDES)

    def candidates(self, network, canvas):
        names = [output.name for output in network.get_outputs()]
        planes = canvas.transpose(2, 0, 1)[None].astype(np.float32)
        maps = dict(zip(names, network.run(None, {network.get_inputs()[0].name: planes})))
        rows = []
        for stride in (8, 16, 32):
            score, box, points = (maps[f"{key}_{stride}"][0] for key in ("cls", "bbox", "kps"))
            score = np.sqrt(np.clip(score, 0, 1) * np.clip(maps[f"obj_{stride}"][0], 0, 1))[:, 0]
            cells = canvas.shape[1] // stride
            place = np.stack(np.divmod(np.arange(len(score)), cells)[::-1], 1)
            size = np.exp(box[:, 2:]) * stride
            corner = (place + box[:, :2]) * stride - size / 2
            points = (place[:, None] + points.reshape(-1, 5, 2)) * stride
            rows.append(np.c_[score, corner, size, points.reshape(-1, 10)])
        return np.concatenate(rows)


def opened(file, side):
    """The network for square inputs of this side."""
    model = onnx.load(file)
    for dimension, size in zip(model.graph.input[0].type.tensor_type.shape.dim, (1, 3, side, side)):
        dimension.dim_value = size
    for output in model.graph.output:
        for number, dimension in enumerate(output.type.tensor_type.shape.dim):
            dimension.dim_param = f"{output.name}{number}"
    del model.graph.value_info[:]
    return session(model)
