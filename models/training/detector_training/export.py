"""The networks as ONNX, in the manner of the liveness networks; the detector's sides stay open, for it runs at several."""

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from liveness_training.export import Graph
from liveness_training.network import Residual

from .frames import HEIGHT, WIDTH
from .network import FRAME, OUTPUTS, STRIDE, Detector, in_frame
from .refiner import SIDE, Refiner


def framed(*sides):
    """The sides of an input with the black frame that the files ask for: a runtime would copy the whole input to pad it."""
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
        # CRD is the order in which PyTorch's pixel_shuffle lays out the channels.
        places = graph.add("DepthToSpace", [spread], blocksize=2, mode="CRD")
        x = graph.add("Relu", [graph.add("Add", [fine, places])])
    x = graph.convolution(x, network.mix)
    inputs = [x, graph.constant(network.head.weight, half=True), graph.constant(network.head.bias, half=False)]
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
    """Writes TARGET/detector.onnx or, of a refiner's weights, refiner.onnx, and says how far float16 weights move an answer."""
    weights = torch.load(Path(out) / f"{name}.pt")
    is_refiner = "features.0.0.weight" in weights
    network = Refiner() if is_refiner else Detector()
    network.load_state_dict(weights)
    network.eval()
    file = refiner_to_onnx(network) if is_refiner else to_onnx(network)
    path = Path(target) / ("refiner.onnx" if is_refiner else "detector.onnx")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    sides = (SIDE, SIDE) if is_refiner else (HEIGHT, WIDTH)
    images = np.random.default_rng(0).integers(0, 256, (4, 1, 3, *sides)).astype(np.float32)
    run = lambda image: session.run(None, {"image": in_frame(image)})[0]
    with torch.no_grad():
        apart = [abs(run(i) - network(torch.from_numpy(i)).numpy()).max() for i in images]
    print(f"{path}: {len(file)} bytes, SHA-256 {hashlib.sha256(file).hexdigest()}, {max(apart):.4f} apart")
