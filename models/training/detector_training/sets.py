"""What `examples/detector_report.rs` measures on, of photos that the detector is not trained on."""

import csv
import shutil
from pathlib import Path

import cv2
import numpy as np

from liveness_training.sources import is_held_out, sources

from .labels import CenterFace, YuNet, known_points

# Photos of BSDS500 that show people, or statues and pictures of people.
PEOPLE = Path(__file__).with_name("bsds500_people.txt").read_text().split()
# Hand-made landmarks that are farther than this part of the box's width, in the mean, from what either published
# detector sees were put beside the face.
BESIDE = 0.15


def write_sets(data, target, centerface, yunet):
    """Writes TARGET/stills: YouTube-Faces' people who are kept for measuring, with `landmarks.csv`, whose last column tells
    whether two published detectors see a face there; and TARGET/faceless: BSDS500 without the photos that show people."""
    detectors = CenterFace(centerface), YuNet(yunet)
    stills, faceless = Path(target) / "stills", Path(target) / "faceless"
    for folder in (stills, faceless):
        folder.mkdir(parents=True, exist_ok=True)
    points, source = known_points(Path(data) / "ytf"), sources()["ytf"]
    with open(stills / "landmarks.csv", "w", newline="") as handle:
        table = csv.writer(handle)
        table.writerow(["file", *(f"{axis}{i}" for i in range(5) for axis in "xy"), "on_face"])
        for path in sorted((Path(data) / "ytf").glob(source["files"])):
            if is_held_out(path, source["held_out"]) and path.name in points:
                shutil.copy(path, stills)
                on_face = int(is_on_face(points[path.name], cv2.imread(str(path)), detectors))
                table.writerow([path.name, *np.round(points[path.name].ravel(), 2), on_face])
    for path in sorted((Path(data) / "bsds500").glob("BSDS500/data/images/*/*.jpg")):
        if path.stem not in PEOPLE:
            shutil.copy(path, faceless)


def is_on_face(points, photo, detectors):
    """Whether either detector sees a face with such landmarks; or neither sees any face at all."""
    found = np.concatenate([detector(photo) for detector in detectors])
    apart = np.linalg.norm(found[:, 5:15].reshape(-1, 5, 2) - points, axis=2).mean(1) / found[:, 3]
    return not len(found) or apart.min() <= BESIDE
