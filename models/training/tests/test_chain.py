"""The whole chain on a dozen pictures: the repository's portrait, rotated and relit.

The teachers here judge brightness, behind the real ones' interfaces. Everything else is what a
training runs.
"""

import csv
import hashlib
import json
import os
import subprocess
import tomllib
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import onnxruntime
import pytest
import torch

from common import average
from common.sources import sources
from liveness_training import calibrate, crop, export, measure, regions, resume, train, views
from liveness_training.held import held
from liveness_training.kept import Kept
from liveness_training.network import Student, load
from liveness_training.teachers import Teacher, attack_log_odds, three_classes

REPOSITORY = Path(__file__).resolve().parents[3]
PHOTOS = REPOSITORY / "examples" / "photos"
TABLE = {
    "portraits": {"files": "portrait*.jpg", "liveness": {"share": 1.0, "label": 0}},
    "dark": {"files": "dark*.jpg", "folder": "portraits", "liveness": {"share": 2.0, "label": 1}},
    "walls": {"files": "*.png", "kind": "scenes"},
}
CONFIG = dict(
    teacher="context",
    seed=1,
    threads=1,
    batch=16,
    steps=60,
    learning_rate=4e-3,
    warm_steps=5,
    weight_decay=0.01,
    averaging=0.9,
    decoupled=0.3,
    crops={},
    maps_weight=[1.0, 0.5],
    views="mild",
    measure_every=1,
    sources=["portraits", "dark"],
)
# The shape of model.json; a test reads only what calibrate and export write.
MANIFEST = """{
  "networks": {
    "context": { "file": "context.onnx", "sha256": "context-hash" },
    "wide": { "file": "wide.onnx", "sha256": "wide-hash" },
    "tight": { "file": "tight.onnx", "sha256": "tight-hash" }
  },
  "fusion": { "context": 0, "wide": 0, "intercept": 0 },
  "second_opinion": {
    "network": "tight", "within": 1, "weight": 0, "slope": 0, "intercept": 0
  },
  "close_up": { "full_at": 0, "ends_at": 0, "shift": 0 }
}"""


@pytest.fixture(scope="session")
def program():
    build = ["cargo", "build", "--release", "--example", "faces"]
    subprocess.run(build, cwd=REPOSITORY, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    return str(target / "release" / "examples" / "faces")


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
    for name in ("celeba", "aside"):
        write_set(tmp_path / "sets" / name, sorted((data / "portraits").glob("*.jpg")))
    measure.write_crops(tmp_path / "sets", out, program, teachers)
    development = np.load(out / "dev-celeba.npz")
    assert all(development[part].shape == (12, 3, 80, 80) for part in crop.SCALES)
    assert development["label"].sum() == 6

    train.train(out, CONFIG, "context", teachers)
    teacher = Teacher(teachers, "context")
    draw = np.random.default_rng(7)
    seen = views.batch(stored, 128, "context", teacher.side, views.CHANCES["mild"], draw)
    expected = attack_log_odds(teacher(seen.shown)[-1])
    found = measure.log_odds(load(out, "context", "context"), seen.crops)
    assert np.corrcoef(found, expected)[0, 1] > 0.8, "it follows its teacher"
    labels = {"attack": 0.3, "attack_share": 0.5, "bona_fide": 0.2, "close": 0.6}
    short = {**CONFIG, "steps": 4, "labels": labels}
    train.train(out, {**short, "start": "context"}, "context-labels", teachers)
    apart = {"decoupled": 1.0, "kept": 40, "fresh": 4, "crops": {"80": 4, "5": 12}}
    train.train(out, {**CONFIG, **apart, "teacher": "wide"}, "wide", teachers)
    train.train(out, {**CONFIG, "teacher": "tight"}, "tight", teachers)
    average.average(out, ["context", "context-labels"], "mean")
    names = {"context": "mean", "wide": "wide", "tight": "tight"}
    capsys.readouterr()
    measure.measure(out, names)
    fidelity, rates = capsys.readouterr().out.split("EER")
    assert "celeba" in fidelity and "aside" in fidelity
    assert "celeba" in rates and "aside" not in rates, "it has no labels"

    manifest = tmp_path / "onnx" / "model.json"
    manifest.parent.mkdir()
    manifest.write_text(MANIFEST)
    export.export(out, names, manifest.parent)
    for part, network in json.loads(manifest.read_text())["networks"].items():
        file = manifest.parent / network["file"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == network["sha256"]
        session = onnxruntime.InferenceSession(file)
        trained = load(out, names[part], part)
        for image in development[part]:
            answer = session.run(["log_odds"], {"crop": image[None].astype(np.float32)})[0]
            assert answer.shape == (1, 1)
            wanted = measure.log_odds(trained, image[None])
            assert abs(answer[0, 0] - wanted[0]) < 0.02, "what float16 weights cost"
        resume.resume(out, part, file, f"{part}-again")
        resumed = load(out, f"{part}-again", part)
        answers = [measure.log_odds(network, development[part]) for network in (resumed, trained)]
        assert np.abs(answers[0] - answers[1]).max() < 0.02

    names["tight"] = str(manifest.parent / "tight.onnx")
    export.export(out, names, tmp_path)
    assert not (tmp_path / "tight.onnx").exists(), "it is exported already"
    calibrate.calibrate(out, names, manifest.parent, context_share=0.75)
    bundle = json.loads(manifest.read_text())
    fusion, second = bundle["fusion"], bundle["second_opinion"]
    assert fusion["context"] > 0
    assert fusion["context"] == pytest.approx(3 * fusion["wide"], rel=0.01)
    assert second["network"] == "tight" and second["within"] == calibrate.WITHIN
    close_up = bundle["close_up"]
    assert close_up["full_at"] < close_up["ends_at"] and close_up["shift"] != 0
    assert second["slope"] > 0, "its teacher, too, takes bright crops for bona fide"


def test_a_second_opinion_counts_where_the_first_is_unsure():
    second = {"within": 4.0, "weight": 0.25, "slope": 2.0, "intercept": 1.0}
    first, tight = np.array([-5.0, -4.0, -3.0, -2.0, 0.0, 3.0, 4.0]), np.full(7, 1.5)
    # The tight network's own log-odds are 4.
    wanted = [-5, -4, -3 + 0.125 * 7, -2 + 0.25 * 6, 0.25 * 4, 3 + 0.125 * 1, 4]
    assert calibrate.reconsidered(first, tight, second).tolist() == pytest.approx(wanted)


def test_close_ups_are_corrected():
    fusion = {"context": 1.0, "wide": 1.0, "intercept": 0.0}
    second = {"within": 4.0, "weight": 0.25, "slope": 2.0, "intercept": 1.0}
    close_up = {"full_at": 1.1, "ends_at": 1.5, "shift": -1.0}
    log_odds = {"context": np.full(3, -5.0), "wide": np.full(3, -3.0), "tight": np.full(3, 1.5)}
    answers = calibrate.answer(log_odds, np.array([1.0, 1.3, 1.6]), fusion, second, close_up)
    assert answers.tolist() == pytest.approx([-8 + 3 - 1, -8 + 1.5 - 0.5, -8])
    photo = np.zeros((300, 400, 3), np.uint8)
    cut, box = crop.close_up(photo, [150, 90, 60, 80])
    assert cut.shape == (89, 67, 3) and box == [3, 4, 60, 80]
    assert crop.room(cut, box) == pytest.approx(1.1)
    assert crop.room(photo, [150, 90, 60, 80]) == pytest.approx(299 / 80)


def test_a_larger_teacher_sees_the_same_crop_with_more_pixels():
    photo = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    photo = cv2.resize(photo, (400, 300), interpolation=cv2.INTER_CUBIC)
    pixels = crop.uncut(photo, [150, 90, 60, 80], "tight")
    assert pixels.shape == (121, 121, 3), "a square of 1.5 × the longer side, both corners included"
    student, teacher = crop.student_crop(pixels), crop.teacher_crop(pixels, 128)
    assert student.shape == (80, 80, 3) and teacher.shape == (128, 128, 3)
    smaller = cv2.resize(teacher, (80, 80), interpolation=cv2.INTER_LINEAR)
    assert np.abs(smaller.astype(int) - student).mean() < 2
    assert (crop.teacher_crop(pixels, 80) == student).all()


def test_two_classes_as_three_have_the_same_log_odds():
    logits = torch.tensor([[2.0, -1.0], [0.5, 3.0]])
    assert attack_log_odds(three_classes(logits).numpy()) == pytest.approx([-3.0, 2.5], abs=1e-5)


def test_crops_are_those_of_the_engine():
    # The example and the first test of crates/inference/src/crop.rs.
    assert crop.around([40, 20, 20, 30], "context", 200, 100) == (23, 0, 55, 82)
    assert crop.around([10, 10, 60, 80], "wide", 100, 100) == (2, 0, 76, 100)
    for (width, height), box in (
        ((1, 1), [0, 0, 1, 1]),
        ((2, 500), [0, 100, 2, 50]),
        ((640, 480), [-20, -30, 100, 120]),
        ((640, 480), [600, 400, 100, 120]),
        ((640, 480), [0, 0, 640, 480]),
    ):
        for part in crop.SCALES:
            left, top, columns, rows = crop.around(box, part, width, height)
            assert left >= 0 and columns >= 1 and left + columns <= width
            assert top >= 0 and rows >= 1 and top + rows <= height
    photo = np.zeros((100, 200, 3), np.uint8)
    pixels = crop.uncut(photo, [40, 20, 20, 30], "context")
    assert crop.student_crop(pixels).shape == (80, 80, 3)


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
    for part, chances in zip(crop.SCALES, [*views.CHANCES.values(), views.CHANCES["mild"]]):
        runs = []
        for _ in range(2):
            draw = np.random.default_rng(3)
            seen = [views.view(photo, [150, 90, 80, 100], part, chances, draw) for _ in range(60)]
            crops = [crop.student_crop(pixels) for pixels, *_ in seen]
            assert all(crop.shape == (80, 80, 3) and crop.dtype == np.uint8 for crop in crops)
            toned = [views.Tone(chances, draw)(crop) for crop in crops]
            mixture = views.Mixture(60, chances, draw)
            mixed = np.stack(mixture(toned))
            assert mixed.shape == (60, 80, 80, 3) and mixed.dtype == np.uint8
            runs.append((mixed, mixture.mixed, [recaptured for _, recaptured, _ in seen]))
            assert any(close for *_, close in seen) and not all(close for *_, close in seen)
        assert all((a == b).all() for a, b in zip(*(run[:2] for run in runs)))
        assert runs[0][2] == runs[1][2] and any(runs[0][2]) and not all(runs[0][2])


def test_the_face_of_a_held_print_is_in_its_box():
    photo, behind = np.full((200, 200, 3), 40, np.uint8), np.full((300, 260, 3), 40, np.uint8)
    photo[60:140, 70:130] = 230
    draw = np.random.default_rng(7)
    for _ in range(60):
        face, behind_face = [70, 60, 60, 80], [90, 100, 80, 100]
        shown, (x, y, width, height) = held(photo, face, behind, behind_face, draw)
        assert shown.shape == behind.shape
        # Below the eyes, which may be cut out, and between the fingers.
        rows = slice(max(0, int(y + 0.6 * height)), int(y + 0.9 * height))
        columns = slice(max(0, int(x + 0.35 * width)), int(x + 0.65 * width))
        assert shown[rows, columns].mean() > shown.mean() + 30


def test_every_run_continues_an_earlier_one_with_sources_of_the_table():
    configs = REPOSITORY / "models" / "training" / "configs"
    measured_on = {"replay_live", "replay_attack", "nuaa_live", "nuaa_attack"}
    measured_on |= {"casia_live", "casia_attack", "celeba", "caltech"}
    plan, earlier = tomllib.loads((configs / "liveness.toml").read_text()), {None}
    for run in plan["runs"]:
        config = train.configuration(plan, "wide", run["name"])
        assert config["teacher"] == "wide" and set(config["sources"]) <= set(sources())
        assert not measured_on & set(config["sources"])
        assert config.get("start") in earlier
        earlier.add(f"wide-{run['name']}")


def test_each_block_has_the_shapes_of_its_teachers(teachers):
    for part in crop.SCALES:
        teacher, student = Teacher(teachers, part), Student(part)
        crops = np.zeros((2, 3, teacher.side, teacher.side), np.float32)
        *maps, logits = map(torch.from_numpy, teacher(crops))
        x = torch.zeros(2, 3, 80, 80)
        for block, expected in zip(student.blocks, maps, strict=True):
            x = block(x)
            assert x.shape == expected.shape
        assert student.head(x.flatten(1)).shape == logits.shape


def test_kept_crops_are_drawn_again_until_newer_ones_replace_them():
    made = []

    def lesson(count, draw, ahead):
        made.append(count)
        crops = torch.full((count, 3, 4, 4), float(len(made)))
        return SimpleNamespace(crops=crops), [crops[..., :2, :2], crops[..., :1, :1], crops[:, 0]]

    kept, draw = Kept(lesson, size=10, fresh=4, crops={"2": 5}), np.random.default_rng(0)
    for _ in range(5):
        seen, (larger, smaller, logits) = kept(6, draw, 1)
        assert seen.crops.shape == (6, 3, 4, 4) and logits.shape == (6, 4, 4)
        assert len(larger) == 6, "the map before it is needed of six"
        assert len(smaller) == 6
        assert (seen.crops[:, 0] == logits).all() and (larger[:, 0, 0, 0] == logits[:, 0, 0]).all()
    assert made == [6, 4, 4, 4, 4]
    # The last ten: four of each of the last two calls, two of the one before.
    assert sorted(kept.tensors[-1][:, 0, 0].tolist()) == [3, 3, 4, 4, 4, 4, 5, 5, 5, 5]


def test_a_label_corrects_the_teacher_only_where_it_is_known():
    draw, config = np.random.default_rng(0), {"attack": 0.3, "attack_share": 0.5, "bona_fide": 0.2}
    labels = np.repeat([regions.UNKNOWN, 0, regions.ATTACK], 1000)
    close = np.tile([False, True], 1500)
    apart = np.zeros(3000, bool)
    unknown, bona_fide, attack = train.label_weights(labels, apart, config, draw).reshape(3, 1000)
    assert (unknown == 0).all() and (bona_fide == 0.2).all()
    assert set(attack) == {0.0, 0.3} and (attack > 0).mean() == pytest.approx(0.5, abs=0.05)
    weights = train.label_weights(labels, close, {**config, "close": 0.6}, draw)
    assert (weights[1001::2] == 0.6).all() and (weights[:1000] == 0).all()
    assert (weights[1000:2000:2] == 0.2).all()
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
