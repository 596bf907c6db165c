"""Accuracy of the detector and the refiner on photos held out of the training."""

import cv2
import numpy as np
import torch

from . import refiner
from .frames import HEIGHT, WIDTH
from .labels import SAME_FACE_IOU, iou
from .targets import decoded

THRESHOLD, VOTE = 0.5, 0.1
# The most photos, evenly spread over the sources.
PHOTOS = 400


@torch.no_grad()
def find(network, photo, threshold=THRESHOLD):
    """N × 15: score, box, landmarks, best first, in the photo's pixels; the photo is scaled to the
    default input."""
    scale = min(1.0, WIDTH / photo.shape[1], HEIGHT / photo.shape[0])
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small[:HEIGHT, :WIDTH]
    planes = torch.from_numpy(canvas[:, :, ::-1].transpose(2, 0, 1).copy()).float()[None]
    found = faces(network(planes), threshold)
    found[:, 1:] /= scale
    return found


def faces(output, threshold):
    """Cells above the threshold, each averaged, weighted by score, with the boxes that overlap it.

    Steadier than the best box alone (Solovyev et al., "Weighted boxes fusion", 2021).
    """
    score = torch.sigmoid(output[0, 0])
    box, landmarks = decoded(output)
    rows, columns = torch.nonzero(score > VOTE, as_tuple=True)
    at = lambda map: map[0, :, rows, columns].T.numpy()
    score, box = score[rows, columns].numpy(), at(box)
    values = np.c_[score, box[:, :2] - box[:, 2:] / 2, box[:, 2:], at(landmarks)]
    values = values[np.argsort(-score)]
    found = []
    while len(values) and values[0, 0] > threshold:
        same = iou(values[0, 1:5], values[:, 1:5]) > SAME_FACE_IOU
        mean = np.average(values[same], axis=0, weights=values[same, 0])
        found.append(np.r_[values[0, 0], mean[1:]])
        values = values[~same]
    return np.array(found).reshape(-1, 15)


def figures(network, photos):
    """Recall on labelled faces of at least 10 % of the photo's height, errors of their boxes and
    landmarks, and false faces."""
    wanted, right, overlap, apart, false, searched = 0, 0, [], [], 0, 0
    for number in np.linspace(0, len(photos) - 1, min(PHOTOS, len(photos))).astype(int):
        photo, labelled = photos[number]
        found = find(network, photo)
        searched += 1
        for face in found:
            false += not len(labelled.box) or iou(face[1:5], labelled.box).max() < 0.2
        confident = labelled.confident
        for box, landmarks in zip(labelled.box[confident], labelled.landmarks[confident]):
            if box[3] < 0.1 * photo.shape[0]:
                continue
            wanted += 1
            overlaps = iou(box, found[:, 1:5]) if len(found) else np.zeros(1)
            if overlaps.max() < 0.5:
                continue
            right += 1
            overlap.append(overlaps.max())
            distance = np.linalg.norm(
                found[overlaps.argmax(), 5:].reshape(5, 2) - landmarks, axis=1
            ).mean()
            apart.append(distance / box[2])
    return (
        f"  {right} of {wanted} faces, mean IoU {np.mean(overlap or 0):.3f},"
        f" landmarks {100 * np.mean(apart or 0):.1f} % of the width off;"
        f" {false} false faces in {searched} photos"
    )


@torch.no_grad()
def refiner_figures(network, batches):
    """Classification errors on held-out crops, and errors of boxes and landmarks."""
    scores, overlaps, apart, twins = [], [], [], []
    for images, face, box, landmarks, weight, mirrored in batches:
        output = network(torch.from_numpy(images).float())
        scores.append(np.c_[torch.sigmoid(output[:, 0]).numpy(), face])
        centre, size, points = (part.numpy() for part in refiner.decoded(output))
        known = (face > 0) & (weight == 1)
        off = (
            (centre - box[:, :2] - box[:, 2:] / 2)
            / box[:, 2:]
            * np.c_[mirrored, np.ones(len(mirrored))]
        )
        first, second = np.split(np.c_[off, np.log(size / box[:, 2:])][face > 0], 2)
        twins.append(abs(first - second).max(1))
        apart.append((np.linalg.norm(points - landmarks, axis=2).mean(1) / box[:, 2])[known])
        low = np.maximum(centre - size / 2, box[:, :2])
        high = np.minimum(centre + size / 2, box[:, :2] + box[:, 2:])
        both = np.prod(np.maximum(high - low, 0), 1)
        overlaps.append((both / (np.prod(size, 1) + np.prod(box[:, 2:], 1) - both))[face > 0])
    scores = np.concatenate(scores)
    faces, others = scores[scores[:, 1] == 1, 0], scores[scores[:, 1] == 0, 0]
    twins, apart = np.concatenate(twins), np.concatenate(apart)
    return (
        f"  faces below .5: {100 * (faces < 0.5).mean():.2f} %,"
        f" others above: {100 * (others > 0.5).mean():.2f} %,"
        f" twins {100 * twins.mean():.2f} %, 95th {100 * np.quantile(twins, 0.95):.2f} %,"
        f" IoU {np.concatenate(overlaps).mean():.4f},"
        f" landmarks {100 * (apart.mean() if len(apart) else 0):.2f} %"
    )
