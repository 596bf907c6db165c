"""The teachers: two published networks (Apache-2.0), of which only the answers are used.

MiniFASNetV2 (Silent-Face-Anti-Spoofing, Minivision) sees what the near network sees; MiniFAS 128
(face-antispoof-onnx) sees a square of 1.5 times the face's longer side, 128 × 128. Each answers here with the
log-odds that the face is an attack.
"""

from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import helper

NEAR_FILE, CLOSE_FILE = "minifasnetv2_80.onnx", "minifas128.onnx"


class Teachers:
    def __init__(self, folder, threads=1):
        self.near = session(Path(folder) / NEAR_FILE, threads)
        self.close = session(Path(folder) / CLOSE_FILE, threads)

    def near_log_odds(self, near):
        """From what the near network sees: N × 3 × 80 × 80, 8 bits."""
        return attack_log_odds(run(self.near, near.astype(np.float32)), bona_fide=1)

    def close_log_odds(self, squares):
        """From what `close_square` cuts out: N × 3 × 128 × 128, 8 bits."""
        return attack_log_odds(run(self.close, squares.astype(np.float32) / 255), bona_fide=0)


def close_square(photo, box):
    """As face-antispoof-onnx cuts a face out: 1.5 times the longer side, mirrored at the edges, red first."""
    height, width = photo.shape[:2]
    x, y, w, h = box
    side = max(2, int(max(w, h) * 1.5))
    x, y = int(x + w / 2 - side / 2), int(y + h / 2 - side / 2)
    left, top, right, bottom = max(0, x), max(0, y), min(width, x + side), min(height, y + side)
    part = photo[top:bottom, left:right]
    part = cv2.copyMakeBorder(part, top - y, y + side - bottom, left - x, x + side - right, cv2.BORDER_REFLECT_101)
    part = cv2.resize(part, (128, 128), interpolation=cv2.INTER_LANCZOS4 if side < 128 else cv2.INTER_AREA)
    return cv2.cvtColor(part, cv2.COLOR_BGR2RGB).transpose(2, 0, 1)


def attack_log_odds(logits, bona_fide):
    logits = logits.astype(np.float64)
    others = np.delete(logits, bona_fide, axis=1)
    return np.logaddexp.reduce(others, axis=1) - logits[:, bona_fide]


def run(session, inputs):
    return session.run(None, {session.get_inputs()[0].name: inputs})[0]


def session(file, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    model = batched(onnx.load(file))
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def batched(model):
    """With an open batch, and PRelu as Max, which is the same for slopes up to 1 and runs twice as fast."""
    graph = model.graph
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for value in [*graph.input, *graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "N"
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
