#!/usr/bin/env python3
"""Makes the photos of this folder from NASA's portrait inside the PyPI package scikit-image.

    pip download --no-deps --dest DIR scikit-image==0.26.0
    pip install pillow==13.0.0
    make.py DIR/scikit_image-0.26.0-*.whl

astronaut.png is the package's file; astronaut.jpg the same as JPEG; exif_N.jpg, for the
orientations 1 to 8, is what a camera held that way stores: the Exif tag rotates it upright again.
"""
import io
import sys
import zipfile

from PIL import Image

SOURCE = "skimage/data/astronaut.png"
ORIENTATION = 0x0112
# How an upright picture is stored, for each value of the tag.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def main(wheel):
    png = zipfile.ZipFile(wheel).read(SOURCE)
    with open("astronaut.png", "wb") as file:
        file.write(png)
    upright = Image.open(io.BytesIO(png)).convert("RGB")
    upright.save("astronaut.jpg", quality=92)
    for orientation in range(1, 9):
        stored = upright.transpose(STORED[orientation]) if orientation in STORED else upright
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        stored.save(f"exif_{orientation}.jpg", quality=92, exif=exif)


main(*sys.argv[1:])
