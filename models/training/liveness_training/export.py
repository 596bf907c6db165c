"""The networks as ONNX files.

Batch norms are folded into the convolutions. Weights are stored as float16 behind a Cast that a
runtime folds when it loads the file; arithmetic stays float32.
"""

from pathlib import Path

import numpy as np

from common.onnx_files import Graph, folded, write

from .crop import SIDE
from .network import Gate, Residual, is_exported, layers, load
from .teachers import BONA_FIDE

# The bound of the logits of attacks, relative to that of live faces: Exp must not overflow.
MAX_LOG_ODDS = 40.0


def to_onnx(network):
    graph = Graph()
    # Convolutions pad with zeros: the mean grey, not black.
    x = graph.add("Sub", ["crop", graph.constant(np.full((1, 1, 1, 1), 127.5))])
    *blocks, (last, pool, norm) = network.blocks
    for i, block in enumerate(blocks):
        y = x
        for j, layer in enumerate(layers(block)):
            if isinstance(layer, Gate):
                y = gate(graph, y, layer)
            else:
                y = graph.convolution(y, layer, of_centred=i == j == 0)
        x = graph.add("Add", [x, y]) if isinstance(block, Residual) else y
    weight, bias = folded(pool.weight, norm)
    inputs = [graph.convolution(x, last), graph.constant(weight, half=True), graph.constant(bias)]
    x = graph.add("Conv", inputs, group=weight.shape[0], kernel_shape=list(weight.shape[2:]))
    log_odds(graph, graph.add("Flatten", [x]), network.head)
    return graph.file("liveness", ("crop", [1, 3, SIDE, SIDE]), ("log_odds", [1, 1]))


def gate(graph, x, layers):
    def dense(x, layer):
        inputs = [x, graph.constant(layer.weight, half=True), graph.constant(layer.bias)]
        return graph.add("Conv", inputs, kernel_shape=[1, 1])

    y = dense(graph.add("GlobalAveragePool", [x]), layers.first)
    y = dense(graph.add("Relu", [y]), layers.second)
    return graph.add("Mul", [x, graph.add("Sigmoid", [y])])


def log_odds(graph, x, head):
    """The logarithm of the sum of exp(attack − live) over both classes of attacks."""
    attacks = lambda values: values[[0, 2]] - values[BONA_FIDE]
    inputs = [graph.constant(attacks(head.weight), half=True), graph.constant(attacks(head.bias))]
    x = graph.add("Gemm", [x, *inputs], transB=1)
    bounds = [graph.constant(-MAX_LOG_ODDS), graph.constant(MAX_LOG_ODDS)]
    x = graph.add("Exp", [graph.add("Clip", [x, *bounds])])
    x = graph.add("ReduceSum", [x, graph.constant(np.array([1]))], keepdims=1)
    graph.add("Log", [x], "log_odds")


def export(out, names, target):
    """Writes TARGET/PART.onnx for every part."""
    crops = np.random.default_rng(0).integers(0, 256, (20, 1, 3, SIDE, SIDE)).astype(np.float32)
    for part, name in names.items():
        if is_exported(name):
            continue
        network = load(out, name, part)
        file = to_onnx(network)
        write(Path(target) / f"{part}.onnx", file, network.attack_log_odds, zip(crops, crops))
