"""The teachers: MiniFASNetV2 and MiniFASNetV1SE of Silent-Face-Anti-Spoofing (Apache-2.0).

Only their answers and feature maps are used. A teacher sees 80 × 80 crops, blue, green, red, 0 to
255. The second of its three classes is a live face; the others are attacks.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from common.onnx_files import session

FILES = {"near": "minifasnetv2_80.onnx", "far": "minifasnetv1se_80.onnx"}
# The student learns the last output of each kind: the projections that halve the map, the chains of
# residual blocks between them, and the 512 features. The map's sides are 20, 20, 10, 10, 5, 5, 1.
STAGES = [
    ("/conv_23/project", "Conv"),
    ("/conv_3/", "Add"),
    ("/conv_34/project", "Conv"),
    ("/conv_4/", "Add"),
    ("/conv_45/project", "Conv"),
    ("/conv_5/", "Add"),
    ("/conv_6_dw", "Conv"),
]
BONA_FIDE = 1
# Crops at a time: larger batches are slower in ONNX Runtime.
CHUNK = 4


class Teacher:
    """`part` is near or far; FOLDER holds both files. Without `features`, only the logits."""

    def __init__(self, folder, part, threads=1, features=True):
        model = onnx.load(Path(folder) / FILES[part])
        names = [stage(model.graph, *kind) for kind in STAGES] if features else []
        self.outputs = [*names, model.graph.output[0].name]
        self.session = session(batched(model, names), threads)

    def __call__(self, crops):
        """The outputs of STAGES, and N × 3 logits, for crops of N × 3 × 80 × 80, float32."""
        name = self.session.get_inputs()[0].name
        chunks = [
            self.session.run(self.outputs, {name: crops[start : start + CHUNK]})
            for start in range(0, len(crops), CHUNK)
        ]
        return [np.concatenate(parts) for parts in zip(*chunks)]


def stage(graph, prefix, operator):
    """The last output of this operator whose name starts so."""
    return [
        node.output[0]
        for node in graph.node
        if node.op_type == operator and node.output[0].startswith(prefix)
    ][-1]


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
