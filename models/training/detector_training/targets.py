"""The detector's targets, cell by cell, and its cost."""

import numpy as np
import torch
from torch.nn import functional as F

from .frames import HEIGHT, WIDTH
from .network import STRIDE

ROWS, COLUMNS = HEIGHT // STRIDE, WIDTH // STRIDE
# The distance from a face's centre up to which cells answer for it, relative to the box; at least
# the cell that holds it.
REACH, MIN_REACH = 0.18, 0.71
# The targets of an answering cell: centre and size of the box, and the landmarks, in pixels.
GEOMETRY = 4 + 10
SCORE_COST, BOX_COST, LANDMARK_COST = 2.5, 3.0, 5.0


def encoded(faces):
    """`score` is R × C: 1 at a face's centre, less around it, −1 where ignored. `geometry` is
    14 × R × C."""
    score = np.zeros((ROWS, COLUMNS), np.float32)
    geometry = np.zeros((GEOMETRY, ROWS, COLUMNS), np.float32)
    y, x = np.mgrid[:ROWS, :COLUMNS] + 0.5
    for box in faces.box[~faces.confident]:
        (left, top), (right, bottom) = box[:2] / STRIDE, (box[:2] + box[2:]) / STRIDE
        score[(x > left - 0.5) & (x < right + 0.5) & (y > top - 0.5) & (y < bottom + 0.5)] = -1
    # The smallest last, because it has the fewest cells.
    for i in sorted(np.flatnonzero(faces.confident), key=lambda i: -faces.box[i, 3]):
        size = faces.box[i, 2:] / STRIDE
        centre = faces.box[i, :2] / STRIDE + size / 2
        reach = np.maximum(REACH * size, MIN_REACH)
        distance = ((x - centre[0]) / reach[0]) ** 2 + ((y - centre[1]) / reach[1]) ** 2
        near = np.exp(-distance)
        near[int(np.clip(centre[1], 0, ROWS - 1)), int(np.clip(centre[0], 0, COLUMNS - 1))] = 1
        answers = (near > np.maximum(score, 0)) & (near > 0.3)
        score = np.where(
            (score >= 0) | answers, np.maximum(score, np.where(near > 0.05, near, 0)), score
        ).astype(np.float32)
        geometry[:4, answers] = np.r_[centre * STRIDE, size * STRIDE][:, None]
        geometry[4:, answers] = faces.landmarks[i].reshape(10, 1)
    return score, geometry


def decoded(output):
    """The boxes (N × 4 × R × C: centre, size) and landmarks (N × 10 × R × C) in pixels."""
    rows, columns = output.shape[2:]
    y = (torch.arange(rows, device=output.device) + 0.5).view(1, 1, -1, 1) * STRIDE
    x = (torch.arange(columns, device=output.device) + 0.5).view(1, 1, 1, -1) * STRIDE
    size = torch.exp(output[:, 3:5].clamp(-2, 5)) * STRIDE
    centre = torch.cat([x + output[:, 1:2] * size[:, :1], y + output[:, 2:3] * size[:, 1:]], 1)
    landmarks = centre.repeat(1, 5, 1, 1) + output[:, 5:] * size.repeat(1, 5, 1, 1)
    return torch.cat([centre, size], 1), landmarks


def cost(output, score, geometry):
    """The quality focal loss of the score, plus box and landmark costs of the answering cells.

    Li et al., "Generalized Focal Loss", 2020. Distances of boxes and landmarks are relative to the
    box; 1 − IoU is added.
    """
    known, chance = score >= 0, torch.sigmoid(output[:, 0])
    entropy = F.binary_cross_entropy_with_logits(output[:, 0], score.clamp(min=0), reduction="none")
    faces = (score == 1).sum().clamp(min=1)
    of_scores = (entropy * (chance - score).abs() ** 2 * known).sum() / faces
    answers = (geometry[:, 2] > 0) & (score > 0.3)
    weight = score[answers]
    box, landmarks = (part.permute(0, 2, 3, 1)[answers] for part in decoded(output))
    true_box, true_landmarks = (
        part.permute(0, 2, 3, 1)[answers] for part in (geometry[:, :4], geometry[:, 4:])
    )
    size = true_box[:, 2:]
    mean = lambda values: (values * weight).sum() / weight.sum().clamp(min=1)
    apart = (box[:, :2] - true_box[:, :2]).abs() / size + (box[:, 2:] / size).log().abs()
    of_landmarks = ((landmarks - true_landmarks).abs() / size.repeat(1, 5)).mean(1)
    return (
        SCORE_COST * of_scores
        + BOX_COST * mean(apart.sum(1) + 1 - iou(box, true_box))
        + LANDMARK_COST * mean(of_landmarks)
    )


def iou(a, b):
    low = torch.maximum(a[:, :2] - a[:, 2:] / 2, b[:, :2] - b[:, 2:] / 2)
    high = torch.minimum(a[:, :2] + a[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2)
    both = (high - low).clamp(min=0).prod(1)
    return both / (a[:, 2:].prod(1) + b[:, 2:].prod(1) - both).clamp(min=1e-6)
