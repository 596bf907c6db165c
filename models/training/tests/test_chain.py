"""The whole chain on a dozen pictures: the repository's portrait, rotated and relit.

The teachers here judge brightness, behind the real ones' interfaces. Everything else is what a
training runs.
"""

import csv
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

from common import average
from liveness_training import calibrate, crop, export, measure, regions, train, views
from liveness_training.network import load
from liveness_training.teachers import FILES, Teacher, attack_log_odds

REPOSITORY = Path(__file__).resolve().parents[3]
PHOTOS = REPOSITORY / "examples" / "photos"
TABLE = {
    "portraits": {"files": "portrait*.jpg", "liveness": {"share": 1.0, "label": 0}},
    "dark": {"files": "dark*.jpg", "folder": "portraits", "liveness": {"share": 2.0, "label": 1}},
    "walls": {"files": "*.png", "kind": "scenes"},
}
CONFIG = dict(
    teacher="near",
    seed=1,
    threads=1,
    batch=16,
    steps=60,
    learning_rate=4e-3,
    warm_steps=5,
    weight_decay=0.01,
    averaging=0.9,
    decoupled=0.3,
    features_weight=[1.0, 0.5],
    views="mild",
    measure_every=1,
    sources=["portraits", "dark"],
)
# The shape of model.json; a test reads only what calibrate and export write.
MANIFEST = """{
  "networks": {
    "near": { "file": "near.onnx", "sha256": "near-hash" },
    "far": { "file": "far.onnx", "sha256": "far-hash" }
  },
  "fusion": { "near": 0, "far": 0, "intercept": 0 }
}"""


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    name = "faces" if (REPOSITORY / "models" / "evaluation" / "faces.rs").exists() else "crops"
    subprocess.run(["cargo", "build", "--release", "--example", name], cwd=REPOSITORY, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    program = target / "release" / "examples" / name
    if name == "faces":
        return str(program)
    # The predecessor of `faces` answers with crops too, unless it has this flag.
    script = tmp_path_factory.mktemp("program") / "faces"
    script.write_text(f"#!/bin/sh\nexec '{program}' --faces-only\n")
    script.chmod(0o755)
    return str(script)


@pytest.fixture(scope="session")
def teachers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teachers")
    for file in FILES.values():
        onnx.save(brightness_teacher(), folder / file)
    return folder


@pytest.fixture
def data(tmp_path, monkeypatch):
    """DATA with twelve portraits, every other one dark, and a table of sources that names them."""
    folder = tmp_path / "portraits"
    folder.mkdir()
    for i, photo in enumerate(sorted(PHOTOS.glob("*.jpg"))[:6]):
        image = cv2.imread(str(photo))
        cv2.imwrite(str(folder / f"portrait{i}.jpg"), image)
        cv2.imwrite(str(folder / f"dark{i}.jpg"), cv2.convertScaleAbs(image, alpha=0.4))
    monkeypatch.setattr(regions, "sources", lambda: TABLE)
    return tmp_path


def brightness_teacher():
    """A network with the teachers' named outputs, which takes bright crops for bona fide."""
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

    def sum_of(x, output):
        nodes.append(helper.make_node("Add", [x, x], [output]))
        return output

    constants |= {"grey": np.full((1, 1, 1, 1), 128), "scale": np.full((1, 1, 1, 1), 1 / 64)}
    nodes.append(helper.make_node("Sub", ["input", "grey"], ["centred"]))
    nodes.append(helper.make_node("Mul", ["centred", "scale"], ["normal"]))
    x = convolution("normal", 3, 64, 4, "/conv_23/project/Conv", average_of_input=True)
    x = sum_of(x, "/conv_3/Add")
    x = convolution(x, 64, 128, 2, "/conv_34/project/Conv", average_of_input=True)
    x = sum_of(x, "/conv_4/Add")
    x = convolution(x, 128, 128, 2, "/conv_45/project/Conv", average_of_input=True)
    x = sum_of(x, "/conv_5/Add")
    x = convolution(x, 128, 512, 5, "/conv_6_dw/Conv", average_of_input=True)
    constants["linear"] = np.outer(np.full(512, 0.5 / 512), [-1, 1, -1])
    constants["shape"] = np.array([1, 512])
    nodes.append(helper.make_node("Reshape", [x, "shape"], ["flat"]))
    nodes.append(helper.make_node("MatMul", ["flat", "linear"], ["logits"]))
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    tensors = [
        numpy_helper.from_array(array.astype(np.int64 if name == "shape" else np.float32), name)
        for name, array in constants.items()
    ]
    graph = helper.make_graph(
        nodes, "teacher", [value("input", [1, 3, 80, 80])], [value("logits", [1, 3])], tensors
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def write_set(folder, photos):
    """A development set of portraits, of which the dark ones are called attacks."""
    folder.mkdir(parents=True)
    with open(folder / "set.csv", "w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["path", "label", "species", "subject", "video"])
        for photo in photos:
            attack = photo.name.startswith("dark")
            writer.writerow([photo, "spoof" if attack else "live", "", "", ""])


def test_the_chain(program, teachers, data, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    out.mkdir()
    regions.write_regions(data, program, out, threads=1)
    assert not (out / "walls.regions.npz").exists(), "the detector alone learns from scenes"
    stored = regions.Regions(out, {"portraits": 1.0, "dark": 2.0})
    assert len(stored) == 12, "the portrait's face is found in every picture"

    monkeypatch.setattr(measure, "SETS", ("celeba",))
    write_set(tmp_path / "sets" / "celeba", sorted((data / "portraits").glob("*.jpg")))
    measure.write_crops(tmp_path / "sets", out, program, teachers)
    development = np.load(out / "dev-celeba.npz")
    assert development["near"].shape == development["far"].shape == (12, 3, 80, 80)
    assert development["label"].sum() == 6

    train.train(out, CONFIG, "near", teachers)
    teacher = Teacher(teachers, "near")
    crops, _ = views.batch(stored, 128, 2.7, views.CHANCES["mild"], np.random.default_rng(7))
    told = attack_log_odds(teacher(crops)[-1])
    said = measure.log_odds(load(out, "near", "near"), crops)
    assert np.corrcoef(said, told)[0, 1] > 0.8, "it follows its teacher"
    labels = {"attack": 0.3, "attack_share": 0.5, "bona_fide": 0.2}
    short = {**CONFIG, "steps": 4, "labels": labels}
    train.train(out, {**short, "start": "near"}, "near-labels", teachers)
    train.train(out, {**short, "teacher": "far"}, "far", teachers)
    average.average(out, ["near", "near-labels"], "mean")
    measure.measure(out, "mean", "far")
    assert "celeba" in capsys.readouterr().out

    manifest = tmp_path / "onnx" / "model.json"
    manifest.parent.mkdir()
    manifest.write_text(MANIFEST)
    export.export(out, "mean", "far", manifest.parent)
    for part, network in json.loads(manifest.read_text())["networks"].items():
        file = manifest.parent / network["file"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == network["sha256"]
        session = onnxruntime.InferenceSession(file)
        trained = load(out, {"near": "mean", "far": "far"}[part], part)
        for image in development[part]:
            answer = session.run(["log_odds"], {"crop": image[None].astype(np.float32)})[0]
            assert answer.shape == (1, 1)
            wanted = measure.log_odds(trained, image[None])
            assert abs(answer[0, 0] - wanted[0]) < 0.02, "what float16 weights cost"

    calibrate.calibrate(out, "mean", "far", manifest.parent, near_share=0.75)
    fusion = json.loads(manifest.read_text())["fusion"]
    assert fusion["near"] > 0 and fusion["near"] == pytest.approx(3 * fusion["far"], rel=0.01)


def test_crops_are_those_of_the_engine():
    # The example and the first test of crates/inference/src/crop.rs.
    assert crop.around([40, 20, 20, 30], 2.7, 200, 100) == (23, 0, 55, 82)
    assert crop.around([10, 10, 60, 80], 4.0, 100, 100) == (2, 0, 76, 100)
    for (width, height), box in (
        ((1, 1), [0, 0, 1, 1]),
        ((2, 500), [0, 100, 2, 50]),
        ((640, 480), [-20, -30, 100, 120]),
        ((640, 480), [600, 400, 100, 120]),
        ((640, 480), [0, 0, 640, 480]),
    ):
        for scale in (1.0, 2.7, 4.0):
            left, top, columns, rows = crop.around(box, scale, width, height)
            assert left >= 0 and columns >= 1 and left + columns <= width
            assert top >= 0 and rows >= 1 and top + rows <= height
    photo = np.zeros((100, 200, 3), np.uint8)
    assert crop.cut(photo, [40, 20, 20, 30], 2.7).shape == (80, 80, 3)


def test_a_region_holds_the_face_at_128_pixels():
    photo = np.full((1200, 1600, 3), 200, np.uint8)
    photo[400:656, 700:900] = 0
    jpeg, box = regions.region(photo, [700, 400, 200, 256])
    part = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    x, y, width, height = box
    assert height == pytest.approx(128, abs=1)
    assert part[int(y + height / 2), int(x + width / 2)].max() < 20
    assert part[int(y - 4), int(x + width / 2)].min() > 180
    assert part.shape[1] == pytest.approx(5 * width, abs=2)
    assert regions.region(photo, [700, 400, 20, 256]) is None, "a small face"


def test_views_have_the_crops_shape_and_repeat_for_a_seed():
    photo = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    for scale, chances in zip(crop.SCALES.values(), views.CHANCES.values()):
        runs = []
        for _ in range(2):
            draw = np.random.default_rng(3)
            seen = [views.view(photo, [150, 90, 80, 100], scale, chances, draw) for _ in range(60)]
            assert all(view.shape == (80, 80, 3) and view.dtype == np.uint8 for view, _ in seen)
            toned = [views.tone(view, chances, draw) for view, _ in seen]
            mixed, which = views.mix(toned, chances, draw)
            assert mixed.shape == (60, 80, 80, 3) and mixed.dtype == np.uint8
            runs.append((mixed, which, [recaptured for _, recaptured in seen]))
        assert all((a == b).all() for a, b in zip(*(run[:2] for run in runs)))
        assert runs[0][2] == runs[1][2] and any(runs[0][2]) and not all(runs[0][2])


def test_a_label_corrects_the_teacher_only_where_it_is_known():
    draw, config = np.random.default_rng(0), {"attack": 0.3, "attack_share": 0.5, "bona_fide": 0.2}
    labels = np.repeat([regions.UNKNOWN, 0, regions.ATTACK], 1000)
    unknown, bona_fide, attack = train.label_weights(labels, config, draw).reshape(3, 1000)
    assert (unknown == 0).all() and (bona_fide == 0.2).all()
    assert set(attack) == {0.0, 0.3} and (attack > 0).mean() == pytest.approx(0.5, abs=0.05)
    log_odds, weights = torch.tensor([-2.0, -2.0, 4.0]), np.array([0.0, 0.3, 0.2])
    wanted = train.corrected(log_odds, np.array([regions.UNKNOWN, regions.ATTACK, 0]), weights)
    truth = train.LABEL_LOG_ODDS
    assert wanted.tolist() == pytest.approx([-2.0, -1.4 + 0.3 * truth, 3.2 - 0.2 * truth])


def test_log_odds_of_an_attack_are_those_of_all_classes_but_one():
    logits = np.log([[0.7, 0.2, 0.1]])
    assert attack_log_odds(logits, bona_fide=0) == pytest.approx(np.log(0.3 / 0.7))
    assert attack_log_odds(logits) == pytest.approx(np.log(0.8 / 0.2))
    assert train.attack_log_odds(torch.tensor(logits)).tolist() == pytest.approx([np.log(4)])


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
