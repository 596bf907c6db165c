"""ONNX files: written from a network, and loaded to run on one thread."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from . import bundle
from .layers import Convolution, Residual, Slopes

OPSET = 17


class Graph:
    def __init__(self):
        self.nodes, self.initializers, self.count = [], [], 0

    def constant(self, values, half=False):
        name = f"w{len(self.initializers)}"
        values = values.detach().numpy() if torch.is_tensor(values) else np.asarray(values)
        if not half:
            values = values if values.dtype == np.int64 else values.astype(np.float32)
            self.initializers.append(numpy_helper.from_array(values, name))
            return name
        self.initializers.append(numpy_helper.from_array(values.astype(np.float16), name + "_f16"))
        self.nodes.append(helper.make_node("Cast", [name + "_f16"], [name], to=TensorProto.FLOAT))
        return name

    def add(self, operator, inputs, output=None, **attributes):
        self.count += 1
        output = output or f"x{self.count}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def convolution(
        self,
        x,
        layers: Convolution,
        of_pixels=False,
        of_centred=False,
        padding=None,
    ):
        """A convolution with its norm and its activation. The first one takes pixels, 0 to 255, or
        pixels minus 127.5; it scales them itself, with float32 weights.
        """
        weight, bias = folded(layers[0].weight, layers[1])
        if of_pixels:
            bias = bias - weight.sum((1, 2, 3)) * 127.5 / 128
        first = of_pixels or of_centred
        weight = weight / 128 if first else weight
        inputs = [x, self.constant(weight, half=not first), self.constant(bias, half=False)]
        pads = [layers[0].padding[0] if padding is None else padding] * 4
        shape = dict(kernel_shape=list(weight.shape[2:]), strides=list(layers[0].stride), pads=pads)
        x = self.add("Conv", inputs, group=layers[0].groups, **shape)
        return self.activation(x, *list(layers)[2:])

    def activation(self, x, layer=None):
        if isinstance(layer, Slopes):
            return self.add("PRelu", [x, self.constant(layer.weight)])
        return self.add("Relu", [x]) if layer else x

    def residual(self, x, layers: Residual):
        y = self.convolution(self.convolution(x, layers.first), layers.second)
        return self.add("Relu", [self.add("Add", [x, y])])

    def file(self, name, *ends):
        """The ONNX file; `ends` holds the names and shapes of its input and its output."""
        first, last = (
            helper.make_tensor_value_info(end, TensorProto.FLOAT, shape) for end, shape in ends
        )
        graph = helper.make_graph(self.nodes, name, [first], [last], self.initializers)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name=""
        )
        onnx.checker.check_model(model)
        return model.SerializeToString()


def folded(weight, norm):
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return weight * scale.reshape(
        -1, *[1] * (weight.ndim - 1)
    ), norm.bias - norm.running_mean * scale


def write(path, file, network, images):
    """Writes the file, and pins its hash in a `model.json` beside it.

    Prints the hash, and the largest difference between the file's answers and the network's.
    `images` are pairs: the network's input and the file's.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file)
    onnx_network = session(onnx.load_from_string(file))
    name = onnx_network.get_inputs()[0].name
    with torch.no_grad():
        differences = [
            abs(onnx_network.run(None, {name: seen})[0] - network(torch.from_numpy(image)).numpy())
            for image, seen in images
        ]
    digest, largest = hashlib.sha256(file).hexdigest(), max(map(np.max, differences))
    bundle.pin(path, digest)
    print(f"{path}: {len(file)} bytes, SHA-256 {digest}, largest difference {largest:.4f}")


def session(model, threads=1):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
