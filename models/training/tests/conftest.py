"""What both chains of the liveness training are tested with: teachers that judge brightness."""

import numpy as np
import onnx
import pytest
from liveness_training.teachers import FILES
from onnx import TensorProto, helper, numpy_helper


@pytest.fixture(scope="session")
def teachers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teachers")
    for part, file in FILES.items():
        teacher = brightness_teacher(128, 1 / 255, 2) if part == "tight" else brightness_teacher()
        onnx.save(teacher, folder / file)
    return folder


def brightness_teacher(side=80, white=1.0, classes=3):
    """A network with the teachers' named outputs, which takes bright crops for bona fide. White
    pixels have a value of 255 · `white`."""
    draw, nodes, constants = np.random.default_rng(0), [], {}

    def convolution(x, before, after, side, output, padding=0, average_of_input=False):
        weight = draw.normal(0, 1, (after, before, side, side)) / np.sqrt(before * side * side)
        if average_of_input:
            weight[:, :] = 1 / (before * side * side)
        constants[output + ".w"] = weight
        nodes.append(
            helper.make_node(
                "Conv", [x, output + ".w"], [output], strides=[side] * 2, pads=[padding] * 4
            )
        )
        return output

    def chain(x, number, blocks):
        """Blocks that add a fifth of their input."""
        constants.setdefault("fifth", np.full((1, 1, 1, 1), 0.2))
        for i in range(blocks):
            output = f"/conv_{number}/model/model.{i}/Add"
            nodes.append(helper.make_node("Mul", [x, "fifth"], [output + ".added"]))
            nodes.append(helper.make_node("Add", [x, output + ".added"], [output]))
            x = output
        return x

    grey, scale = np.full((1, 1, 1, 1), 128 * white), np.full((1, 1, 1, 1), 1 / 64 / white)
    constants |= {"grey": grey, "scale": scale}
    nodes.append(helper.make_node("Sub", ["input", "grey"], ["centred"]))
    nodes.append(helper.make_node("Mul", ["centred", "scale"], ["normal"]))
    x = convolution("normal", 3, 64, 4, "/conv_23/project/Conv", average_of_input=True)
    x = chain(x, 3, 4)
    x = convolution(x, 64, 128, 2, "/conv_34/project/Conv", average_of_input=True)
    x = chain(x, 4, 6)
    x = convolution(x, 128, 128, 2, "/conv_45/project/Conv", average_of_input=True)
    x = chain(x, 5, 2)
    x = convolution(x, 128, 512, side // 16, "/conv_6_dw/Conv", average_of_input=True)
    bona_fide = {3: [-1, 1, -1], 2: [1, -1]}[classes]
    constants["linear"] = np.outer(np.full(512, 0.5 / 512), bona_fide)
    constants["shape"] = np.array([1, 512])
    nodes.append(helper.make_node("Reshape", [x, "shape"], ["flat"]))
    nodes.append(helper.make_node("MatMul", ["flat", "linear"], ["logits"]))
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    tensors = [
        numpy_helper.from_array(array.astype(np.int64 if name == "shape" else np.float32), name)
        for name, array in constants.items()
    ]
    graph = helper.make_graph(
        nodes,
        "teacher",
        [value("input", [1, 3, side, side])],
        [value("logits", [1, classes])],
        tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
