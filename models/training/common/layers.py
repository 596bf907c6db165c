"""The layers of every network: convolutions with batch norm, in residual pairs."""

import torch
from torch import nn


class Convolution(nn.Sequential):
    def __init__(self, before, after, stride=1, relu=True, side=3, padding=1, momentum=0.1):
        layers = [
            nn.Conv2d(before, after, side, stride, padding, bias=False),
            nn.BatchNorm2d(after, momentum=momentum),
        ]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if relu else []))


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.second = Convolution(width, width), Convolution(width, width, relu=False)

    def forward(self, x):
        return torch.relu(x + self.second(self.first(x)))
