"""The refiner: a small network that judges one proposal at a time.

It sees a crop of the original photo, where the face has more pixels than in the detector's input,
and returns a score, a box and landmarks, as the last network of a cascade does (Zhang et al.,
"Joint Face Detection and Alignment Using Multi-task Cascaded Convolutional Networks", 2016).
"""

import torch
from torch import nn
from torch.nn import functional as F

from common.layers import Convolution, Residual

from .frames import MIRRORED_LANDMARKS
from .network import FRAME
from .targets import iou

# The crop is a square of CROP_SCALE × the box's longer side, at SIDE pixels.
SIDE, CROP_SCALE = 64, 1.4
# Multiples of 16, the rows of tract's kernel.
STEM, WIDTHS = 32, (32, 64)
# The log-odds of a face; the box's centre from the crop's, in crop sides; the logarithms of width
# and height in crop sides; five landmarks from the crop's centre, in crop sides.
OUTPUTS = 1 + 4 + 10
BOX_COST, LANDMARK_COST = 4.0, 20.0
# The cost of different outputs for two crops of the same face.
TWIN_COST = 3.0
# The share of faces in a batch.
FACES = 0.55


class Refiner(nn.Module):
    """N × 3 × 64 × 64, 0 to 255, to N × 15."""

    def __init__(self):
        super().__init__()
        steps, before = [Convolution(3, STEM, 4, side=6, padding=0)], STEM
        for width in WIDTHS:
            steps += [Convolution(before, width, 2), Residual(width), Residual(width)]
            before = width
        self.features = nn.Sequential(*steps)
        places = (SIDE // 4 // 2 ** len(WIDTHS)) ** 2
        self.head = nn.Linear(before * places, OUTPUTS)

    def forward(self, x):
        return self.head(self.features((F.pad(x, [FRAME] * 4) - 127.5) / 128).flatten(1))


def twins(batch):
    """How many faces of a batch appear twice."""
    return round(FACES * batch / 2)


def cost(output, face, box, landmarks, landmark_weight, mirrored):
    """The cost of a batch.

    `face` is N, 1 or 0. `box` (left, top, width, height) and `landmarks` are in pixels of the crop.
    `mirrored` is N, −1 or 1.
    """
    of_scores = F.binary_cross_entropy_with_logits(output[:, 0], face)
    faces = face > 0
    centre, size, points = decoded(output[faces])
    box, landmarks, weight, mirrored = (
        box[faces],
        landmarks[faces],
        landmark_weight[faces],
        mirrored[faces],
    )
    middle = box[:, :2] + box[:, 2:] / 2
    off, larger = (centre - middle) / box[:, 2:], (size / box[:, 2:]).log()
    overlap = iou(torch.cat([centre, size], 1), torch.cat([middle, box[:, 2:]], 1))
    of_boxes = ((off.abs() + larger.abs()).sum(1) + 1 - overlap).mean()
    points_off = (points - landmarks) / box[:, None, 2:3]
    of_landmarks = (points_off.abs().mean((1, 2)) * weight).sum() / weight.sum().clamp(min=1)
    across = torch.stack([mirrored, torch.ones_like(mirrored)], 1)
    upright = (
        torch.where(mirrored[:, None, None] < 0, points_off[:, MIRRORED_LANDMARKS], points_off)
        * across[:, None]
    )
    first, second = torch.cat([off * across, larger, upright.flatten(1) / 2], 1).tensor_split(2)
    of_twins = (first - second).abs().sum(1).mean()
    return of_scores + BOX_COST * of_boxes + LANDMARK_COST * of_landmarks + TWIN_COST * of_twins


def decoded(output):
    """Centre N × 2, size N × 2 and landmarks N × 5 × 2, in pixels of the crop."""
    centre = (output[:, 1:3] + 0.5) * SIDE
    size = output[:, 3:5].clamp(-4, 1).exp() * SIDE
    return centre, size, (output[:, 5:].view(-1, 5, 2) + 0.5) * SIDE
