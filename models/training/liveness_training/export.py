"""The networks as ONNX files.

Batch norms are folded into the convolutions. Weights are stored as float16 behind a Cast that a
runtime folds when it loads the file; arithmetic stays float32.
"""

from pathlib import Path

import numpy as np
import torch

from common.layers import Residual
from common.onnx_files import Graph, folded, write

from .crops import CONTEXT_SIDE, TIGHT_SIDE
from .network import Pair


def to_onnx(network, side):
    graph = Graph()
    x = graph.convolution("image", network.features[0], of_pixels=True)
    for layer in network.features[1:]:
        x = graph.residual(x, layer) if isinstance(layer, Residual) else graph.convolution(x, layer)
    weight, bias = folded(network.pool.weight, network.norm)
    inputs = [x, graph.constant(weight, half=True), graph.constant(bias, half=False)]
    x = graph.add("Conv", inputs, group=weight.shape[0], kernel_shape=list(weight.shape[2:]))
    inputs = [graph.add("Flatten", [x]), graph.constant(network.head.weight, half=True)]
    graph.add(
        "Gemm", [*inputs, graph.constant(network.head.bias, half=False)], "log_odds", transB=1
    )
    return graph.file("liveness", ("image", [1, 3, side, side]), ("log_odds", [1, 1]))


def export(out, name, target):
    """Writes TARGET/tight.onnx and context.onnx."""
    pair = Pair()
    pair.load_state_dict(torch.load(Path(out) / f"{name}.pt"))
    pair.eval()
    for part, side in (("tight", TIGHT_SIDE), ("context", CONTEXT_SIDE)):
        network = getattr(pair, part)
        draw = np.random.default_rng(0)
        images = draw.integers(0, 256, (20, 1, 3, side, side)).astype(np.float32)
        write(Path(target) / f"{part}.onnx", to_onnx(network, side), network, zip(images, images))
