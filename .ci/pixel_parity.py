#!/usr/bin/env python3
"""Compares the pixels that we decode with those of Pillow and, for JPEGs, of libjpeg-turbo.

    .ci/pixel_parity.py CORPUS...

Each CORPUS is a folder, searched for files that begin like a JPEG, PNG, GIF, WebP or BMP. Prints
the counts of each format, the errors of the files that only we refuse, and every file whose mean
difference in a channel is above 2 of 255. Exit status 1 when such a file has no reason in
`EXCEPTIONS`. Needs `.ci/install python`. The corpora that were compared: docs/FORMATS.md.

The references follow the crate's rules: first frame, alpha over white, the high byte of 16 bits,
no colour profile, no Exif orientation. Each pixel of a scaled JPEG is compared with the mean of
Pillow's full image over the area of that pixel. Pillow's `draft` would not do: at an eighth,
libjpeg-turbo keeps one sample of chroma in a block of 4:2:2, and is up to 6 levels from that mean.
"""

import collections
import fnmatch
import os
import pathlib
import subprocess
import sys
import warnings

# Without it, OpenCV would allocate 3 GB for a header. Our own limit is 50 million pixels.
os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(1 << 27)
import cv2  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOLERANCE = 2.0
# The longer side at which the engine searches large photos, and the smallest scale: an eighth.
SCALED_SIDES = [800, 1]
SIGNATURES = {
    "JPEG": (0, b"\xff\xd8\xff"),
    "PNG": (0, b"\x89PNG\r\n\x1a\n"),
    "GIF": (0, b"GIF8"),
    "WebP": (8, b"WEBP"),
    "BMP": (0, b"BM"),
}
# A smaller image has no area of 8 × 8 pixels.
SMALLEST_SCALED = 8
# Why files differ by more: patterns of `PATH, REFERENCE`. Fuzzed files are named by their hashes.
EXCEPTIONS = {
    "4 × 4 pixels: libjpeg repeats two samples of chroma, we interpolate": ["*/app13.jpg, *"],
    "BMP: pixels where the header says, as in OpenCV": ["*/mmap_error.bmp, Pillow"],
    "BMP: Pillow misreads run lengths of 4 bits, OpenCV agrees with us": ["*/pal4rle.bmp, Pillow"],
    "BMP: skipped pixels are black, and Pillow misplaces the others": [
        "*/pal[48]rletrns.bmp, Pillow",
        "*/pal[48]rlecut.bmp, Pillow",
    ],
    "BMP: transparent, as in Chromium; Pillow ignores alpha": ["*/V3_A1_R5_G5_B5*.bmp, Pillow"],
    "GIF: white around a partial first frame, as in Chromium": [
        "*/border_touching_layers.gif, Pillow",
        "*/issue_1455_undersized.gif, Pillow",
    ],
    "GIF: a frame beyond the image is cut; Pillow enlarges the image": [
        "*/issue_1455_oversized.gif, Pillow",
        "*/oob.gif, Pillow",
    ],
    "GIF: numbers beyond the palette are white, in Pillow black": ["*/6ea2f708*-1, Pillow"],
    "PNG: Pillow misses the transparent grey of 4 bits": ["*/1ae14e57*.png, Pillow"],
    "PNG: alpha longer than the palette is ignored, as by libpng": ["*/4f14b7aa*.png, Pillow"],
    "fuzzed: coefficients overflow": [
        f"*/{name}*, *" for name in ["407f1b59", "4bf9097b", "c1c01977", "ecf606e4"]
    ],
    "fuzzed: damaged refinement scans": ["*/9d56da45*, *", "*/cedd35db*, *"],
    "fuzzed: progressive, cut off and then ended by a marker": ["*/25aadffe*, *", "*/cde10ca7*, *"],
    "an eighth of a small or drawn image: hard edges, saturated samples": [
        "sharp/test/fixtures/expected/*, scaled 1",
        "Pillow/*hopper*.jpg, scaled 1",
        "*/ignore_frame_size.mpo, scaled 1",
        "*/Canon PowerShot S30 (2).jpg, scaled 1",
        *(f"*/{name}*, scaled 1" for name in ["3c062558", "4bf58825", "839d42fc", "89187fc1"]),
    ],
    "a half, of fine texture: the IDCT keeps the lowest frequencies": [
        f"metadata-extractor-images/jpg/{name}.jpg, scaled 800"
        for name in ["Olympus C40Z", "Panasonic DMC-LC40", "Panasonic FZ5"]
    ],
}


class Ours:
    """Our decoder: a process that answers each path with pixels."""

    def __init__(self, *options):
        command = ["cargo", "run", "--quiet", "--release", "--example", "decode_pixels", "--"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([*command, *options], cwd=ROOT, stdin=pipe, stdout=pipe)

    def decode(self, path):
        """The image and the size of the file as `(height, width)`, or the text of the error."""
        self.process.stdin.write(f"{path}\n".encode())
        self.process.stdin.flush()
        header = self.process.stdout.readline().decode()
        assert header.endswith("\n"), f"decode_pixels ended at {path}"
        if header.startswith("error "):
            return None, header[len("error ") : -1]
        width, height, full_width, full_height = map(int, header.split())
        pixels = self.process.stdout.read(width * height * 3)
        image = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
        return image, (full_height, full_width)


class Counts:
    """The outcomes for the files of a corpus and a format, with one reference."""

    def __init__(self):
        self.outcomes = collections.Counter()
        self.largest = np.zeros(3)
        self.errors = collections.Counter()

    def add(self, ours, theirs, error):
        """Adds a file. Its mean difference per channel, where both decode it to the same size."""
        if ours is None or theirs is None:
            outcome = {(True, True): "neither", (True, False): "theirs", (False, True): "ours"}
            self.outcomes[outcome[ours is None, theirs is None]] += 1
            self.errors[error] += ours is None and theirs is not None
            return None
        self.outcomes["both"] += 1
        if ours.shape != theirs.shape:
            return np.full(3, np.inf)
        difference = np.abs(ours - theirs.astype(np.float32)).mean((0, 1))
        if difference.max() <= TOLERANCE:
            self.largest = np.maximum(self.largest, difference)
        return difference


def format_of(path):
    with open(path, "rb") as file:
        start = file.read(16)
    for name, (at, signature) in SIGNATURES.items():
        if start.startswith(signature, at):
            return name
    return None


def over_white(image):
    if image.mode.startswith("I"):
        # 16-bit grey. Pillow would clip the samples to 255, and ignore the transparent one.
        samples = np.asarray(image)
        grey = np.where(samples == image.info.get("transparency", -1), 255, samples >> 8)
        return np.repeat(grey.astype(np.uint8)[..., None], 3, 2)
    if not image.has_transparency_data:
        return np.asarray(image.convert("RGB"))
    rgba = np.asarray(image.convert("RGBA")).astype(np.uint16)
    rgb, alpha = rgba[..., :3], rgba[..., 3:]
    return ((rgb * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def pillow(path):
    try:
        with Image.open(path, formats=list(SIGNATURES)) as image:
            return over_white(image)
    except Exception:  # Pillow's plugins raise of many kinds.
        return None


def libjpeg_turbo(path):
    try:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    return None if image is None else image[..., ::-1]


def means(image, scaled):
    """The means of an image over the areas of the pixels of a scaled one, and those pixels.

    An area that the edge of the image cuts is left out: the file pads it.
    """
    divisor = next(by for by in (2, 4, 8) if -(-image.shape[0] // by) == scaled.shape[0])
    height, width = image.shape[0] // divisor, image.shape[1] // divisor
    areas = image[: height * divisor, : width * divisor].astype(np.float32)
    return cv2.resize(areas, (width, height), interpolation=cv2.INTER_AREA), scaled[:height, :width]


def compare(corpus, decoders):
    """The counts by format and reference, and the differences above the tolerance."""
    counts, differences = collections.defaultdict(Counts), []
    for path in sorted(path for path in corpus.rglob("*") if path.is_file()):
        if not (kind := format_of(path)):
            continue

        def add(reference, ours, theirs, error=None):
            difference = counts[kind, reference].add(ours, theirs, error)
            if difference is not None and difference.max() > TOLERANCE:
                differences.append((path.relative_to(corpus.parent), reference, difference))

        full, error = decoders["full"].decode(path)
        reference = pillow(path)
        add("Pillow", full, reference, error)
        if kind != "JPEG":
            continue
        add("libjpeg-turbo", full, libjpeg_turbo(path), error)
        for side in SCALED_SIDES:
            scaled, size = decoders[side].decode(path)
            if scaled is None or reference is None or min(size) < SMALLEST_SCALED:
                continue
            if scaled.shape[:2] != size:
                add(f"scaled {side}", *means(reference, scaled))
    return counts, differences


def reason(path, reference):
    name = f"{path}, {reference}"
    for why, patterns in EXCEPTIONS.items():
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            return why
    return None


def report(corpus, counts, differences):
    print(f"\n{corpus.name}")
    for (kind, reference), found in sorted(counts.items()):
        names = {"both": "both", "neither": "neither", "ours": "only we", "theirs": "only they"}
        outcomes = ", ".join(f"{text} {found.outcomes[name]}" for name, text in names.items())
        largest = ", ".join(f"{channel:.2f}" for channel in found.largest)
        print(f"  {kind}, {reference}: {outcomes}; largest within tolerance {largest}")
        for error, count in (+found.errors).most_common():
            print(f"    {count} × {error}")
    for path, reference, difference in differences:
        means = ", ".join(f"{channel:.2f}" for channel in difference)
        print(f"  {path}, {reference}: {means}: {reason(path, reference) or 'NO REASON'}")


def main(corpora):
    warnings.simplefilter("ignore")
    decoders = {side: Ours("--scaled", str(side)) for side in SCALED_SIDES} | {"full": Ours()}
    unexplained = 0
    for corpus in map(pathlib.Path.resolve, map(pathlib.Path, corpora)):
        counts, differences = compare(corpus, decoders)
        report(corpus, counts, differences)
        unexplained += sum(reason(path, reference) is None for path, reference, _ in differences)
    return int(unexplained > 0)


sys.exit(main(sys.argv[1:]))
