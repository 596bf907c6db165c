"""The refiner's training crops: patches rotated, moved, scaled and relit, by other cameras."""

from pathlib import Path

import cv2
import numpy as np
import torch

from common.camera import camera, relit

from .frames import SIDEWAYS, MIRRORED_LANDMARKS, UPRIGHT, warp
from .patches import PATCH
from .refiner import CROP_SCALE, FACES, SIDE, twins

# The labels hold CenterFace's boxes at the photo size that suits the face best. At 320 pixels, the
# size that the liveness networks learnt from, width and height are larger by these factors.
AS_SHIPPED = np.array([1.012, 1.022])
# The shares of a batch: parts of faces, and rotated faces. The rest, apart from faces, are false
# proposals of the detector.
PARTS, SIDEWAYS_SHARE = 0.05, 0.05
# The weight of CenterFace's landmarks; hand-made ones count 1.
CENTERFACE_WEIGHT = 0.15
# How often the photo's edge cuts the crop, and the largest part of the face beyond it.
EDGE_SHARE, MAX_BEYOND = 0.2, 0.35
# How often the detector's box is unusually far off, and how many times as far.
FAR_OFF_SHARE, FAR_OFF = 0.15, 2.5
# Photos of documents may be without colour.
GREY_SHARE = 0.1
# The smallest face in the photo, in pixels, before it is scaled up to the crop.
COARSEST = 12


class RefinerCrops(torch.utils.data.IterableDataset):
    """Endless batches. A face with hand-made landmarks is drawn `hand_made_share` times as often as
    another."""

    def __init__(self, out, config, kept=False):
        self.data, self.patches = packed(out, "patches")
        mine = self.data["kept"] == kept
        self.faces, self.others = (
            np.flatnonzero(mine & (self.data["face"] == face)) for face in (1, 0)
        )
        self.hard_share = 0 if kept else config["hard_share"]
        if self.hard_share:
            data, hard = packed(out, "hard")
            self.hard = hard[data["kept"] == 0]
        weight = np.where(self.data["hand_made"][self.faces] > 0, config["hand_made_share"], 1.0)
        self.chances = np.cumsum(weight / weight.sum())
        self.batch, self.seed = config["batch"], config["seed"]

    def a_face(self, draw):
        return self.faces[min(np.searchsorted(self.chances, draw.random()), len(self.faces) - 1)]

    def drawn(self, draw, kind):
        """The patch and its rotation, which twins share."""
        row = self.others[draw.integers(len(self.others))] if kind == "other" else self.a_face(draw)
        patch = self.patches[row]
        if kind == "other" and draw.random() < self.hard_share:
            patch = self.hard[draw.integers(len(self.hard))]
        angle = draw.normal(0, 7) if draw.random() < 0.5 else draw.uniform(-UPRIGHT, UPRIGHT)
        return row, patch, draw.uniform(SIDEWAYS, 360 - SIDEWAYS) if kind == "sideways" else angle

    def seen(self, draw, kind, row, patch, angle):
        """Makes a training crop and its targets.

        Returns the crop, whether it shows a face, box and landmarks in the crop, the weight of the
        landmarks, and 1, or −1 if mirrored.
        """
        box, landmarks = self.data["box"][row], self.data["landmarks"][row]
        middle, side = box[:2] + box[2:] / 2, CROP_SCALE * max(box[2:])
        if kind == "face":
            # As far off as the detector's boxes may be.
            off = FAR_OFF if draw.random() < FAR_OFF_SHARE else 1
            seen_side, seen_middle = (
                side * np.exp(off * draw.normal(0, 0.15)),
                middle + off * draw.normal(0, 0.07, 2) * box[2:],
            )
        elif kind == "part":
            seen_side, seen_middle = (
                side * draw.uniform(0.15, 0.35),
                middle + draw.uniform(-0.6, 0.6, 2) * box[2:],
            )
        else:
            seen_side, seen_middle = (
                side * np.exp(draw.uniform(-0.5, 0.3)),
                middle + draw.normal(0, 0.15, 2) * box[2:],
            )
        mirrored = draw.random() < 0.5
        cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        if mirrored:
            # Rotate before mirroring, so that twins have the same rotation.
            sin = -sin
        turn = (
            SIDE
            / seen_side
            * np.array([[cos, -sin], [sin, cos]])
            @ np.diag([-1.0 if mirrored else 1.0, 1.0])
        )
        matrix = np.c_[turn, np.full(2, SIDE / 2) - turn @ seen_middle]
        crop = warp(patch, matrix, (SIDE, SIDE))
        if draw.random() < 0.4:
            coarse = int(np.exp(draw.uniform(np.log(COARSEST), np.log(SIDE))))
            small = cv2.resize(crop, (coarse, coarse), interpolation=cv2.INTER_AREA)
            crop = cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        # A rotated face counts as an ellipse; its box is the upright one around it.
        half = np.sqrt((box[2:] / 2) ** 2 @ (turn**2).T)
        half = half * AS_SHIPPED
        box = np.r_[middle @ turn.T + matrix[:, 2] - half, 2 * half]
        landmarks = landmarks @ turn.T + matrix[:, 2]
        if mirrored:
            landmarks = landmarks[MIRRORED_LANDMARKS]
        if kind == "face" and draw.random() < 0.2:
            hide(crop, box, draw)
        if draw.random() < EDGE_SHARE:
            cut_off(crop, box, draw)
        crop = cv2.imdecode(
            np.frombuffer(camera(relit(crop, draw), draw), np.uint8), cv2.IMREAD_COLOR
        )
        if draw.random() < GREY_SHARE:
            crop = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        weight = 1.0 if self.data["hand_made"][row] else CENTERFACE_WEIGHT
        return (
            crop[:, :, ::-1].transpose(2, 0, 1),
            kind == "face",
            box,
            landmarks,
            weight,
            -1.0 if mirrored else 1.0,
        )

    def a_batch(self, draw):
        """Twins come first: the first of each pair, then the second. Both show the same face at the
        same rotation."""
        faces = twins(self.batch)
        drawn = [self.drawn(draw, "face") for _ in range(faces)]
        made = [self.seen(draw, "face", *what) for what in drawn + drawn]
        for _ in range(self.batch - 2 * faces):
            at = draw.random() * (1 - FACES)
            at_other = PARTS + SIDEWAYS_SHARE
            kind = "part" if at < PARTS else "sideways" if at < at_other else "other"
            made.append(self.seen(draw, kind, *self.drawn(draw, kind)))
        return made

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        draw = np.random.default_rng([self.seed, worker.id if worker else 0])
        while True:
            crops, *truth = zip(*self.a_batch(draw))
            yield np.stack(crops), *(np.stack(column).astype(np.float32) for column in truth)


def cut_off(crop, box, draw):
    """Blackens one or two sides, as beyond the photo's edges."""
    beyond = box[2:] * draw.uniform(-0.2, MAX_BEYOND, 2)
    for axis in draw.permutation(2)[: draw.integers(1, 3)]:
        across = crop.swapaxes(0, 1) if axis == 0 else crop
        if draw.random() < 0.5:
            across[: int(np.clip(box[axis] + beyond[axis], 0, SIDE))] = 0
        else:
            across[int(np.clip(box[axis] + box[2 + axis] - beyond[axis], 0, SIDE)) :] = 0


def packed(out, name):
    data = np.load(Path(out) / f"{name}.npz")
    patches = np.memmap(Path(out) / f"{name}.u8", np.uint8, "r").reshape(-1, PATCH, PATCH, 3)
    return {key: data[key] for key in data.files}, patches


def hide(crop, box, draw):
    size = np.maximum(2, draw.uniform(0.2, 0.6, 2) * box[2:]).astype(int)
    at = (box[:2] + draw.uniform(-0.2, 1, 2) * box[2:]).astype(int)
    low, high = np.clip(at, 0, SIDE), np.clip(at + size, 0, SIDE)
    crop[low[1] : high[1], low[0] : high[0]] = draw.integers(0, 256, 3)
