"""Regions in a few files, small enough to take to another machine, and in the memory of a device.

The face is smaller than in OUT/NAME.regions, and every source is in every file, so that one file
alone will do for a try.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch

from common.device import sent

from .measure import SETS, UNLABELLED
from .regions import UNKNOWN, liveness_sources

# The height of a face: the widest crop is 4 × as high.
FACE_HEIGHT = 100
QUALITY = 90
# A larger region, of a face that is wider than high, is scaled down.
MAX_SIDE = 512


def write_packs(out, target, packs=4, count=14_000, development=100):
    """Writes TARGET/regions-1.npz … with about `count` of OUT's regions, and TARGET/dev-NAME.npz
    with at most `development` of the pictures of every development set."""
    Path(target).mkdir(parents=True, exist_ok=True)
    sources = liveness_sources()
    tables = {name: Path(out) / f"{name}.regions.npz" for name in sources}
    tables = {name: np.load(table) for name, table in tables.items() if table.exists()}
    found = {name: len(table["box"]) for name, table in tables.items()}
    kept = numbers(found, {name: sources[name]["share"] for name in found}, count)
    rows = []
    for name, table in tables.items():
        file = np.fromfile(Path(out) / f"{name}.regions", np.uint8)
        # Evenly, because neighbours are often of the same video.
        for i in np.linspace(0, found[name] - 1, kept[name]).round().astype(int):
            first, last = table["start"][i : i + 2]
            rows.append((*packed(file[first:last], table["box"][i]), name))
        print(f"{name}: {kept[name]} of {found[name]}", flush=True)
    order = np.random.default_rng(0).permutation(len(rows))
    for i in range(packs):
        some = [rows[at] for at in order[i::packs]]
        write_pack(Path(target) / f"regions-{i + 1}.npz", some, found)
    for name in (*SETS, *UNLABELLED):
        if (Path(out) / f"dev-{name}.npz").exists():
            data = np.load(Path(out) / f"dev-{name}.npz")
            step = -(-len(data["label"]) // development)
            some = {key: values[::step] for key, values in data.items()}
            np.savez_compressed(Path(target) / f"dev-{name}.npz", **some)


def numbers(found, shares, count):
    """How many pictures to take of each source: by how often it is drawn, as far as there are."""
    kept = dict.fromkeys(found, 0)
    for _ in range(len(found)):
        rest = [name for name in found if kept[name] < found[name]]
        left = count - sum(kept.values())
        total = sum(shares[name] * found[name] for name in rest)
        if left < 1 or not rest:
            break
        for name in rest:
            more = round(left * shares[name] * found[name] / total)
            kept[name] = min(found[name], kept[name] + more)
    return kept


def packed(jpeg, box):
    """The region as WebP, with a smaller face, and its box."""
    photo = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    scale = min(1.0, FACE_HEIGHT / box[3], MAX_SIDE / max(photo.shape[:2]))
    size = [max(2, round(side * scale)) for side in photo.shape[1::-1]]
    box = box * np.tile(np.array(size) / photo.shape[1::-1], 2)
    if scale < 1:
        photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".webp", photo, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1], box


def write_pack(path, rows, found):
    """`start` is the offset of each picture in `pictures`, `source` its source's place in
    `sources`, and `found` how many regions each source had."""
    pictures, boxes, names = zip(*rows)
    sources = [*found]
    np.savez(
        path,
        pictures=np.concatenate(pictures),
        start=np.cumsum([0, *map(len, pictures)]),
        box=np.array(boxes),
        source=np.array([sources.index(name) for name in names]),
        sources=np.array(sources),
        found=np.array([*found.values()]),
    )
    print(f"{path}: {len(rows)} regions, {path.stat().st_size / 2**20:.1f} MiB", flush=True)


class Packed:
    """The regions of all packs of a folder, in the memory of a device.

    `pixels` is N × height × 3 × width, from the top left corner: blue, green, red. `sizes` holds
    columns and rows, `skins` the colour of each face below the eyes. No region is drawn before
    `choose`.
    """

    def __init__(self, folder, device, threads=16):
        files = [np.load(path) for path in sorted(Path(folder).glob("regions-*.npz"))]
        jobs = [
            (file["pictures"], first, last)
            for file in map(dict, files)
            for first, last in zip(file["start"], file["start"][1:])
        ]
        decoded = lambda job: cv2.imdecode(job[0][job[1] : job[2]], cv2.IMREAD_COLOR)
        with ThreadPoolExecutor(threads) as pool:
            photos = [*pool.map(decoded, jobs)]
        self.sizes = np.array([photo.shape[1::-1] for photo in photos])
        self.boxes = np.concatenate([file["box"] for file in files])
        names = files[0]["sources"].tolist()
        self.found = dict(zip(names, files[0]["found"].tolist()))
        self.sources = np.array(names)[np.concatenate([file["source"] for file in files])]
        labels = {name: liveness_sources()[name].get("label", UNKNOWN) for name in names}
        self.labels = np.array([labels[name] for name in self.sources])
        self.skins = np.array([skin(*pair) for pair in zip(photos, self.boxes)])
        width, height = self.sizes.max(0)
        self.pixels = torch.zeros((len(photos), height, 3, width), dtype=torch.uint8, device=device)
        for pixels, photo in zip(self.pixels, photos):
            planes = torch.from_numpy(photo).to(device).permute(0, 2, 1)
            pixels[: planes.shape[0], :, : planes.shape[2]] = planes

    def choose(self, shares):
        """Draws from these sources alone: a source's regions stand for all that it had."""
        weights = np.zeros(len(self.sources))
        for name, share in shares.items():
            own = self.sources == name
            weights[own] = share * self.found.get(name, 0) / max(1, own.sum())
        self.chances = np.cumsum(weights) / weights.sum()
        return int((weights > 0).sum())

    def pick(self, count, draw):
        """The places of `count` regions."""
        return np.searchsorted(self.chances, draw.random(count), side="right")

    def part(self, index, start, columns, rows):
        """N × 3 × rows × columns pixels of some regions, from these places: left, top."""
        _, height, _, width = self.pixels.shape
        device = self.pixels.device
        index, left, top = sent(np.column_stack([index, start]), device).unbind(1)
        x = (left[:, None] + torch.arange(columns, device=device)).clamp_max(width - 1)
        y = (top[:, None] + torch.arange(rows, device=device)).clamp_max(height - 1)
        channel = torch.arange(3, device=device)[:, None]
        index, y, x = index[:, None, None, None], y[:, :, None, None], x[:, None, None]
        return self.pixels[index, y, channel, x].permute(0, 2, 1, 3)


def skin(photo, box):
    """The mean colour of the face between mouth and eyes."""
    x, y, width, height = box
    top, bottom = max(0, int(y + height / 2)), int(y + height * 3 / 4)
    left, right = max(0, int(x + width / 4)), int(x + width * 3 / 4)
    cheeks = photo[top:bottom, left:right]
    return cheeks.mean((0, 1)) if cheeks.size else np.full(3, 128.0)
