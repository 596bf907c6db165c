"""Crops and the teacher's answers for them, kept for several steps. To make them takes longer than
a decoupled step."""

from types import SimpleNamespace

import torch


class Kept:
    """A `lesson` without labels, whose batches are drawn from the last `size` crops. Every call
    makes `fresh` new ones, and the first a whole batch. Crops and answers are kept as float16.

    `crops` says how many of a batch are needed of maps of each side, and of the maps after them.
    """

    def __init__(self, lesson, size, fresh, crops):
        self.lesson, self.size, self.fresh, self.crops = lesson, size, fresh, crops
        self.made, self.tensors = 0, None

    def __call__(self, count, draw, ahead):
        self.keep(*self.lesson(self.fresh if self.made else count, draw, ahead))
        which = torch.from_numpy(draw.integers(0, min(self.made, self.size), count))
        needed = [self.crops.get(str(tensor.shape[-1]), count) for tensor in self.tensors]
        needed = map(max, needed, [0, *needed])
        crops, *features = (x[which[:some]].float() for x, some in zip(self.tensors, needed))
        return SimpleNamespace(crops=crops), features

    def keep(self, seen, features):
        new = [torch.as_tensor(seen.crops), *features]
        if self.tensors is None:
            self.tensors = [*map(self.empty, new)]
        places = torch.arange(self.made, self.made + len(new[0])) % self.size
        for kept, values in zip(self.tensors, new):
            kept[places] = values.half()
        self.made += len(places)

    def empty(self, x):
        layout = torch.channels_last if x.ndim == 4 else torch.contiguous_format
        shape = self.size, *x.shape[1:]
        return torch.empty(shape, dtype=torch.half, device=x.device, memory_format=layout)
