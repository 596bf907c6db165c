"""Weights that training can go on from, from an exported network.

Batch norms are folded into the file's convolutions. Here they change nothing, so go on with
`frozen_norms`.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from common.layers import Convolution

from .network import Gate, Student, layers
from .teachers import BONA_FIDE


def resume(out, part, file, name):
    """Writes OUT/NAME.pt."""
    student = Student(part)
    stored = parameters(onnx.load(file).graph)
    first = next(layer for layer in student.modules() if isinstance(layer, Convolution))
    with torch.no_grad():
        for layer in folded_layers(student):
            if isinstance(layer, torch.nn.Conv2d):
                restore(layer, *next(stored))
                continue
            convolution, norm, *activation = layer
            weight, bias = next(stored)
            # The file's first convolution scales the pixels itself.
            convolution.weight.copy_(weight * 128 if layer is first else weight)
            unfold(norm, bias)
            for slopes in activation:
                slopes.weight.copy_(*next(stored))
        # The file has the attacks' logits, relative to the live one's.
        weight, bias = next(stored)
        attacks = [i for i in range(student.head.out_features) if i != BONA_FIDE]
        student.head.weight.zero_()[attacks] = weight
        student.head.bias.zero_()[attacks] = bias
    torch.save(student.state_dict(), Path(out) / f"{name}.pt")


def folded_layers(student):
    """What has weights in the file, in its order, but for the last layer: convolutions with a norm,
    and those of gates."""
    for block in student.blocks[:-1]:
        for layer in layers(block):
            yield from (layer.first, layer.second) if isinstance(layer, Gate) else (layer,)
    last, pool, norm = student.blocks[-1]
    yield from (last, (pool, norm))


def restore(convolution, weight, bias):
    convolution.weight.copy_(weight)
    convolution.bias.copy_(bias)


def unfold(norm, bias):
    """The norm only adds the bias."""
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
    norm.weight.fill_(1)
    norm.bias.copy_(bias)


def parameters(graph):
    """The weights of each node that has some."""
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    arrays |= {n.output[0]: arrays[n.input[0]] for n in graph.node if n.op_type == "Cast"}
    for node in graph.node:
        if node.op_type in ("Conv", "PRelu", "Gemm"):
            values = (arrays[name] for name in node.input if name in arrays)
            yield [torch.from_numpy(array.astype(np.float32)) for array in values]
