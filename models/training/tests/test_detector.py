"""The detector's chain on the repository's portrait, with the shipped detector as the teacher."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from detector_training import (
    export,
    frames,
    labels,
    measure,
    patches,
    refiner,
    resume,
    targets,
    train,
)
from detector_training.frames import HEIGHT, WIDTH, Faces
from detector_training.network import Detector, in_frame
from detector_training.refiner_crops import RefinerCrops

REPOSITORY = Path(__file__).resolve().parents[3]
SHIPPED = str(REPOSITORY / "models" / "face-detector-v1" / "detector.onnx")
TABLE = {
    "portraits": {"files": "*.jpg", "kind": "photos"},
    "walls": {"files": "*.png", "kind": "scenes"},
}


class Shipped(labels.Detector):
    def __init__(self, file):
        self.sessions = {320: labels.opened(file, 322)}

    def candidates(self, network, canvas):
        planes = canvas[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32)
        return measure.faces(
            torch.from_numpy(network.run(None, {"image": in_frame(planes)})[0]), measure.THRESHOLD
        )


@pytest.fixture
def data(tmp_path, monkeypatch):
    for name in TABLE:
        (tmp_path / name).mkdir()
    portrait = cv2.imread(str(REPOSITORY / "examples" / "photos" / "astronaut.jpg"))
    for i in range(4):
        cv2.imwrite(str(tmp_path / "portraits" / f"{i}.jpg"), np.roll(portrait, 20 * i, 1))
        wall = np.random.default_rng(i).integers(0, 256, (30, 40, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "walls" / f"{i}.png"), cv2.resize(wall, (400, 300)))
    for module in (labels, patches, train):
        monkeypatch.setattr(module, "sources", lambda: TABLE)
    for teacher in ("CenterFace", "YuNet"):
        monkeypatch.setattr(labels, teacher, Shipped)
    monkeypatch.setattr(train, "held_out", lambda file: Path(file).name.startswith("3"))
    return tmp_path


def test_the_chain(data, tmp_path):
    # A process pool would not see this test's table.
    for name in TABLE:
        paths = labels.photos(data, name, TABLE[name])
        found = labels.label_photos((paths, SHIPPED, SHIPPED, {}, ""))
        labels.save(tmp_path, name, found)
    portraits = frames.Photos(tmp_path, ["portraits"])
    assert len(portraits) == 4 and all(portraits[i][1].confident.any() for i in range(4)), (
        "the portrait's face, in each"
    )
    assert len(frames.Photos(tmp_path, ["portraits", "walls"]).faceless()) >= 3, (
        "the walls are empty"
    )

    config = dict(
        seed=1,
        threads=1,
        workers=0,
        batch=8,
        frames=8 * 60,
        learning_rate=2e-2,
        weight_decay=0.0,
        averaging=0.9,
        measure_every=60,
        shares={"portraits": 4, "walls": 1},
    )
    train.train(tmp_path, config, "few")
    images, scores, geometry = map(
        torch.from_numpy, next(iter(train.Frames(tmp_path, {**config, "seed": 2, "batch": 32})))
    )
    networks = Detector(), Detector()
    networks[1].load_state_dict(torch.load(tmp_path / "few.pt"))
    with torch.no_grad():
        before, after = (
            targets.cost(network.eval()(images.float()), scores, geometry) for network in networks
        )
    assert after < 0.6 * before, f"{before} before, {after} after"

    export.export(tmp_path, "few", tmp_path)
    maps = labels.opened(str(tmp_path / "detector.onnx"), 290).run(
        None, {"image": np.zeros((1, 3, 290, 290), np.float32)}
    )[0]
    assert maps.shape == (1, 15, 36, 36)

    patches.write_patches(tmp_path, SHIPPED, train.held_out)
    config = dict(
        seed=1,
        threads=1,
        workers=0,
        batch=32,
        crops=32 * 150,
        learning_rate=5e-3,
        weight_decay=0.0,
        averaging=0.9,
        measure_every=150,
        hand_made_share=1.0,
        hard_share=0,
    )
    train.train(tmp_path, config, "crops")
    images, *truth = map(
        torch.from_numpy, next(iter(RefinerCrops(tmp_path, {**config, "seed": 2, "batch": 64})))
    )
    networks = refiner.Refiner(), refiner.Refiner()
    networks[1].load_state_dict(torch.load(tmp_path / "crops.pt"))
    with torch.no_grad():
        before, after = (
            refiner.cost(network.eval()(images.float()), *truth) for network in networks
        )
    assert after < 0.6 * before, f"{before} before, {after} after"
    export.export(tmp_path, "crops", tmp_path)
    resume.resume(tmp_path / "refiner.onnx", tmp_path, config, "resumed")
    resumed = refiner.Refiner()
    resumed.load_state_dict(torch.load(tmp_path / "resumed.pt"))
    with torch.no_grad():
        apart = abs(resumed.eval()(images.float()) - networks[1](images.float())).max()
    assert apart < 0.02, f"{apart} apart, of which float16 is a part"
    face = labels.opened(str(tmp_path / "refiner.onnx"), 66).run(
        None, {"image": in_frame(images[:1].numpy().astype(np.float32))}
    )[0]
    assert face.shape == (1, 15)


def test_a_turned_and_mirrored_frame_keeps_the_landmarks_in_the_box():
    draw = np.random.default_rng(1)
    photo = draw.integers(0, 256, (300, 400, 3), np.uint8)
    box = np.array([[150.0, 90.0, 80.0, 100.0]])
    points = np.array([[[170, 130], [210, 130], [190, 150], [175, 170], [205, 170]]], float)
    for _ in range(40):
        faces = Faces(box, points, np.array([True]))
        image, moved = frames.frame(photo, faces, photo, (photo, faces), draw)
        assert image.shape == (HEIGHT, WIDTH, 3)
        for (x, y, w, h), landmarks in zip(moved.box, moved.landmarks):
            assert ((landmarks >= [x, y]) & (landmarks <= [x + w, y + h])).all()
            assert landmarks[0, 0] < landmarks[1, 0], "the eye at the left stays the first"


def test_a_head_put_beside_another_is_a_face_and_hides_what_is_behind_it():
    draw = np.random.default_rng(2)
    white, black = np.full((224, 288, 3), 255, np.uint8), np.zeros((224, 288, 3), np.uint8)
    box = np.array([[100.0, 80.0, 60.0, 80.0]])
    faces = Faces(box, box[:, None, :2] + np.full((1, 5, 2), 30.0), np.array([True]))
    for _ in range(40):
        image = black.copy()
        both = frames.beside(image, faces, white, faces, draw)
        assert len(both.box) == 2 and (both.box[0] == box[0]).all() and both.confident[1]
        middle = both.box[:, :2] + both.box[:, 2:] / 2
        x, y = middle[1].astype(int)
        assert image[y, x].min() > 200, "the head is where its box is"
        assert both.confident[0] == (image[120, 130].max() < 80), (
            "and whose middle it hides is no certain face"
        )


def test_what_a_frame_asks_for_decodes_to_its_faces():
    box = np.array(
        [[40.0, 30.0, 60.0, 80.0], [200.0, 100.0, 12.0, 15.0], [100.0, 150.0, 30.0, 30.0]]
    )
    landmarks = (
        box[:, None, :2]
        + np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
        * box[:, None, 2:]
    )
    score, geometry = targets.encoded(Faces(box, landmarks, np.array([True, True, False])))
    assert (score == 1).sum() == 2 and (score == -1).sum() >= 9, (
        "two faces, and a place where nobody knows"
    )
    output = torch.zeros(1, 15, *score.shape)
    output[0, 0] = torch.logit(torch.from_numpy(score).clamp(0.001, 0.999))
    centre = [(torch.arange(n) + 0.5) * targets.STRIDE for n in score.shape]
    y, x = torch.meshgrid(*centre, indexing="ij")
    cx, cy, w, h = torch.from_numpy(geometry[:4]).clamp(min=1e-3)
    output[0, 1:5] = torch.stack([(cx - x) / w, (cy - y) / h, torch.log(w / 8), torch.log(h / 8)])
    size = torch.stack([w, h] * 5)
    output[0, 5:] = (torch.from_numpy(geometry[4:]) - torch.stack([cx, cy] * 5)) / size
    found = measure.faces(output, 0.4)
    assert len(found) == 2
    for face in found:
        i = np.abs(box[:, 0] - face[1]).argmin()
        assert np.allclose(face[1:5], box[i], atol=0.01) and np.allclose(
            face[5:].reshape(5, 2), landmarks[i], atol=0.01
        )
    cost = targets.cost(output, torch.from_numpy(score)[None], torch.from_numpy(geometry)[None])
    assert cost < 0.1, "and costs next to nothing"
