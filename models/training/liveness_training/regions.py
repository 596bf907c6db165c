"""The region around the face of every picture, kept as a JPEG.

The shipped detector finds the face. A region reaches as far as the widest crop of a shifted box,
and has no more pixels than training uses.
"""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from common.sources import photos, sources

# A region reaches this many box widths and heights from the face's centre: a crop reaches 2, and
# a shifted and scaled box up to 2.5.
REACH = 2.5
# The height of the face in a region, at most: crops are 80 pixels high, and show more than a face.
FACE_HEIGHT = 128
# Smaller faces, in pixels, are left out: the crop would be enlarged.
MIN_SIDE = 24
JPEG = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]
# The labels of pictures; unknown where the publisher does not say whether it is an attack.
UNKNOWN, ATTACK = -1, 1


class Faces:
    """A running `faces` program of models/evaluation: the largest face of a picture."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, file):
        """`{"width": …, "height": …, "faces": [[left, top, width, height]]}` of an image file."""
        question = json.dumps({"length": len(file)}).encode()
        self.process.stdin.write(question + b"\n" + file)
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def find(self, file):
        """The picture and the box of its face, or None."""
        answer = self.ask(file)
        photo = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
        # Where both decoders disagree about the size, the box may not fit.
        same_size = photo is not None and photo.shape[:2] == (answer["height"], answer["width"])
        return (photo, answer["faces"][0]) if answer["faces"] and same_size else None


def liveness_sources():
    """The sources of the liveness training: their `liveness` table overrides the rest."""
    return {
        name: {**source, **source["liveness"]}
        for name, source in sources().items()
        if "liveness" in source
    }


def write_regions(data, program, out, only=None, threads=2):
    """Writes OUT/NAME.regions, the JPEGs one after another, and OUT/NAME.regions.npz, for every
    source.

    The latter holds `start`, the offset of each JPEG, and `box`, the face in it.
    """
    for name, source in liveness_sources().items():
        table = Path(out) / f"{name}.regions.npz"
        if table.exists() or (only and name not in only):
            continue
        paths = photos(data, name, source)
        found = find_regions(program, paths, source.get("without_side"), threads, name)
        starts = np.cumsum([0, *(len(jpeg) for jpeg, _ in found)])
        (Path(out) / f"{name}.regions").write_bytes(b"".join(jpeg for jpeg, _ in found))
        np.savez(table, start=starts, box=np.array([box for _, box in found]).reshape(-1, 4))
        print(f"{name}: {len(found)} faces in {len(paths)} pictures", flush=True)


def find_regions(program, paths, without_side, threads, name):
    progress = tqdm(total=len(paths), desc=name, mininterval=10)

    def part(paths):
        faces, rows = Faces(program), []
        for path in paths:
            found = faces.find(path.read_bytes())
            if found and found[0].shape[:2] != (without_side, without_side):
                rows.append((path, region(*found)))
            progress.update()
        return rows

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(part, [paths[i::threads] for i in range(threads)]))
    progress.close()
    rows = sorted((row for rows in parts for row in rows), key=lambda row: row[0])
    return [found for _, found in rows if found]


def region(photo, box):
    """The JPEG of the region and the box in it, or None if the face is small."""
    x, y, width, height = box
    if min(width, height) < MIN_SIDE:
        return None
    middle_x, middle_y = x + width / 2, y + height / 2
    left = max(0, int(middle_x - REACH * width))
    right = min(photo.shape[1], int(middle_x + REACH * width) + 1)
    top = max(0, int(middle_y - REACH * height))
    bottom = min(photo.shape[0], int(middle_y + REACH * height) + 1)
    part, scale = photo[top:bottom, left:right], min(1.0, FACE_HEIGHT / height)
    across = down = 1.0
    if scale < 1:
        size = [max(2, round(side * scale)) for side in part.shape[1::-1]]
        across, down = size[0] / part.shape[1], size[1] / part.shape[0]
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    box = [(x - left) * across, (y - top) * down, width * across, height * down]
    return cv2.imencode(".jpg", part, JPEG)[1].tobytes(), box


class Regions:
    """The regions of some sources. `shares` says how often a picture of each is drawn."""

    def __init__(self, out, shares):
        self.files, weights = [], []
        for name, share in shares.items():
            label = liveness_sources()[name].get("label", UNKNOWN)
            table = np.load(Path(out) / f"{name}.regions.npz")
            pack = np.fromfile(Path(out) / f"{name}.regions", np.uint8)
            starts, boxes = table["start"], table["box"].tolist()
            for first, last, box in zip(starts, starts[1:], boxes):
                self.files.append((pack[first:last], box, label))
            weights += [share] * len(boxes)
        self.chances = np.cumsum(weights) / np.sum(weights)

    def __len__(self):
        return len(self.files)

    def pick(self, draw):
        """A region, its box and its label."""
        at = min(np.searchsorted(self.chances, draw.random()), len(self.files) - 1)
        jpeg, box, label = self.files[at]
        return cv2.imdecode(jpeg, cv2.IMREAD_COLOR), box, label
