"""Makes a shipped ONNX file into weights that training can continue from.

The file's convolutions have their batch norms folded in. Norms are added that leave the outputs for
a sample of pictures unchanged.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from common.layers import Convolution

from .network import Detector
from .refiner import Refiner
from .refiner_crops import RefinerCrops
from .train import Frames

PICTURES = 256


def resume(file, out, config, target):
    """Writes OUT/TARGET.pt from an ONNX file that `export` wrote. CONFIG is that of the run that
    will continue."""
    network, batches = (Refiner(), RefinerCrops) if "crops" in config else (Detector(), Frames)
    images = next(iter(batches(out, {**config, "batch": PICTURES})))[0]
    put_back(network, file, torch.from_numpy(images).float())
    torch.save(network.state_dict(), Path(out) / f"{target}.pt")


@torch.no_grad()
def put_back(network, file, images):
    """The network's modules and the file's weights, each with its bias, have the same order."""
    arrays = [
        torch.from_numpy(numpy_helper.to_array(a).astype(np.float32))
        for a in onnx.load(file).graph.initializer
    ]
    layers = [m for m in network.modules() if isinstance(m, Convolution)] + [network.head]
    network.eval()
    for layer, weight, bias in zip(layers, arrays[::2], arrays[1::2], strict=True):
        if layer is network.head:
            layer.weight.copy_(weight), layer.bias.copy_(bias)
            continue
        if layer is layers[0]:
            # The file takes pixels; the network normalises them itself.
            bias, weight = bias + weight.sum((1, 2, 3)) * 127.5, weight * 128
        convolution, norm = layer[0], layer[1]
        convolution.weight.copy_(weight)
        seen = []
        hook = convolution.register_forward_hook(lambda _, __, output: seen.append(output))
        network(images)
        hook.remove()
        mean, variance = seen[0].mean((0, 2, 3)), seen[0].var((0, 2, 3))
        norm.running_mean.copy_(mean), norm.running_var.copy_(variance)
        norm.weight.copy_(torch.sqrt(variance + norm.eps)), norm.bias.copy_(bias + mean)
