"""The whole chain on a dozen pictures: the repository's portrait, rotated and relit.

The two teachers here judge brightness alone, behind the real ones' interfaces. Everything else is
what a training runs.
"""

import hashlib
import json
import os
import subprocess
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from common import bundle
from liveness_training import (
    assistant,
    calibrate,
    crops,
    export,
    faces,
    measure,
    pictures,
    prepare,
    train,
)
from liveness_training.network import Pair
from liveness_training.teachers import CONTEXT_FILE, TIGHT_FILE, attack_log_odds

REPOSITORY = Path(__file__).resolve().parents[3]
MODELS, PHOTOS = REPOSITORY / "models", REPOSITORY / "examples" / "photos"
TABLE = {
    "faces": {
        "files": "*.jpg",
        "licence": "CC0",
        "open": True,
        "kind": "photos",
        "plain": 2,
        "recaptured": 2,
        "worn": 2,
    },
    "walls": {
        "files": "*.png",
        "licence": "CC0",
        "open": True,
        "kind": "scenes",
        "plain": 1,
        "recaptured": 0,
    },
}


@pytest.fixture(scope="session")
def program():
    subprocess.run(
        ["cargo", "build", "--release", "--example", "crops"], cwd=REPOSITORY, check=True
    )
    return str(
        Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
        / "release"
        / "examples"
        / "crops"
    )


@pytest.fixture
def data(tmp_path, monkeypatch):
    """DATA with twelve pictures, and a table of sources that names them."""
    for name in TABLE:
        (tmp_path / name).mkdir()
    for i, photo in enumerate(sorted(PHOTOS.glob("*.jpg"))[:9]):
        (tmp_path / "faces" / f"{i}.jpg").write_bytes(photo.read_bytes())
    for i in range(3):
        wall = np.random.default_rng(i).integers(0, 256, (300, 400, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "walls" / f"{i}.png"), wall)
    for module in (faces, prepare, train, assistant):
        monkeypatch.setattr(module, "sources", lambda: TABLE)
    return tmp_path


def brightness_teacher(file, side, classes, bona_fide, white):
    """A teacher with a real one's interface that takes bright pictures for bona fide. The
    brightness is its whole embedding."""
    constants = {
        "w": np.full((8, 3, side, side), 40 / (3 * side * side * white)),
        "b": np.full(8, -16),
        "last": np.outer(np.eye(8)[0], np.eye(classes)[bona_fide]),
    }
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["e"]),
        helper.make_node("MatMul", ["e", "last"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "teacher",
        [value("x", [1, 3, side, side])],
        [value("y", [1, classes])],
        [
            numpy_helper.from_array(array.astype(np.float32), name)
            for name, array in constants.items()
        ],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), file
    )


def test_the_chain(program, data, tmp_path, monkeypatch):
    out, teachers = tmp_path / "out", tmp_path / "teachers"
    out.mkdir()
    teachers.mkdir()
    brightness_teacher(teachers / CONTEXT_FILE, 80, classes=3, bona_fide=1, white=255)
    brightness_teacher(teachers / TIGHT_FILE, 128, classes=2, bona_fide=0, white=1)

    faces.write_faces(data, program, out, threads=1)
    found = faces.read_faces(out, "faces")
    assert len(found) == 9, "the portrait's face is found in every picture"
    # A process pool would not see this test's table.
    stems = []
    for name, source in TABLE.items():
        stem = prepare.prepare_part(((str(out), name, source, program, teachers, 1), 0, 1))
        for key in prepare.ARRAYS:
            Path(f"{stem}.{key}.npy").rename(out / f"{name}.{key}.npy")
        stems.append(stem)
    told = np.load(out / "faces.answers.npy")
    assert 42 <= len(told) <= 54 and set(told[:, 3]) == {
        prepare.PLAIN,
        prepare.RECAPTURED,
        prepare.WORN,
    }
    tight = np.load(out / "faces.tight.npy")
    assert tight.shape[1:] == (3, 96, 96) and tight.std() > 20

    config = dict(
        open_only=True,
        seed=1,
        threads=1,
        batch=16,
        pairs=16 * 90,
        learning_rate=1e-2,
        weight_decay=0.02,
        averaging=0.9,
        label_weight=0.0,
        recaptured_weight=0.0,
        worn_weight=0.0,
        bona_fide_weight=0.0,
        exposed_share=0.5,
        together_weight=0.2,
        hint_weight=0.1,
        assistant_weight=0.0,
        measure_every=90,
    )
    train.train(out, config, "dozen")
    pair = Pair()
    pair.load_state_dict(torch.load(out / "dozen.pt"))
    context = np.load(out / "faces.context.npy")
    said = measure.log_odds(pair, tight, context)
    told = np.clip(told[:, :2], -train.SUREST, train.SUREST)
    for network in range(2):
        assert np.corrcoef(said[:, network], told[:, network])[0, 1] > 0.7, "it follows its teacher"

    manifest = tmp_path / "onnx" / "model.json"
    manifest.parent.mkdir()
    manifest.write_text((MODELS / "rgb-single-v1" / "model.json").read_text())
    export.export(out, "dozen", manifest.parent)
    pinned = json.loads(manifest.read_text())["networks"]
    for network in pinned.values():
        file = (manifest.parent / network["file"]).read_bytes()
        assert hashlib.sha256(file).hexdigest() == network["sha256"]
    bundle.set_fusion(manifest.parent, {"tight": 1, "context": 0.5, "intercept": -0.25})
    fusion = json.loads(manifest.read_text())["fusion"]
    assert fusion == {"tight": 1.0, "context": 0.5, "intercept": -0.25}
    with torch.no_grad():
        wanted = pair.tight(torch.from_numpy(tight[:1]).float()).item()
    answer = onnxruntime.InferenceSession(tmp_path / "onnx" / "tight.onnx")
    answer = answer.run(None, {"image": tight[:1].astype(np.float32)})[0].item()
    assert abs(answer - wanted) < 0.02, "what float16 weights cost"

    assistant.assist(out, tmp_path / "onnx")
    assert abs(np.load(out / "faces.assistant.npy") - said).max() < 0.05, (
        "the pair as an assistant says the same"
    )
    train.train(
        out,
        {**config, "pairs": 16 * 4, "measure_every": 4, "start": "dozen", "assistant_weight": 0.5},
        "again",
    )
    assert (out / "again.pt").exists()


def test_crops_are_the_shipped_ones_and_scaled_boxes_find_the_face_again(program):
    file = (PHOTOS / "astronaut.jpg").read_bytes()
    program = crops.Crops(program)
    found = program.ask(file)
    again = program.ask(file, found["faces"])
    assert (found["crops"][0][0] == again["crops"][0][0]).all()
    photo = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    draw = np.random.default_rng(1)
    face = found["faces"][0]
    for i in range(16):
        changed, box = (
            pictures.recaptured(photo, face, photo, draw)
            if i < 8
            else pictures.worn(photo, face, photo, face, draw)
        )
        height, width = cv2.imdecode(np.frombuffer(changed, np.uint8), cv2.IMREAD_COLOR).shape[:2]
        assert min(height, width) > 100 and min(box[2:]) > 8


def test_log_odds_of_an_attack_are_those_of_all_classes_but_one():
    logits = np.log([[0.7, 0.2, 0.1]])
    assert attack_log_odds(logits, bona_fide=0) == pytest.approx(np.log(0.3 / 0.7))
    assert attack_log_odds(logits, bona_fide=1) == pytest.approx(np.log(0.8 / 0.2))


def test_error_rates_and_calibration_of_known_scores():
    scores, labels = np.array([-3.0, -1.0, 1.0, 0.0, 2.0, 4.0]), np.array([0, 0, 0, 1, 1, 1]) > 0
    assert measure.eer(scores, labels) == pytest.approx(1 / 3)
    draw = np.random.default_rng(0)
    log_odds = draw.normal(0, 2, 20_000)
    labels = (draw.random(20_000) < 1 / (1 + np.exp(-(1.5 * log_odds - 0.5)))).astype(float)
    slope, intercept = calibrate.logistic_regression(
        np.c_[log_odds, np.ones(20_000)], labels, np.ones(20_000)
    )
    assert (slope, intercept) == (pytest.approx(1.5, abs=0.1), pytest.approx(-0.5, abs=0.1))
