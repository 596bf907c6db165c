"""The teachers: two published networks (Apache-2.0), of which only the answers are used.

MiniFASNetV2 (Silent-Face-Anti-Spoofing, Minivision) sees what the near network sees; MiniFAS 128
(face-antispoof-onnx) sees a square of 1.5 times the face's longer side, 128 × 128. Each answers here with the
log-odds that the face is an attack, and with its embedding: the 512 numbers that its last convolution leaves. (Of
the 128 numbers after them, a line or a plane says it all: they know no more of a picture than the answer.)
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

    def ask_near(self, near):
        """N log-odds and N × 512, from what the near network sees: N × 3 × 80 × 80, 8 bits."""
        logits, embeddings = run(self.near, near.astype(np.float32))
        return attack_log_odds(logits, bona_fide=1), embeddings

    def ask_close(self, squares):
        """N log-odds and N × 512, from what `close_square` cuts out: N × 3 × 128 × 128, 8 bits."""
        logits, embeddings = run(self.close, squares.astype(np.float32) / 255)
        return attack_log_odds(logits, bona_fide=0), embeddings


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
    return session.run(None, {session.get_inputs()[0].name: inputs})


def session(file, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    model = batched(onnx.load(file))
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def batched(model):
    """With an open batch, the embedding as a second output, and PRelu as Max, which is the same for slopes up to 1 and
    runs twice as fast."""
    graph = model.graph
    embedding = next(node.input[0] for node in graph.node if node.op_type == "MatMul")
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for value in [*graph.input, *graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    graph.output.append(helper.make_tensor_value_info(embedding, onnx.TensorProto.FLOAT, None))
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
