"""The detector's training images: a photo rotated, scaled and moved, in other light, by other
cameras.

Faces of every size appear in every place; the boxes and landmarks move with them.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from common.camera import camera, relit

# The default input of a 4:3 photo: 288 × 216, rounded up to multiples of 32.
WIDTH, HEIGHT = 288, 224
SMALLEST, LARGEST = 8, 1.3 * HEIGHT
# The share of small faces: the second pass looks for those that the first one missed.
SMALL, SMALL_SHARE = 40, 0.4
# Smaller faces, and faces mostly outside the frame, are ignored in the cost.
MIN_HEIGHT, MIN_SEEN = 6, 0.45
FACELESS_SHARE = 0.12
# Sideways and upside-down faces are negatives: the liveness networks never saw any. Between 45° and
# 60° a face is ignored.
SIDEWAYS_SHARE, UPRIGHT, SIDEWAYS = 0.12, 45, 60
# How often two heads are put side by side, and the smallest face for which that is done.
BESIDE_SHARE, MIN_BESIDE = 0.2, 24
MIRRORED_LANDMARKS = [1, 0, 2, 4, 3]


@dataclass
class Faces:
    box: np.ndarray
    """N × 4: left, top, width, height."""
    landmarks: np.ndarray
    """N × 5 × 2."""
    confident: np.ndarray
    """N: certainly a face. The others are ignored in the cost."""


NOBODY = Faces(np.zeros((0, 4)), np.zeros((0, 5, 2)), np.zeros(0, bool))


class Photos:
    """The labelled photos of some sources. `held_out` says which files are kept for measuring."""

    def __init__(self, out, names, held_out=lambda file: False, kept=False):
        self.entries = []
        for name in names:
            data = dict(np.load(Path(out) / f"{name}.labels.npz"))
            pack = np.memmap(Path(out) / f"{name}.photos", np.uint8, "r")
            first = np.searchsorted(data["photo"], np.arange(len(data["name"]) + 1))
            for number, file in enumerate(data["name"]):
                if held_out(str(file)) == kept:
                    faces = slice(first[number], first[number + 1])
                    self.entries.append(
                        (pack, data["start"][number], data["start"][number + 1], data, faces)
                    )

    def faceless(self):
        """Only the photos in which neither teacher found a face."""
        self.entries = [entry for entry in self.entries if entry[4].start == entry[4].stop]
        return self

    def __len__(self):
        return len(self.entries)

    def __getitem__(self, number):
        pack, start, stop, data, faces = self.entries[number]
        photo = cv2.imdecode(np.array(pack[start:stop]), cv2.IMREAD_COLOR)
        return photo, Faces(*(data[key][faces] for key in ("box", "landmarks", "confident")))


def frame(photo, faces, scene, another, draw):
    """A training image (HEIGHT × WIDTH × 3) and its faces.

    `scene` is a photo without a face: it fills the area beyond the photo's edges and covers parts
    of faces. `another` is a photo with faces, one of which may be put beside a face of this one.
    """
    sideways = draw.random() < SIDEWAYS_SHARE
    matrix, mirrored = placed(photo, faces, sideways, draw)
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if scale < 0.75:
        # Scale down first, averaging all pixels, as the engine does.
        small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        matrix_small = matrix @ np.diag(
            [photo.shape[1] / small.shape[1], photo.shape[0] / small.shape[0], 1]
        )
    else:
        small, matrix_small = photo, matrix
    image = beyond(scene, draw)
    warp(small, matrix_small, (WIDTH, HEIGHT), dst=image, borderMode=cv2.BORDER_TRANSPARENT)
    moved = NOBODY if sideways else moved_faces(faces, matrix, mirrored)
    if draw.random() < BESIDE_SHARE:
        moved = beside(image, moved, *another, draw)
    if draw.random() < 0.25:
        hide(image, moved, scene, draw)
    image = cv2.imdecode(
        np.frombuffer(camera(relit(image, draw), draw), np.uint8), cv2.IMREAD_COLOR
    )
    return image, moved


def warp(photo, matrix, size, **border):
    """Warps by a matrix for coordinates that start at the first pixel's corner; OpenCV's start at
    its centre."""
    centred = matrix.copy()
    centred[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    return cv2.warpAffine(photo, centred, size, flags=cv2.INTER_LINEAR, **border)


def placed(photo, faces, sideways, draw):
    """The 2 × 3 matrix from the photo to the frame, and whether it mirrors."""
    height, width = photo.shape[:2]
    angle = draw.normal(0, 7) if draw.random() < 0.5 else draw.uniform(-UPRIGHT, UPRIGHT)
    if sideways:
        angle = draw.uniform(SIDEWAYS, 360 - SIDEWAYS)
    mirrored = draw.random() < 0.5
    confident = np.flatnonzero(faces.confident)
    if len(confident) and draw.random() >= FACELESS_SHARE:
        x, y, w, h = faces.box[draw.choice(confident)]
        largest = SMALL if draw.random() < SMALL_SHARE else LARGEST
        seen = np.exp(draw.uniform(np.log(SMALLEST), np.log(largest)))
        scale, centre = min(seen / h, 3.0), np.array([x + w / 2, y + h / 2])
        # A large face is near the middle, a small one anywhere.
        room = np.maximum(0, np.array([WIDTH, HEIGHT]) - 0.8 * scale * np.array([w, h])) / 2
        target = np.array([WIDTH, HEIGHT]) / 2 + draw.uniform(-1, 1, 2) * (room + 0.12 * scale * h)
    else:
        scale = min(WIDTH / width, HEIGHT / height) * np.exp(draw.uniform(np.log(0.7), np.log(4)))
        centre = draw.uniform(0.2, 0.8, 2) * [width, height]
        target = np.array([WIDTH, HEIGHT]) * draw.uniform(0.3, 0.7, 2)
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    turn = scale * np.array([[cos, -sin], [sin, cos]]) @ np.diag([-1.0 if mirrored else 1.0, 1.0])
    return np.c_[turn, target - turn @ centre], mirrored


def moved_faces(faces, matrix, mirrored):
    """Moves the faces. A rotated face counts as an ellipse, inside its upright box."""
    half = faces.box[:, 2:] / 2
    centre = (faces.box[:, :2] + half) @ matrix[:, :2].T + matrix[:, 2]
    half = np.sqrt(half**2 @ (matrix[:, :2] ** 2).T)
    landmarks = faces.landmarks @ matrix[:, :2].T + matrix[:, 2]
    if mirrored:
        landmarks = landmarks[:, MIRRORED_LANDMARKS]
    low, high = np.maximum(centre - half, 0), np.minimum(centre + half, [WIDTH, HEIGHT])
    seen = np.prod(np.maximum(high - low, 0), axis=1) / np.prod(2 * half, axis=1)
    inside = ((centre > 0) & (centre < [WIDTH, HEIGHT])).all(1)
    confident = faces.confident & (2 * half[:, 1] >= MIN_HEIGHT) & (seen >= MIN_SEEN) & inside
    some = seen > 0
    return Faces(np.c_[centre - half, 2 * half][some], landmarks[some], confident[some])


def beyond(scene, draw):
    """The background: black, as in the engine, grey, or another picture."""
    kind = draw.random()
    if kind < 0.45:
        return np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    if kind < 0.6:
        return np.full(
            (HEIGHT, WIDTH, 3), draw.integers(0, 256, 3 if draw.random() < 0.5 else 1), np.uint8
        )
    return cv2.resize(scene, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def beside(image, faces, photo, others, draw):
    """Puts the head of another person beside a face, covering a part of it, as in photos of
    friends."""
    large = np.flatnonzero(faces.confident & (faces.box[:, 3] >= MIN_BESIDE))
    confident = np.flatnonzero(others.confident)
    if not len(large) or not len(confident):
        return faces
    x, y, w, h = faces.box[draw.choice(large)]
    which = draw.choice(confident)
    box = others.box[which]
    scale = h / box[3] * np.exp(draw.normal(0, 0.15))
    angle = draw.normal(0, 15)
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    turn = scale * np.array([[cos, -sin], [sin, cos]])
    side, apart = draw.choice([-1, 1]), draw.uniform(0.65, 1.1)
    at = np.array([x + w / 2 + side * apart * w, y + h / 2 + draw.normal(0, 0.2) * h])
    matrix = np.c_[turn, at - turn @ (box[:2] + box[2:] / 2)]
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    # A head is higher and broader than its face.
    middle, size = at + turn @ [0, -0.1 * box[3]], scale * box[2:] * [1.24, 1.36]
    cv2.ellipse(mask, (middle, size, angle), 1, -1)
    mask *= warp(np.ones(photo.shape[:2], np.float32), matrix, (WIDTH, HEIGHT))
    mask = cv2.GaussianBlur(mask, (0, 0), max(0.5, 0.03 * h))[:, :, None]
    image[:] = (
        image + mask * (warp(photo, matrix, (WIDTH, HEIGHT)) - image.astype(np.float32)) + 0.5
    )
    added = moved_faces(
        Faces(box[None], others.landmarks[which][None], np.ones(1, bool)), matrix, False
    )
    # A face whose centre is covered by that head is ignored.
    centres = faces.box[:, :2] + faces.box[:, 2:] / 2
    inside = ((centres >= 0) & (centres < [WIDTH, HEIGHT])).all(1)
    column, row = np.clip(centres, 0, [WIDTH - 1, HEIGHT - 1]).astype(int).T
    seen = ~(inside & (mask[row, column, 0] > 0.3))
    pairs = (
        (faces.box, added.box),
        (faces.landmarks, added.landmarks),
        (faces.confident & seen, added.confident),
    )
    return Faces(*(np.concatenate(pair) for pair in pairs))


def hide(image, faces, scene, draw):
    """Covers less than half of a face, as a hand, a phone, a mask or hair does."""
    if not faces.confident.any():
        return
    x, y, w, h = faces.box[draw.choice(np.flatnonzero(faces.confident))]
    size = np.maximum(2, draw.uniform(0.2, 0.6, 2) * [w, h]).astype(int)
    at = (np.array([x, y]) + draw.uniform(-0.2, 1, 2) * np.array([w, h])).astype(int)
    low, high = np.clip(at, 0, [WIDTH, HEIGHT]), np.clip(at + size, 0, [WIDTH, HEIGHT])
    if (high <= low).any():
        return
    width, height = high - low
    patch = np.empty((height, width, 3), np.uint8)
    patch[:] = draw.integers(0, 256, 3)
    if draw.random() < 0.5 and scene.shape[0] > height and scene.shape[1] > width:
        top, left = draw.integers(scene.shape[0] - height), draw.integers(scene.shape[1] - width)
        patch = scene[top : top + height, left : left + width]
    image[low[1] : high[1], low[0] : high[0]] = patch
