"""The views, teachers and runs of a whole batch at once, against those of one crop at a time."""

import tomllib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from test_chain import CONFIG

from common import camera
from common.onnx_files import session
from common.onnx_torch import Network
from liveness_training import (
    check,
    crop,
    measure,
    packs,
    pictures,
    plans,
    regions,
    resampling,
    runs,
    tensor_views,
    train,
    views,
)
from liveness_training import tensor_pictures as change
from liveness_training.network import load
from liveness_training.teachers import DeviceTeacher, Teacher

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
TABLE = {
    "light": {"files": "*", "liveness": {"share": 1.0, "label": 0}},
    "dark": {"files": "*", "liveness": {"share": 2.0, "label": 1}},
}
# The height of the packed faces: small ones take less time.
FACE = 40
NONE = replace(
    views.MILD,
    ends_close=0,
    bordered=0,
    recaptured=0,
    gamma=0,
    exposure=0,
    balance=0,
    contrast=0,
    mixed=0,
)


class Still:
    """A generator that draws no change."""

    def random(self, shape=None):
        return 0.999 if shape is None else np.full(shape, 0.999)

    def uniform(self, low, high, shape=None):
        middle = (np.asarray(low, float) + np.asarray(high, float)) / 2
        return middle if shape is None else np.broadcast_to(middle, shape).copy()

    def normal(self, mean, deviation, shape=None):
        return np.full(np.shape(deviation) if shape is None else shape, float(mean))

    def integers(self, low, high=None, size=None):
        return np.full(() if size is None else size, 0 if high is None else low)

    def choice(self, values, size):
        return np.full(size, values[0])

    def permutation(self, count):
        return np.arange(count)


def picture(seed, height=200, width=160, light=128):
    """A soft random picture, with a face of another colour."""
    noise = np.random.default_rng(seed).normal(light, 60, (height // 8, width // 8, 3))
    noise = np.clip(noise, 0, 255).astype(np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """OUT with two sources of 12 regions and a development set, and a pack in OUT/packs."""
    folder = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions, "sources", lambda: TABLE)
        for name, light in (("light", 180), ("dark", 70)):
            boxes = [[300 + i, 280, 200 - i, 240] for i in range(12)]
            found = [
                regions.region(picture(i, 960, 800, light), box) for i, box in enumerate(boxes)
            ]
            starts = np.cumsum([0, *(len(jpeg) for jpeg, _ in found)])
            (folder / f"{name}.regions").write_bytes(b"".join(jpeg for jpeg, _ in found))
            np.savez(
                folder / f"{name}.regions.npz", start=starts, box=np.array([b for _, b in found])
            )
        crops = np.stack([picture(i, 80, 80).transpose(2, 0, 1) for i in range(20)])
        teacher = {f"{part}_teacher": np.arange(20) - 9.5 for part in crop.SCALES}
        parts = {part: crops for part in crop.SCALES}
        labels = np.arange(20) > 9
        np.savez(folder / "dev-celeba.npz", video=np.arange(20), label=labels, **parts, **teacher)
        patch.setattr(packs, "FACE_HEIGHT", FACE)
        packs.write_packs(folder, folder / "packs", packs=2, count=20, development=10)
    return folder


@pytest.fixture
def packed(out, monkeypatch):
    monkeypatch.setattr(regions, "sources", lambda: TABLE)
    found = packs.Packed(out / "packs", "cpu")
    found.choose({"light": 1.0, "dark": 2.0})
    return found


def test_a_pack_holds_regions_of_every_source(out, packed):
    files = sorted((out / "packs").glob("regions-*.npz"))
    assert len(files) == 2 and all(set(np.load(file)["source"]) == {0, 1} for file in files)
    counts = {name: (packed.sources == name).sum() for name in TABLE}
    assert counts == {"light": 8, "dark": 12}, "twice the share, as far as there are"
    assert (packed.labels == (packed.sources == "dark")).all()
    assert packed.boxes[:, 3] == pytest.approx(FACE, abs=1)
    assert len(np.load(out / "packs" / "dev-celeba.npz")["label"]) == 10
    columns, rows = packed.sizes[0]
    one = packed.part([0], [[3, 5]], 20, 10)
    assert one.shape == (1, 3, 10, 20)
    whole = packed.pixels[0, :rows, :, :columns].permute(1, 0, 2)
    assert (one[0] == whole[:, 5:15, 3:23]).all()
    picked = packed.pick(3000, np.random.default_rng(0))
    assert (packed.sources[picked] == "dark").mean() == pytest.approx(2 / 3, abs=0.03)
    assert packed.choose({"light": 1.0}) == 8
    picked = packed.pick(300, np.random.default_rng(0))
    assert set(packed.sources[picked]) == {"light"}, "nothing of a source that is left out"


def test_pictures_are_taken_of_each_source_by_its_share():
    assert packs.numbers({"a": 1000, "b": 100}, {"a": 1.0, "b": 1.0}, 110) == {"a": 100, "b": 10}
    assert packs.numbers({"a": 1000, "b": 50}, {"a": 0.1, "b": 8.0}, 100) == {"a": 50, "b": 50}
    assert packs.numbers({"a": 3, "b": 4}, {"a": 0.1, "b": 8.0}, 100) == {"a": 3, "b": 4}


def small_network():
    """Every operator of the teachers."""
    draw, nodes = np.random.default_rng(0), []
    constants = {
        "w": draw.normal(0, 1, (4, 3, 3, 3)),
        "b": draw.normal(0, 1, 4),
        "slope": draw.uniform(-0.5, 1.5, (4, 1, 1)),
        "depthwise": draw.normal(0, 1, (4, 1, 3, 3)),
        "matrix": draw.normal(0, 1, (4 * 4 * 4, 5)),
        **{name: draw.uniform(0.5, 1, 5) for name in ("scale", "bias", "mean", "variance")},
    }
    add = lambda kind, inputs, name, **given: nodes.append(
        helper.make_node(kind, inputs, [name], **given)
    )
    add("Conv", ["x", "w", "b"], "c", strides=[2, 2], pads=[1, 1, 1, 1])
    add("PRelu", ["c", "slope"], "p")
    add("Conv", ["p", "depthwise"], "d", group=4, pads=[1, 1, 1, 1])
    add("GlobalAveragePool", ["d"], "mean_of_d")
    add("Relu", ["mean_of_d"], "r")
    add("Sigmoid", ["r"], "s")
    add("Mul", ["d", "s"], "m")
    add("Add", ["m", "p"], "a")
    add("Reshape", ["a", "shape"], "f")
    add("MatMul", ["f", "matrix"], "l")
    add("BatchNormalization", ["l", "scale", "bias", "mean", "variance"], "y", epsilon=1e-5)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    tensors = [numpy_helper.from_array(np.float32(v), name) for name, v in constants.items()]
    tensors.append(numpy_helper.from_array(np.array([-1, 64]), "shape"))
    graph = helper.make_graph(
        nodes, "small", [value("x", ["N", 3, 8, 8])], [value("y", ["N", 5])], tensors
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def test_an_onnx_graph_gives_the_same_in_torch():
    model = small_network()
    x = np.random.default_rng(1).normal(0, 1, (6, 3, 8, 8)).astype(np.float32)
    (expected,) = session(model).run(None, {"x": x})
    found, middle = Network(model, ["y", "m"])(torch.from_numpy(x))
    assert np.abs(found.numpy() - expected).max() < 1e-4
    assert middle.shape == (6, 4, 4, 4)


@pytest.mark.parametrize("part", crop.SCALES)
def test_a_teacher_on_a_device_is_the_same(teachers, part):
    teacher, other = Teacher(teachers, part), DeviceTeacher(teachers, part, "cpu")
    crops = np.random.default_rng(0).integers(0, 256, (5, 3, teacher.side, teacher.side))
    crops = crops.astype(np.float32)
    for expected, found in zip(teacher(crops), other(torch.from_numpy(crops)), strict=True):
        assert expected.shape == found.shape
        assert np.abs(expected - found.numpy()).max() < 1e-3


def test_crops_of_a_batch_are_where_the_engine_cuts_them():
    draw = np.random.default_rng(0)
    sizes = draw.integers(2, 700, (300, 2))
    boxes = np.column_stack([draw.uniform(-50, 500, (300, 2)), draw.uniform(2, 400, (300, 2))])
    for part in crop.SCALES:
        found = np.stack(plans.around(boxes, part, *sizes.T), 1).astype(int)
        for row, box, size in zip(found.tolist(), boxes, sizes.tolist()):
            assert tuple(row) == crop.around(box.tolist(), part, *size)


@pytest.mark.parametrize("part", crop.SCALES)
def test_a_plain_crop_has_the_same_pixels(packed, part):
    packed.pick = lambda count, draw: np.arange(count)
    side = 128 if part == "tight" else 80
    p = plans.plan(packed, 12, part, views.MILD, Still())
    order = np.argsort(p["canvas"][:, 2:].max(1))
    seen = tensor_views.made(packed, p, side)
    for i, student, shown in zip(order, seen.crops, seen.shown):
        columns, rows = packed.sizes[i]
        photo = packed.pixels[i, :rows, :, :columns].permute(0, 2, 1).numpy()
        box = packed.boxes[i].tolist()
        pixels, _, _ = views.view(np.ascontiguousarray(photo), box, part, views.MILD, Still())
        for expected, found in (
            (crop.student_crop(pixels), student),
            (crop.teacher_crop(pixels, side), shown),
        ):
            assert np.abs(found.permute(1, 2, 0).numpy() - expected).mean() < 0.5


def test_views_of_a_batch_repeat_for_a_seed(packed):
    for part, chances in zip(crop.SCALES, views.CHANCES.values()):
        side = 128 if part == "tight" else 80
        first, second = (
            tensor_views.batch(packed, 24, part, side, chances, np.random.default_rng(3))
            for _ in range(2)
        )
        assert first.crops.shape == (24, 3, 80, 80) and first.shown.shape == (24, 3, side, side)
        for pixels in (first.crops, first.shown):
            assert pixels.dtype == torch.float32 and (pixels == pixels.round()).all()
            assert pixels.min() >= 0 and pixels.max() <= 255
        assert (first.crops == second.crops).all() and (first.labels == second.labels).all()
        assert set(first.labels) <= {-1, 0, 1} and first.close.shape == (24,)


def tensor(photo):
    return torch.from_numpy(photo).permute(2, 0, 1)[None].float()


def strengths(*values):
    return torch.tensor(values, dtype=torch.float32).reshape(1, -1, 1, 1)


def places(side):
    at = torch.arange(side, dtype=torch.float32)
    return at[None, None, None], at[None, None, :, None], strengths(side, side)


def unchanged():
    """Each change at zero strength."""
    zero, one, where = strengths(0), strengths(1), places(64)
    texture = (one, one, strengths(0, 0), strengths(0, 0.5, 0.1), strengths(0, 1, 1))
    curve = (one, strengths(1, 1, 1), one, one, strengths(0, 0))
    return {
        "textures": lambda x: change.textured(x, *where, *texture, strengths(0, 1, 1)),
        "moiré": lambda x: change.moire(x, *where, strengths(0, 1, 90, 0, 0), strengths(0, 1, 2)),
        "glare": lambda x: change.glare(x, *where, strengths(0, 3, 3, 5, 5)),
        "noise": lambda x: change.noisy(x, zero, one, strengths(0.5, 0.5)),
        "blur": lambda x: change.smoothed(x, strengths(0.05), zero),
        "sharpening": lambda x: change.smoothed(x, strengths(1.2), one),
        "resolution": lambda x: change.smaller(x, one),
        "rotation": lambda x: tensor_views.rotated(
            x, strengths(1, 0, 9, 9), strengths(0, 0, 64, 64)
        ),
        "border": lambda x: tensor_views.bordered(x, *where, strengths(1, 2, 3)),
        "tone": lambda x: change.toned(x, *curve),
    }


@pytest.mark.parametrize("name", unchanged())
def test_a_change_of_no_strength_is_none(name):
    photo = tensor(picture(0, 64, 64))
    assert (unchanged()[name](photo) - photo).abs().max() < 0.01


def likened():
    """Each change, and the same on one picture by OpenCV."""
    side, where, draw = 96, places(96), Still()
    photo = picture(1, side, side)
    turn = np.radians(8)
    texture = (strengths(0.725), strengths(1, 1, 1), strengths(0, 0), strengths(0, 0.5, 0.1))
    small = cv2.resize(photo, (48, 48), interpolation=cv2.INTER_AREA)
    jpeg = lambda quality: cv2.imdecode(
        cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR
    )
    blurred = cv2.GaussianBlur(photo, (0, 0), 1.2)
    tone = views.Tone(replace(NONE, gamma=1, contrast=1), Contrasted())
    border = cv2.copyMakeBorder(
        photo[8:-8, 8:-8], 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=[9, 90, 200]
    )
    grey = cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    angle, waves = np.pi / 2, 2 * np.pi * 72.5
    return {
        "blur": (lambda x: change.smoothed(x, strengths(1.2), strengths(0)), blurred),
        "sharpening": (
            lambda x: change.smoothed(x, strengths(1.2), strengths(1.6)),
            cv2.addWeighted(photo, 1.6, blurred, -0.6, 0),
        ),
        "resolution": (
            lambda x: change.smaller(x, strengths(0.5)),
            cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR),
        ),
        "jpeg 6": (lambda x: change.jpeg(x, strengths(6)), jpeg(6)),
        "jpeg 40": (lambda x: change.jpeg(x, strengths(40)), jpeg(40)),
        "jpeg 95": (lambda x: change.jpeg(x, strengths(95)), jpeg(95)),
        "rotation": (
            lambda x: tensor_views.rotated(
                x, strengths(np.cos(turn), np.sin(turn), 50, 40), strengths(0, 0, side, side)
            ),
            pictures.rotated(photo, [40, 30, 20, 20], 8)[0],
        ),
        "border": (
            lambda x: tensor_views.bordered(
                x, *(v - 8 for v in where[:2]), where[2] - 16, strengths(9, 90, 200)
            ),
            border,
        ),
        "moiré": (
            lambda x: change.moire(
                x, *where, strengths(0.055, angle, waves, 0, 0), strengths(1, 1, 1)
            ),
            pictures.moire(photo, draw),
        ),
        "glare": (
            lambda x: change.glare(x, *where, strengths(95, 48, 48, 19.2, 19.2)),
            pictures.glare(photo, draw),
        ),
        "ink": (
            lambda x: change.textured(x, *where, *texture, strengths(0, 1, 1), strengths(0, 1, 1)),
            cv2.addWeighted(photo, 0.725, grey, 0.275, 0),
        ),
        "tone": (
            lambda x: change.toned(
                x, strengths(1.2), strengths(1, 1, 1), strengths(0.6), strengths(1), strengths(0, 0)
            ),
            tone(photo),
        ),
    }


class Contrasted(Still):
    """Draws a gamma of 1.2 and a contrast of 0.6."""

    def random(self, shape=None):
        return np.array([0.0, 0.9, 0.9, 0.0, 0.9, 0.9])

    def normal(self, mean, deviation, shape=None):
        return np.log(1.2)

    def uniform(self, low, high, shape=None):
        return np.log(0.6)


@pytest.mark.parametrize("name", likened())
def test_a_change_is_that_of_one_picture(name):
    function, expected = likened()[name]
    found = function(tensor(picture(1, 96, 96)))[0].permute(1, 2, 0).numpy()
    assert found.min() >= 0 and found.max() <= 255
    assert np.abs(found - expected)[8:-8, 8:-8].mean() < 1.5


def test_noise_is_as_strong_as_it_should_be():
    grey = torch.full((2, 3, 64, 64), 128.0)
    two = torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1)
    found = change.noisy(grey, torch.full((2, 1, 1, 1), 5.0), two, two.expand(2, 2, 1, 1))
    wanted = [5 * sheet.std() for sheet in camera.NOISE]
    assert found.std((1, 2, 3)).tolist() == pytest.approx(wanted, rel=0.1)


def test_resampling_keeps_a_flat_picture():
    draw = torch.rand(5, 1)
    flat = torch.full((5, 3, 32, 32), 77.0)
    for weights in (
        resampling.blurring(draw + 0.3, 32),
        resampling.shrinking(draw * 0.5 + 0.35, 32),
        resampling.interpolation(
            torch.linspace(3, 20, 12).expand(5, 12), draw * 3, draw, draw + 25, 32
        ),
    ):
        assert resampling.resampled(weights, flat, weights) == pytest.approx(77, abs=0.01)


def test_the_face_of_a_held_print_is_in_its_box_in_a_batch(packed):
    count = 40
    p = plans.plan(packed, count, "context", replace(NONE, held=1.0), np.random.default_rng(7))
    assert p["held"].all()
    order = np.argsort(p["canvas"][:, 2:].max(1))
    faces, prints = packed.sources[p["sheet"][order]], tensor_views.made(packed, p, 80).crops
    assert prints.isfinite().all()
    middle = prints[:, :, 34:46, 34:46].mean((1, 2, 3))
    light, dark = (middle[torch.from_numpy(faces == name)].mean() for name in ("light", "dark"))
    assert light > dark + 15, "the crop shows the print's face"


def test_runs_of_a_configuration_are_trained_in_turn(out, packed, teachers, capsys, monkeypatch):
    monkeypatch.setattr(measure, "SETS", ("celeba",))
    monkeypatch.setattr(train, "SAMPLE", 16)
    shared = {key: CONFIG[key] for key in CONFIG if key not in ("teacher", "steps", "seed")}
    labels = {"attack": 0.3, "attack_share": 0.5, "bona_fide": 0.2}
    plan = {
        **shared,
        "device": "cpu",
        "sources": ["light", "dark"],
        "batch": 8,
        "ahead": 2,
        "minutes": 60,
        "steps": 3,
        "runs": [
            {"name": "all", "seed": 1, "parts": ["context", "tight"]},
            {"name": "labels", "seed": 2, "parts": ["context"], "start": "all", "labels": labels},
            {"name": "without-dark", "seed": 3, "parts": ["wide"], "sources": ["light"]},
        ],
    }
    runs.run_all(out, out / "packs", plan, None, teachers, 60)
    text = capsys.readouterr().out
    assert "wide-without-dark: 8 regions" in text and "context-labels: 20 regions" in text
    assert text.count("celeba") == 4, "fidelity after every run"
    for name, part in (("context-labels", "context"), ("tight-all", "tight")):
        crops = np.load(out / "dev-celeba.npz")[part]
        assert np.isfinite(measure.log_odds(load(out, name, part), crops)).all()
    runs.run_all(out, out / "packs", plan, ["wide-without-dark"], teachers, 0)
    assert "no time for wide-without-dark" in capsys.readouterr().out


def test_a_student_follows_its_teacher_on_views_of_a_batch(out, packed, teachers):
    config = {**CONFIG, "device": "cpu", "sources": ["light", "dark"], "steps": 50}
    train.train(out, config, "device", teachers, packed)
    teacher = DeviceTeacher(teachers, "context", "cpu")
    draw = np.random.default_rng(7)
    seen = tensor_views.batch(packed, 96, "context", 80, views.MILD, draw)
    logits = teacher(seen.shown)[-1]
    expected = (torch.logsumexp(logits[:, [0, 2]], 1) - logits[:, 1]).numpy()
    found = measure.log_odds(load(out, "device", "context"), seen.crops.numpy())
    assert np.corrcoef(found, expected)[0, 1] > 0.8


def test_a_device_is_checked_and_timed(out, packed, teachers, capsys):
    check.check(out / "packs", teachers, "cpu", batches=(4,), repeats=1)
    text = capsys.readouterr().out
    assert text.count("a second") == 3 and "log-odds off by 0.0" in text


def test_the_runs_on_a_device_start_from_nothing_or_an_earlier_one():
    plan = tomllib.loads((CONFIGS / "gpu.toml").read_text())
    earlier = {None}
    for part, name in runs.jobs(plan):
        config = train.configuration(plan, part, name)
        assert config.get("start") in earlier and set(config["sources"]) <= set(regions.sources())
        earlier.add(f"{part}-{name}")
    assert runs.jobs(plan, ["wide-gpu-copy"]) == [("wide", "gpu-copy")]
