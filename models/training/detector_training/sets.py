"""The photos that `detector_report` measures on: none was trained on."""

import csv
import shutil
from pathlib import Path

import numpy as np

from common.sources import is_held_out, sources

from .labels import known_points

# Photos of BSDS500 that show people, statues or pictures of people.
PEOPLE = Path(__file__).with_name("bsds500_people.txt").read_text().split()


def write_sets(data, target):
    """Writes TARGET/stills and TARGET/faceless.

    `stills` holds the held-out people of YouTube-Faces, with `landmarks.csv`; `faceless` holds
    BSDS500 without the photos that show people.
    """
    stills, faceless = Path(target) / "stills", Path(target) / "faceless"
    for folder in (stills, faceless):
        folder.mkdir(parents=True, exist_ok=True)
    points, source = known_points(Path(data) / "ytf"), sources()["ytf"]
    with open(stills / "landmarks.csv", "w", newline="") as handle:
        table = csv.writer(handle)
        table.writerow(["file", *(f"{axis}{i}" for i in range(5) for axis in "xy")])
        for path in sorted((Path(data) / "ytf").glob(source["files"])):
            if is_held_out(path, source["held_out"]) and path in points:
                still = f"{path.parent.name}-{path.name}"
                shutil.copy(path, stills / still)
                table.writerow([still, *np.round(points[path].ravel(), 2)])
    for path in sorted((Path(data) / "bsds500").glob("BSDS500/data/images/*/*.jpg")):
        if path.stem not in PEOPLE:
            shutil.copy(path, faceless)
