"""The teachers: MiniFASNetV2 and MiniFASNetV1SE of Silent-Face-Anti-Spoofing, and MiniFAS 128 of
face-antispoof-onnx (all Apache-2.0).

Only their answers and feature maps are used. Silent-Face's see 80 × 80 crops, blue, green, red, 0
to 255. The second of their three classes is a live face; the others are attacks. MiniFAS 128 sees
128 × 128 crops, red, green, blue, 0 to 1; its classes are live faces and attacks.
"""

import math
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch.nn import functional as F

from common.onnx_files import session
from common.onnx_torch import Network

FILES = {
    "context": "minifasnetv2_80.onnx",
    "wide": "minifasnetv1se_80.onnx",
    "tight": "minifas128.onnx",
}
SIDES = {"context": 80, "wide": 80, "tight": 128}
# The student learns the outputs of these blocks, whose names have a prefix and an operator.
BLOCKS = [
    ("/conv_23/project", "Conv"),
    *[(f"/conv_3/model/model.{i}/", "Add") for i in range(4)],
    ("/conv_34/project", "Conv"),
    *[(f"/conv_4/model/model.{i}/", "Add") for i in range(6)],
    ("/conv_45/project", "Conv"),
    *[(f"/conv_5/model/model.{i}/", "Add") for i in range(2)],
    ("/conv_6_dw", "Conv"),
]
# The side of MiniFAS 128's maps, and of its student's. The values of its maps are of the order of
# 0.1: the student's are ten times as large.
SIDES_OF_MAPS, MAP_SCALE = {32: 20, 16: 10, 8: 5, 1: 1}, 10
BONA_FIDE = 1
# Crops at a time: larger batches are slower in ONNX Runtime.
CHUNK = 4


class Teacher:
    """`part` is a network's name; FOLDER holds the files. Without `features`, only the logits."""

    def __init__(self, folder, part, threads=1, features=True):
        self.part, self.side = part, SIDES[part]
        model, self.outputs = opened(folder, part, features)
        self.session = session(batched(model, self.outputs[:-1]), threads)

    def __call__(self, crops):
        """The outputs of BLOCKS, and N × 3 logits, for crops of N × 3 × side × side, float32: blue,
        green, red, 0 to 255."""
        crops = as_published(torch.from_numpy(crops), self.part).numpy()
        name = self.session.get_inputs()[0].name
        chunks = [
            self.session.run(self.outputs, {name: crops[start : start + CHUNK]})
            for start in range(0, len(crops), CHUNK)
        ]
        outputs = [torch.from_numpy(np.concatenate(parts)) for parts in zip(*chunks)]
        return [output.numpy() for output in as_imitated(outputs, self.part)]


class DeviceTeacher:
    """The same by PyTorch, for tensors on a device. In float16, log-odds are off by up to 0.1."""

    def __init__(self, folder, part, device, half=False, channels_last=False):
        self.part, self.side = part, SIDES[part]
        self.dtype = torch.float16 if half else torch.float32
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.network = Network(*opened(folder, part)).to(device, self.dtype)

    @torch.no_grad()
    def __call__(self, crops):
        crops = as_published(crops, self.part).to(self.dtype)
        outputs = self.network(crops.contiguous(memory_format=self.layout))
        return as_imitated([output.float() for output in outputs], self.part)


def opened(folder, part, features=True):
    """The model, and the names of its outputs: those of BLOCKS, then the logits."""
    model = onnx.load(Path(folder) / FILES[part])
    names = [output(model.graph, *block) for block in BLOCKS] if features else []
    return model, [*names, model.graph.output[0].name]


def as_published(crops, part):
    """The crops as the part's teacher takes them: MiniFAS 128 red first, 0 to 1."""
    return crops.flip(1) / 255 if part == "tight" else crops


def as_imitated(outputs, part):
    """The outputs as the student gives them: MiniFAS 128's maps are larger, its classes two."""
    if part != "tight":
        return outputs
    *maps, logits = outputs
    return [*map(resized, maps), three_classes(logits)]


def resized(maps):
    """Maps of the student's side and order of magnitude."""
    side = SIDES_OF_MAPS[maps.shape[-1]]
    return MAP_SCALE * F.interpolate(maps, size=(side, side), mode="bilinear", antialias=True)


def three_classes(logits):
    """Live and attack as attack, live, attack, with the same log-odds of an attack."""
    live, attack = logits.unbind(1)
    return torch.stack([attack - math.log(2), live, attack - math.log(2)], 1)


def output(graph, prefix, operator):
    """The output of this operator whose name has this prefix."""
    (name,) = (
        node.output[0]
        for node in graph.node
        if node.op_type == operator and node.output[0].startswith(prefix)
    )
    return name


def attack_log_odds(logits, bona_fide=BONA_FIDE):
    """The log-odds of all classes but one."""
    logits = logits.astype(np.float64)
    others = np.delete(logits, bona_fide, axis=1)
    return np.logaddexp.reduce(others, axis=1) - logits[:, bona_fide]


def batched(model, names):
    """The model with a free batch size, these outputs as well, and PRelu as Max.

    Max equals PRelu for slopes up to 1 and runs twice as fast.
    """
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for value in [*graph.input, *graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    for name in names:
        graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    del graph.value_info[:]
    nodes = []
    for node in graph.node:
        if node.op_type == "PRelu" and constants[node.input[1]].max() <= 1:
            nodes.append(helper.make_node("Mul", node.input, [node.output[0] + ".scaled"]))
            node = helper.make_node("Max", [node.input[0], node.output[0] + ".scaled"], node.output)
        if node.op_type == "Reshape":
            node = helper.make_node("Flatten", [node.input[0]], node.output)
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    return model
