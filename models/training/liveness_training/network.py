"""The networks: a patch stem, then plain 3 × 3 convolutions of many channels on small maps, where tract spends its time
in the matrix product instead of in laying out its operands."""

import torch
from torch import nn

from .crops import CLOSE_SIDE, NEAR_SIDE

# Of each step of the sides, the channels: 24 and 18 million multiplications.
CLOSE_WIDTHS = (40, 64, 96)
NEAR_WIDTHS = (48, 64, 96)
STEM, STEM_STRIDE = 6, 4


class Convolution(nn.Sequential):
    def __init__(self, before, after, stride=1, relu=True, side=3, padding=1):
        layers = [nn.Conv2d(before, after, side, stride, padding, bias=False), nn.BatchNorm2d(after)]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if relu else []))


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.second = Convolution(width, width), Convolution(width, width, relu=False)

    def forward(self, x):
        return torch.relu(x + self.second(self.first(x)))


class Network(nn.Module):
    """N × 3 × S × S, 0 to 255, to N × 1: the log-odds that the face is an attack."""

    def __init__(self, side, widths):
        super().__init__()
        steps, before = [Convolution(3, widths[0], STEM_STRIDE, side=STEM, padding=0)], widths[0]
        last = (side - STEM) // STEM_STRIDE + 1
        for width in widths[1:]:
            steps += [Convolution(before, width, 2), Residual(width)]
            before, last = width, (last + 1) // 2
        self.features = nn.Sequential(*steps)
        # Weighs every place for each channel, as Silent-Face does instead of a mean over all places.
        self.pool = nn.Conv2d(before, before, last, groups=before, bias=False)
        self.norm, self.drop, self.head = nn.BatchNorm1d(before), nn.Dropout(0.1), nn.Linear(before, 1)

    def embed(self, x):
        """N × 96: what the last layer makes the log-odds from."""
        return self.norm(self.pool(self.features((x - 127.5) / 128)).flatten(1))

    def forward(self, x):
        return self.head(self.drop(self.embed(x)))


class Pair(nn.Module):
    """Both networks; the mean of their log-odds is the answer."""

    def __init__(self):
        super().__init__()
        self.close, self.near = Network(CLOSE_SIDE, CLOSE_WIDTHS), Network(NEAR_SIDE, NEAR_WIDTHS)

    def parts(self):
        return self.close, self.near

    def forward(self, close, near):
        return self.close(close)[:, 0], self.near(near)[:, 0]
