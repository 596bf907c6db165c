"""Patches of the labelled photos for the refiner: faces, and false proposals of the detector."""

from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
from tqdm import tqdm

from common.sources import sources

from .frames import HEIGHT, WIDTH, Photos, warp
from .labels import iou, resized
from .measure import faces
from .network import in_frame
from .refiner import CROP_SCALE, SIDE, Refiner

# A patch is a square of AROUND × the longer side of a box, at PATCH pixels.
PATCH, AROUND = 144, 3.0
# Smaller faces would be too blurred in a patch.
MIN_HEIGHT = 20
# The detector's threshold: the refiner must judge every proposal above it.
CANDIDATE_SCORE = 0.03
# The most patches per photo.
MAX_FACES, MAX_OTHERS, MAX_IN_SCENES = 6, 4, 40
# A negative is hard if the refiner's log-odds exceed this.
HARD_LOG_ODDS = -1.5
# Sources with hand-made landmarks.
HAND_MADE = ("ytf", "aaf")
# Crowds, whose labels are incomplete.
CROWDS = ("masks",)


def write_patches(out, detector, held_out, refiner=None):
    """Writes OUT/patches.u8, the patches one after another, and OUT/patches.npz.

    The latter holds `face` (1 or 0), `box` and `landmarks` in the patch, `hand_made`, and `kept`
    (for measuring). DETECTOR is the detector's ONNX file. With the weights of a REFINER, writes
    OUT/hard.* instead: the negatives that those weights take for faces.
    """
    hard = Hard(out, refiner) if refiner else None
    target = Path(out) / ("hard" if refiner else "patches")
    session = onnxruntime.InferenceSession(str(detector), providers=["CPUExecutionProvider"])
    rows = {key: [] for key in ("face", "box", "landmarks", "hand_made", "kept")}
    with open(target.with_suffix(".u8"), "wb") as handle:
        for name in sources():
            if not (Path(out) / f"{name}.labels.npz").exists():
                continue
            for kept in (False, True):
                photos = Photos(out, [name], held_out, kept)
                for number in tqdm(range(len(photos)), desc=name, mininterval=20):
                    photo, labelled = photos[number]
                    for is_face, box, landmarks in pieces(photo, labelled, session, name):
                        patch, matrix = cut(photo, box)
                        if hard and (is_face or not hard.is_taken(patch)):
                            continue
                        handle.write(patch.tobytes())
                        scale = matrix[0, 0]
                        rows["face"].append(is_face)
                        rows["box"].append(np.r_[box[:2] * scale + matrix[:, 2], box[2:] * scale])
                        rows["landmarks"].append(landmarks * scale + matrix[:, 2])
                        rows["hand_made"].append(name in HAND_MADE)
                        rows["kept"].append(kept)
    np.savez(
        target.with_suffix(".npz"),
        **{key: np.array(values, np.float32) for key, values in rows.items()},
    )


def pieces(photo, labelled, session, name):
    """(is a face, box, landmarks) of the labelled faces and of the detector's false proposals."""
    confident = [i for i in np.flatnonzero(labelled.confident) if labelled.box[i, 3] >= MIN_HEIGHT]
    for i in sorted(confident, key=lambda i: -labelled.box[i, 3])[:MAX_FACES]:
        yield 1, labelled.box[i], labelled.landmarks[i]
    if name in CROWDS:
        return
    others, in_scene = [], not len(labelled.box)
    for zoom in (1, 3) if in_scene else (1, 2):
        for found in candidates(session, photo, zoom):
            box = found[1:5]
            apart = not len(labelled.box) or iou(box, labelled.box).max() < 0.05
            if apart and (not others or iou(box, np.array(others)).max() < 0.4) and box[3] >= 8:
                others.append(box)
    for box in others[: MAX_IN_SCENES if in_scene else MAX_OTHERS]:
        yield 0, box, np.zeros((5, 2))


class Hard:
    def __init__(self, out, refiner):
        self.network = Refiner()
        self.network.load_state_dict(torch.load(Path(out) / f"{refiner}.pt"))
        self.network.eval()

    @torch.no_grad()
    def is_taken(self, patch):
        """Whether the refiner takes the middle of a patch for a face."""
        scale = SIDE / CROP_SCALE * AROUND / PATCH
        matrix = np.c_[np.eye(2) * scale, np.full(2, SIDE / 2 - scale * PATCH / 2)]
        crop = warp(patch, matrix, (SIDE, SIDE))[:, :, ::-1].transpose(2, 0, 1)
        return self.network(torch.from_numpy(crop.copy()).float()[None])[0, 0] > HARD_LOG_ODDS


def candidates(session, photo, zoom):
    width, height = WIDTH * zoom, HEIGHT * zoom
    scale = min(1.0, width / photo.shape[1], height / photo.shape[0])
    small = resized(photo, scale)
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small[:height, :width]
    planes = np.ascontiguousarray(canvas[:, :, ::-1].transpose(2, 0, 1)[None]).astype(np.float32)
    found = faces(
        torch.from_numpy(session.run(None, {"image": in_frame(planes)})[0]), CANDIDATE_SCORE
    )
    found[:, 1:] /= scale
    return found


def cut(photo, box):
    """The patch around a box, black beyond the photo, and the 2 × 3 matrix from the photo to the
    patch."""
    scale = PATCH / (AROUND * max(box[2:]))
    middle = box[:2] + box[2:] / 2
    small, ratio = photo, 1.0
    if scale < 0.75:
        small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        ratio = small.shape[1] / photo.shape[1]
    matrix = np.c_[np.eye(2) * scale, PATCH / 2 - scale * middle]
    return warp(small, matrix @ np.diag([1 / ratio, 1 / ratio, 1]), (PATCH, PATCH)), matrix
