"""An ONNX model, run by PyTorch on any device. It knows the operators of the teachers alone."""

import numpy as np
import torch
from onnx import helper, numpy_helper
from torch import nn
from torch.nn import functional as F


class Network(nn.Module):
    """The nodes that the named outputs need, one after another. The batch may have any size."""

    def __init__(self, model, outputs):
        super().__init__()
        graph = model.graph
        self.input, self.outputs = graph.input[0].name, outputs
        self.nodes = needed(graph.node, outputs)
        self.names = {}
        for i, tensor in enumerate(graph.initializer):
            values = numpy_helper.to_array(tensor)
            if values.dtype == np.float32:
                self.names[tensor.name] = f"w{i}"
                self.register_buffer(f"w{i}", torch.from_numpy(values.copy()))

    def forward(self, x):
        values = {name: getattr(self, buffer) for name, buffer in self.names.items()}
        values[self.input] = x
        for operator, inputs, output, attributes, done in self.nodes:
            values[output] = OPERATORS[operator](attributes, *(values[name] for name in inputs))
            for name in done:
                del values[name]
        return [values[name] for name in self.outputs]


def needed(nodes, outputs):
    """The operator, inputs, output and attributes of each node on which an output depends, and the
    inputs that no later node needs.

    A reshape only flattens, so what computes its shape is left out.
    """
    found, wanted = [], set(outputs)
    for node in reversed(nodes):
        if node.output[0] not in wanted:
            continue
        inputs = list(node.input)[: 1 if node.op_type == "Reshape" else None]
        done = set(inputs) - wanted
        wanted.update(inputs)
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        found.append((node.op_type, inputs, node.output[0], attributes, done))
    return found[::-1]


def convolution(attributes, x, weight, bias=None):
    return F.conv2d(
        x,
        weight,
        bias,
        stride=tuple(attributes.get("strides", (1, 1))),
        padding=tuple(attributes.get("pads", (0, 0)))[:2],
        groups=attributes.get("group", 1),
    )


def norm(attributes, x, weight, bias, mean, variance):
    return F.batch_norm(x, mean, variance, weight, bias, eps=attributes["epsilon"])


OPERATORS = {
    "Add": lambda _, a, b: a + b,
    "BatchNormalization": norm,
    "Conv": convolution,
    "GlobalAveragePool": lambda _, x: x.mean((2, 3), keepdim=True),
    "MatMul": lambda _, a, b: a @ b,
    "Mul": lambda _, a, b: a * b,
    "PRelu": lambda _, x, slope: F.prelu(x, slope.flatten()),
    "Relu": lambda _, x: torch.relu(x),
    "Reshape": lambda _, x: x.flatten(1),
    "Sigmoid": lambda _, x: torch.sigmoid(x),
    "Sub": lambda _, a, b: a - b,
}
