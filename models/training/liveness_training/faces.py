"""The photos of each source, and the face in each."""

import csv
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from common.sources import is_held_out, sources

from .crops import Crops

# How many pictures of an aligned set are searched for a face.
ALIGNED_SAMPLE = 600


def photos(data, name, source):
    root = Path(data) / name
    if "list" in source:
        folder = root / source["files"].split("*")[0]
        lines = (root / source["list"]).read_text().split()
        found = [folder / line.replace("\\", "/") for line in lines]
        found = [path for path in found if path.exists()]
    else:
        found = sorted(path for path in root.glob(source["files"]) if path.is_file())
    if "without" in source:
        found = [path for path in found if source["without"] not in str(path)]
    if "held_out" in source:
        found = [path for path in found if not is_held_out(path, source["held_out"])]
    return found[:: source.get("step", 1)]


def scene_boxes(path):
    """A random box, relative to the picture's sides: a scene has no face. The networks are to agree
    with their teachers on any crop of a natural picture."""
    draw = random.Random(str(path))
    height = draw.uniform(0.15, 0.7)
    width = height * draw.uniform(0.65, 0.9)
    return [draw.uniform(0, 1 - width), draw.uniform(0, 1 - height), width, height]


def find(program, paths, threads):
    """The largest face in each picture by the shipped detector, relative to the sides, or None."""

    def part(paths):
        crops = Crops(program, faces_only=True)
        for path in paths:
            answer = crops.ask(path.read_bytes())
            sides = np.array([answer["width"], answer["height"]] * 2, float)
            yield path, (np.array(answer["faces"][0]) / sides).tolist() if answer["faces"] else None

    with ThreadPoolExecutor(threads) as pool:
        progress = tqdm(total=len(paths), desc="faces")

        def run(paths):
            out = []
            for row in part(paths):
                out.append(row)
                progress.update()
            return out

        rows = [
            row
            for rows in pool.map(run, [paths[i::threads] for i in range(threads)])
            for row in rows
        ]
    progress.close()
    return sorted(rows)


def write_faces(data, program, out, only=None, threads=2):
    """Writes OUT/NAME.faces.csv for every source.

    The columns are file, left, top, width, height; boxes are relative to the picture's sides.
    """
    for name, source in sources().items():
        file = Path(out) / f"{name}.faces.csv"
        if file.exists() or (only and name not in only):
            continue
        paths = photos(data, name, source)
        print(name, len(paths), "pictures")
        if source["kind"] == "scenes":
            rows = [(path, scene_boxes(path)) for path in paths]
        elif source["kind"] == "aligned":
            sample = paths[:: max(1, len(paths) // ALIGNED_SAMPLE)]
            boxes = [box for _, box in find(program, sample, threads) if box]
            median = np.median(boxes, axis=0).tolist()
            rows = [(path, median) for path in paths]
        else:
            rows = find(program, paths, threads)
        with open(file, "w", newline="") as handle:
            writer = csv.writer(handle)
            for path, box in rows:
                if box:
                    writer.writerow([path, *(round(value, 5) for value in box)])


def read_faces(out, name):
    with open(Path(out) / f"{name}.faces.csv", newline="") as handle:
        return [(row[0], [float(value) for value in row[1:]]) for row in csv.reader(handle)]
