"""The networks as ONNX: batch norms folded into the convolutions, weights stored as float16 behind a Cast that a
runtime folds when it loads the file. Arithmetic stays float32."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from .network import Convolution, Pair, Residual

OPSET = 17


class Graph:
    def __init__(self):
        self.nodes, self.initializers, self.count = [], [], 0

    def constant(self, values, half):
        name = f"w{len(self.initializers)}"
        values = values.detach().numpy()
        if not half:
            self.initializers.append(numpy_helper.from_array(values.astype(np.float32), name))
            return name
        self.initializers.append(numpy_helper.from_array(values.astype(np.float16), name + "_f16"))
        self.nodes.append(helper.make_node("Cast", [name + "_f16"], [name], to=TensorProto.FLOAT))
        return name

    def add(self, operator, inputs, output=None, **attributes):
        self.count += 1
        output = output or f"x{self.count}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def convolution(self, x, layers: Convolution, of_pixels=False, padding=None):
        weight, bias = folded(layers[0].weight, layers[1])
        if of_pixels:
            weight, bias = weight / 128, bias - weight.sum((1, 2, 3)) * 127.5 / 128
        inputs = [x, self.constant(weight, half=not of_pixels), self.constant(bias, half=False)]
        pads = [layers[0].padding[0] if padding is None else padding] * 4
        shape = dict(kernel_shape=list(weight.shape[2:]), strides=list(layers[0].stride), pads=pads)
        x = self.add("Conv", inputs, **shape)
        return self.add("Relu", [x]) if len(layers) == 3 else x

    def residual(self, x, layers: Residual):
        y = self.convolution(self.convolution(x, layers.first), layers.second)
        return self.add("Relu", [self.add("Add", [x, y])])

    def file(self, name, *ends):
        """The ONNX file; `ends` are the names and shapes of its input and its output."""
        first, last = (helper.make_tensor_value_info(end, TensorProto.FLOAT, shape) for end, shape in ends)
        graph = helper.make_graph(self.nodes, name, [first], [last], self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="")
        onnx.checker.check_model(model)
        return model.SerializeToString()


def folded(weight, norm):
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return weight * scale.reshape(-1, *[1] * (weight.ndim - 1)), norm.bias - norm.running_mean * scale


def to_onnx(network, side):
    graph = Graph()
    x = graph.convolution("image", network.features[0], of_pixels=True)
    for layer in network.features[1:]:
        x = graph.residual(x, layer) if isinstance(layer, Residual) else graph.convolution(x, layer)
    weight, bias = folded(network.pool.weight, network.norm)
    inputs = [x, graph.constant(weight, half=True), graph.constant(bias, half=False)]
    x = graph.add("Conv", inputs, group=weight.shape[0], kernel_shape=list(weight.shape[2:]))
    inputs = [graph.add("Flatten", [x]), graph.constant(network.head.weight, half=True)]
    graph.add("Gemm", [*inputs, graph.constant(network.head.bias, half=False)], "log_odds", transB=1)
    return graph.file("liveness", ("image", [1, 3, side, side]), ("log_odds", [1, 1]))


def export(out, name, target):
    """Writes TARGET/close.onnx and near.onnx, and says how far float16 weights move an answer."""
    pair = Pair()
    pair.load_state_dict(torch.load(Path(out) / f"{name}.pt"))
    pair.eval()
    Path(target).mkdir(parents=True, exist_ok=True)
    for part, side in (("close", 96), ("near", 80)):
        network = getattr(pair, part)
        file = to_onnx(network, side)
        path = Path(target) / f"{part}.onnx"
        path.write_bytes(file)
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (20, 1, 3, side, side))).float()
        with torch.no_grad():
            apart = [abs(session.run(None, {"image": i.numpy()})[0] - network(i).numpy()).max() for i in images]
        print(f"{path}: {len(file)} bytes, SHA-256 {hashlib.sha256(file).hexdigest()}, {max(apart):.4f} apart")
