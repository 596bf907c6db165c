#!/usr/bin/env python3
"""Writes JPEGs of random sizes, sampling factors and scans, for .ci/pixel_parity.py.

    .ci/sampled_jpegs.py FOLDER [COUNT] [SEED]

They are crops of a photo, blurred because decoders smooth subsampled colour in different ways. The
encoder is libjpeg-turbo's `cjpeg`. Combinations that it refuses are left out. Needs
`.ci/install system python`.
"""

import io
import pathlib
import random
import subprocess
import sys

from PIL import Image, ImageFilter

PHOTO = pathlib.Path(__file__).resolve().parent.parent / "examples/photos/astronaut.png"
# Several scans with a factor of 4 are refused, so most files have none.
FACTORS = [1, 1, 1, 2, 2, 2, 3, 4]
# The components of each scan.
SCANS = {
    "interleaved": None,
    "progressive": None,
    "scan-for-each": "0; 1; 2;",
    "two-scans": "0; 1 2;",
    "two-scans-reversed": "1 2; 0;",
}


def encoded(photo, scans, rng):
    """The name and the bytes of a file, or `None` if `cjpeg` refuses the combination."""
    width, height = rng.randint(9, 150), rng.randint(9, 150)
    left, top = rng.randint(0, photo.width - width), rng.randint(0, photo.height - height)
    crop = io.BytesIO()
    photo.crop((left, top, left + width, top + height)).save(crop, "PPM")
    factors = ",".join(f"{rng.choice(FACTORS)}x{rng.choice(FACTORS)}" for _ in "YCC")
    kind = rng.choice(list(SCANS))
    options = ["-quality", "90", "-sample", factors]
    if SCANS[kind]:
        scans.write_text(SCANS[kind])
        options += ["-scans", str(scans)]
    elif kind == "progressive":
        options.append("-progressive")
    restart = rng.choice([0, 0, 0, 1, 3])
    if restart:
        options += ["-restart", f"{restart}B"]
    process = subprocess.run(["cjpeg", *options], input=crop.getvalue(), capture_output=True)
    if process.returncode:
        return None
    return f"{kind}-{factors}-{width}x{height}-restart-{restart}.jpg", process.stdout


def main(folder, count=500, seed=1):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    photo = Image.open(PHOTO).convert("RGB").filter(ImageFilter.GaussianBlur(3))
    rng = random.Random(int(seed))
    written = 0
    while written < int(count):
        if file := encoded(photo, folder / "scans", rng):
            name, content = file
            (folder / name).write_bytes(content)
            written += 1


main(*sys.argv[1:])
