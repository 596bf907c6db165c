"""The student: the teacher's stages, built from dense convolutions.

The teachers use depthwise convolutions, which tract runs slowly. A bottleneck of dense 3 × 3
convolutions on few channels takes less time and imitates them. The maps between stages have the
teacher's shape, so each stage can learn from its teacher's.
"""

from pathlib import Path

import torch
from torch import nn

from common.layers import Convolution

# Of the running means in batch norms. Slow: a batch is 32 crops.
MOMENTUM = 0.02
# The teacher's channels after the first stem and after the two later ones, fixed by its maps.
NARROW, WIDE = 64, 128
# The channels inside the three stems and inside the bottlenecks of each chain, chosen by their time
# in tract.
STEM, STEM_2, STEM_3 = 16, 96, 96
CHAINS = (32,), (64, 40), (24,)
# Of the last layer, where the teacher has 512.
EMBEDDING, TEACHER_EMBEDDING = 256, 512
# MiniFASNetV1SE and MiniFAS 128 have squeeze-and-excitation at the end of each chain, and so have
# their students.
GATED = {"context": False, "wide": True, "tight": True}


def convolution(before, after, side=3, stride=1, relu=True):
    return Convolution(before, after, stride, relu, side, side // 2, MOMENTUM)


class Gate(nn.Module):
    """Squeeze-and-excitation (Hu et al., 2018)."""

    def __init__(self, width):
        super().__init__()
        self.first, self.second = nn.Conv2d(width, width // 4, 1), nn.Conv2d(width // 4, width, 1)

    def forward(self, x):
        mean = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.second(torch.relu(self.first(mean))))


class Bottleneck(nn.Module):
    def __init__(self, width, inner, gated):
        super().__init__()
        self.body = nn.Sequential(
            convolution(width, inner, 1),
            convolution(inner, inner),
            convolution(inner, width, 1, relu=False),
            *([Gate(width)] if gated else []),
        )

    def forward(self, x):
        return x + self.body(x)


def chain(width, inner, gated):
    last = len(inner) - 1
    return nn.Sequential(
        *(Bottleneck(width, channels, gated and i == last) for i, channels in enumerate(inner))
    )


class Student(nn.Module):
    """N × 3 × 80 × 80, 0 to 255, to N × 3 logits, as its teacher."""

    def __init__(self, gated):
        super().__init__()
        first, second, third = CHAINS
        self.stages = nn.ModuleList(
            [
                nn.Sequential(
                    convolution(3, STEM, stride=2),
                    convolution(STEM, NARROW, stride=2),
                    convolution(NARROW, NARROW, 1, relu=False),
                ),
                chain(NARROW, first, gated),
                nn.Sequential(
                    convolution(NARROW, STEM_2, stride=2),
                    convolution(STEM_2, WIDE, 1, relu=False),
                ),
                chain(WIDE, second, gated),
                nn.Sequential(
                    convolution(WIDE, STEM_3, stride=2),
                    convolution(STEM_3, WIDE, 1, relu=False),
                ),
                chain(WIDE, third, gated),
                nn.Sequential(
                    convolution(WIDE, EMBEDDING, 1),
                    # A weight for each place of each channel, instead of a mean.
                    nn.Conv2d(EMBEDDING, EMBEDDING, 5, groups=EMBEDDING, bias=False),
                    nn.BatchNorm2d(EMBEDDING, momentum=MOMENTUM),
                    nn.Flatten(),
                ),
            ]
        )
        self.head = nn.Linear(EMBEDDING, 3)

    def forward(self, x):
        x = normalised(x)
        for stage in self.stages:
            x = stage(x)
        return self.head(x)

    def attack_log_odds(self, x):
        """N × 1."""
        return attack_log_odds(self(x))[:, None]


class Distilled(nn.Module):
    """What a run trains and saves: the student, and the layer that predicts the teacher's 512
    features from its own."""

    def __init__(self, part):
        super().__init__()
        self.network = Student(GATED[part])
        self.hint = nn.Linear(EMBEDDING, TEACHER_EMBEDDING)


def normalised(crops):
    return (crops - 127.5) / 128


def attack_log_odds(logits):
    """N: both classes of attacks against that of live faces."""
    return torch.logsumexp(logits[:, [0, 2]], 1) - logits[:, 1]


def load(out, name, part):
    """The student of OUT/NAME.pt."""
    distilled = Distilled(part)
    distilled.load_state_dict(torch.load(Path(out) / f"{name}.pt"))
    return distilled.network.eval()
