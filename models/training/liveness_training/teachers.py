"""The teachers: two published networks (Apache-2.0). Only their answers are used.

MiniFASNetV2 (Silent-Face-Anti-Spoofing, Minivision) sees the context crop. MiniFAS 128
(face-antispoof-onnx) sees a square of 1.5 × the face's longer side, at 128 × 128. Each returns the
log-odds of an attack and an embedding: the 512 outputs of its last convolution. The 128 values
after them vary along one or two directions only, and hold no more than the answer.
"""

from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import helper

from common.onnx_files import session

CONTEXT_FILE, TIGHT_FILE = "minifasnetv2_80.onnx", "minifas128.onnx"


class Teachers:
    def __init__(self, folder, threads=1):
        self.context = session(batched(onnx.load(Path(folder) / CONTEXT_FILE)), threads)
        self.tight = session(batched(onnx.load(Path(folder) / TIGHT_FILE)), threads)

    def ask_context(self, context):
        """N log-odds and N × 512 for context crops: N × 3 × 80 × 80, 8 bits."""
        logits, embeddings = run(self.context, context.astype(np.float32))
        return attack_log_odds(logits, bona_fide=1), embeddings

    def ask_tight(self, squares):
        """N log-odds and N × 512 for the output of `tight_square`: N × 3 × 128 × 128, 8 bits."""
        logits, embeddings = run(self.tight, squares.astype(np.float32) / 255)
        return attack_log_odds(logits, bona_fide=0), embeddings


def tight_square(photo, box):
    """The crop of face-antispoof-onnx: 1.5 × the longer side, mirrored beyond the photo, RGB."""
    height, width = photo.shape[:2]
    x, y, w, h = box
    side = max(2, int(max(w, h) * 1.5))
    x, y = int(x + w / 2 - side / 2), int(y + h / 2 - side / 2)
    left, top, right, bottom = max(0, x), max(0, y), min(width, x + side), min(height, y + side)
    part = photo[top:bottom, left:right]
    part = cv2.copyMakeBorder(
        part, top - y, y + side - bottom, left - x, x + side - right, cv2.BORDER_REFLECT_101
    )
    part = cv2.resize(
        part, (128, 128), interpolation=cv2.INTER_LANCZOS4 if side < 128 else cv2.INTER_AREA
    )
    return cv2.cvtColor(part, cv2.COLOR_BGR2RGB).transpose(2, 0, 1)


def attack_log_odds(logits, bona_fide):
    logits = logits.astype(np.float64)
    others = np.delete(logits, bona_fide, axis=1)
    return np.logaddexp.reduce(others, axis=1) - logits[:, bona_fide]


def run(session, inputs):
    return session.run(None, {session.get_inputs()[0].name: inputs})


def batched(model):
    """The model with a free batch size, the embedding as a second output, and PRelu as Max.

    Max equals PRelu for slopes up to 1 and runs twice as fast.
    """
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
