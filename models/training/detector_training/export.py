"""The networks as ONNX files. The detector's sides stay open: it runs at several."""

from pathlib import Path

import numpy as np
import torch

from common.layers import Residual
from common.onnx_files import Graph, write

from .frames import HEIGHT, WIDTH
from .network import FRAME, OUTPUTS, STRIDE, Detector, in_frame
from .refiner import SIDE, Refiner


def framed(*sides):
    """The sides of an input including the black border that the files expect.

    At run time padding would copy the whole input.
    """
    return [side + 2 * FRAME for side in sides]


def to_onnx(network):
    graph = Graph()
    x = graph.convolution("image", network.stem, of_pixels=True)
    levels = []
    for convolution, residual in network.down:
        x = graph.residual(graph.convolution(x, convolution), residual)
        levels.append(x)
    for up, fine in zip(network.up, reversed(levels[:-1])):
        spread = graph.convolution(x, up.spread)
        # PyTorch's pixel_shuffle lays out channels in the order CRD.
        places = graph.add("DepthToSpace", [spread], blocksize=2, mode="CRD")
        x = graph.add("Relu", [graph.add("Add", [fine, places])])
    x = graph.convolution(x, network.mix)
    inputs = [
        x,
        graph.constant(network.head.weight, half=True),
        graph.constant(network.head.bias, half=False),
    ]
    graph.add("Conv", inputs, "maps", kernel_shape=[1, 1])
    maps = [1, OUTPUTS, f"height / {STRIDE}", f"width / {STRIDE}"]
    return graph.file("faces", ("image", [1, 3, "height", "width"]), ("maps", maps))


def refiner_to_onnx(network):
    graph = Graph()
    x = graph.convolution("image", network.features[0], of_pixels=True)
    for layer in network.features[1:]:
        x = graph.residual(x, layer) if isinstance(layer, Residual) else graph.convolution(x, layer)
    inputs = [graph.add("Flatten", [x]), graph.constant(network.head.weight, half=True)]
    graph.add("Gemm", [*inputs, graph.constant(network.head.bias, half=False)], "face", transB=1)
    return graph.file("refiner", ("image", [1, 3, *framed(SIDE, SIDE)]), ("face", [1, OUTPUTS]))


def export(out, name, target):
    """Writes TARGET/detector.onnx or, from a refiner's weights, TARGET/refiner.onnx."""
    weights = torch.load(Path(out) / f"{name}.pt")
    is_refiner = "features.0.0.weight" in weights
    network = Refiner() if is_refiner else Detector()
    network.load_state_dict(weights)
    network.eval()
    file = refiner_to_onnx(network) if is_refiner else to_onnx(network)
    path = Path(target) / ("refiner.onnx" if is_refiner else "detector.onnx")
    sides = (SIDE, SIDE) if is_refiner else (HEIGHT, WIDTH)
    images = np.random.default_rng(0).integers(0, 256, (4, 1, 3, *sides)).astype(np.float32)
    write(path, file, network, [(image, in_frame(image)) for image in images])
