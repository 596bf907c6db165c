"""The networks: a patch stem, then 3 × 3 convolutions with many channels on small maps.

In this shape tract spends its time in the matrix product, not in laying out operands.
"""

from torch import nn

from common.layers import Convolution, Residual

from .crops import CONTEXT_SIDE, TIGHT_SIDE

# The channels after each halving: 24 and 18 million multiplications.
TIGHT_WIDTHS = (40, 64, 96)
CONTEXT_WIDTHS = (48, 64, 96)
STEM, STEM_STRIDE = 6, 4


class Network(nn.Module):
    """N × 3 × S × S, 0 to 255, to N × 1: the log-odds of a presentation attack."""

    def __init__(self, side, widths):
        super().__init__()
        steps, before = [Convolution(3, widths[0], STEM_STRIDE, side=STEM, padding=0)], widths[0]
        last = (side - STEM) // STEM_STRIDE + 1
        for width in widths[1:]:
            steps += [Convolution(before, width, 2), Residual(width)]
            before, last = width, (last + 1) // 2
        self.features = nn.Sequential(*steps)
        # Learns a weight for each place of each channel, as Silent-Face does, instead of averaging.
        self.pool = nn.Conv2d(before, before, last, groups=before, bias=False)
        self.norm, self.drop, self.head = (
            nn.BatchNorm1d(before),
            nn.Dropout(0.1),
            nn.Linear(before, 1),
        )

    def embed(self, x):
        """N × 96: the input of the last layer."""
        return self.norm(self.pool(self.features((x - 127.5) / 128)).flatten(1))

    def forward(self, x):
        return self.head(self.drop(self.embed(x)))


class Pair(nn.Module):
    """Both networks; the mean of their log-odds is the answer."""

    def __init__(self):
        super().__init__()
        self.tight, self.context = (
            Network(TIGHT_SIDE, TIGHT_WIDTHS),
            Network(CONTEXT_SIDE, CONTEXT_WIDTHS),
        )

    def parts(self):
        return self.tight, self.context

    def forward(self, tight, context):
        return self.tight(tight)[:, 0], self.context(context)[:, 0]
