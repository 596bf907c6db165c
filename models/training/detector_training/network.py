"""The detector's network: a patch stem and 3 × 3 convolutions down to cells of 32 pixels.

The coarse features are then spread back to cells of 8 pixels, where the outputs are. Fully
convolutional.
"""

import numpy as np
import torch
from torch import nn

from common.layers import Convolution, Residual

STRIDE = 8
STEM, WIDTHS = 24, (32, 64, 96)
# The log-odds of a face's centre; the centre's offset in box sides; the logarithms of width and
# height in cells; five landmarks.
OUTPUTS = 1 + 4 + 10
# The width in pixels of the black border around the input of the ONNX files.
FRAME = 1


def in_frame(image):
    """N × 3 × H × W inside a black border."""
    return np.pad(image, [(0, 0), (0, 0), (FRAME, FRAME), (FRAME, FRAME)])


class Up(nn.Module):
    """Doubles the sides: a 1 × 1 convolution to four times the channels, each four laid out as 2 ×
    2 places."""

    def __init__(self, before, after):
        super().__init__()
        self.spread = Convolution(before, 4 * after, activation=None, side=1, padding=0)

    def forward(self, coarse, fine):
        return torch.relu(fine + nn.functional.pixel_shuffle(self.spread(coarse), 2))


class Detector(nn.Module):
    """N × 3 × H × W, 0 to 255, H and W multiples of 32, to N × 15 × H/8 × W/8."""

    def __init__(self):
        super().__init__()
        self.stem = Convolution(3, STEM, 4, side=6, padding=0)
        steps, before = [], STEM
        for width in WIDTHS:
            steps.append(nn.Sequential(Convolution(before, width, 2), Residual(width)))
            before = width
        self.down = nn.ModuleList(steps)
        self.up = nn.ModuleList([Up(WIDTHS[2], WIDTHS[1]), Up(WIDTHS[1], WIDTHS[0])])
        self.mix, self.head = Convolution(WIDTHS[0], WIDTHS[0]), nn.Conv2d(WIDTHS[0], OUTPUTS, 1)
        nn.init.constant_(self.head.bias, 0)
        nn.init.constant_(self.head.bias[:1], -4.0)

    def forward(self, x):
        x = self.stem((nn.functional.pad(x, [FRAME] * 4) - 127.5) / 128)
        eighth = self.down[0](x)
        sixteenth = self.down[1](eighth)
        coarse = self.down[2](sixteenth)
        return self.head(self.mix(self.up[1](self.up[0](coarse, sixteenth), eighth)))
