"""The student: MiniFASNet, with the widths that its teacher has, from random weights.

Every block has the input and the output of one of the teacher's, so each can learn from the
teacher's maps by itself.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from common.layers import Convolution, Slopes
from common.onnx_files import session

# Of the running means in batch norms. Slow: a block may see 8 crops.
MOMENTUM = 0.02
# Channels inside the stem, and of the maps before and after the second halving.
STEM, NARROW, WIDE = (32, 103), 64, 128
# Channels inside the two blocks that halve the map.
HALVINGS = 231, 308
FEATURES, CLASSES = 512, 3


@dataclass(frozen=True)
class Shape:
    chains: tuple
    """The channels inside each residual block, for maps of 20, 10 and 5 cells."""
    gated: bool
    """The last block of each chain ends with squeeze-and-excitation."""


SHAPES = {
    "context": Shape(((13, 13, 13, 13), (231, 52, 26, 77, 26, 26), (26, 26)), gated=False),
    "wide": Shape(((13, 26, 13, 52), (154, 52, 26, 52, 26, 26), (26, 26)), gated=True),
    "tight": Shape(((13, 13, 13, 13), (231, 52, 26, 77, 26, 26), (26, 26)), gated=True),
}


def convolution(before, after, side=1, stride=1, groups=1, active=True):
    activation = Slopes if active else None
    return Convolution(before, after, stride, activation, side, side // 2, MOMENTUM, groups)


def depthwise(channels, stride=1):
    return convolution(channels, channels, 3, stride, groups=channels)


class Gate(nn.Module):
    """Squeeze-and-excitation (Hu et al., 2018)."""

    def __init__(self, width):
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width // 4, 1), nn.Conv2d(width // 4, width, 1)

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.second(torch.relu(self.first(mean))))


class Residual(nn.Module):
    """Adds its body's output to its input."""

    def __init__(self, width, inner, gated):
        super().__init__()
        self.body = nn.Sequential(
            convolution(width, inner),
            depthwise(inner),
            convolution(inner, width, active=False),
            *([Gate(width)] if gated else []),
        )

    def forward(self, x):
        return x + self.body(x)


def chain(width, inner, gated):
    last = len(inner) - 1
    return [Residual(width, channels, gated and i == last) for i, channels in enumerate(inner)]


def halving(before, inner, after):
    return nn.Sequential(
        convolution(before, inner), depthwise(inner, 2), convolution(inner, after, active=False)
    )


def stem():
    first, inner = STEM
    halves = convolution(3, first, 3, 2), depthwise(first)
    return nn.Sequential(*halves, *halving(first, inner, NARROW))


def features():
    """A weight for each place of each channel, instead of a mean."""
    return nn.Sequential(
        convolution(WIDE, FEATURES),
        nn.Conv2d(FEATURES, FEATURES, 5, groups=FEATURES, bias=False),
        nn.BatchNorm2d(FEATURES, momentum=MOMENTUM),
    )


class Student(nn.Module):
    """N × 3 × 80 × 80, 0 to 255, to N × 3 logits, as its teacher."""

    def __init__(self, part):
        super().__init__()
        shape = SHAPES[part]
        first, second, third = shape.chains
        self.blocks = nn.ModuleList(
            [
                stem(),
                *chain(NARROW, first, shape.gated),
                halving(NARROW, HALVINGS[0], WIDE),
                *chain(WIDE, second, shape.gated),
                halving(WIDE, HALVINGS[1], WIDE),
                *chain(WIDE, third, shape.gated),
                features(),
            ]
        )
        self.head = nn.Linear(FEATURES, CLASSES)

    def forward(self, x):
        x = normalised(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x.flatten(1))

    def attack_log_odds(self, x):
        """N × 1."""
        return attack_log_odds(self(x))[:, None]


class Exported:
    """An exported network, which scores one crop at a time."""

    def __init__(self, file):
        self.session = session(onnx.load(file))

    def log_odds(self, crops):
        """N, for N × 3 × 80 × 80."""
        crops = crops[:, None].astype(np.float32)
        return np.array([self.session.run(None, {"crop": x})[0].item() for x in crops])


def is_exported(name):
    return name.endswith(".onnx")


def normalised(crops):
    return (crops - 127.5) / 128


def attack_log_odds(logits):
    """N: both classes of attacks against that of live faces."""
    return torch.logsumexp(logits[:, [0, 2]], 1) - logits[:, 1]


def layers(block):
    """The layers of a block, without the sum of a residual one."""
    return block.body if isinstance(block, Residual) else block


def load(out, name, part):
    """The student of OUT/NAME.pt, or an exported network: NAME is then an ONNX file."""
    if is_exported(name):
        return Exported(name)
    student = Student(part)
    student.load_state_dict(torch.load(Path(out) / f"{name}.pt"))
    return student.eval()
