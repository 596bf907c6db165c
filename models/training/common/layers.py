"""The layers of every network: convolutions with batch norm, in residual pairs."""

import torch
from torch import nn


def relu(_channels):
    return nn.ReLU(inplace=True)


class Convolution(nn.Sequential):
    """`activation` makes the layer after the norm, for a number of channels."""

    def __init__(
        self,
        before,
        after,
        stride=1,
        activation=relu,
        side=3,
        padding=1,
        momentum=0.1,
        groups=1,
    ):
        layers = [
            nn.Conv2d(before, after, side, stride, padding, groups=groups, bias=False),
            nn.BatchNorm2d(after, momentum=momentum),
        ]
        super().__init__(*layers, *([activation(after)] if activation else []))


class Slopes(nn.Module):
    """PReLU with a slope a channel. PyTorch's own takes half of a stem's time on a core."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, 1, 1), 0.1))

    def forward(self, x):
        return torch.where(x > 0, x, x * self.weight)


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = Convolution(width, width)
        self.second = Convolution(width, width, activation=None)

    def forward(self, x):
        return torch.relu(x + self.second(self.first(x)))
