"""Silent-Face's crop of a face, as the engine cuts it: crates/inference/src/crop.rs."""

import cv2
import numpy as np

cv2.setNumThreads(1)

SIDE = 80
# How many times the face's box each network sees: the scales of Silent-Face's two networks.
SCALES = {"near": 2.7, "far": 4.0}


def around(box, scale, photo_width, photo_height):
    """[left, top, width, height] in whole pixels: `scale` times the box around its centre, shrunk
    if the photo is too small, then moved inside it."""
    last_x, last_y = photo_width - 1, photo_height - 1
    # The engine's boxes are float32.
    x, y, width, height = (float(np.float32(value)) for value in box)
    scale = min(scale, last_y / height, last_x / width)

    def span(start, face_length, last):
        centre, length = start + face_length / 2, face_length * scale
        low, high = centre - length / 2, centre + length / 2
        if low < 0:
            low, high = 0.0, high - low
        if high > last:
            low, high = low - (high - last), last
        first = min(max(int(low), 0), last)
        return first, min(max(int(high), first), last) - first + 1

    (left, columns), (top, rows) = span(x, width, last_x), span(y, height, last_y)
    return left, top, columns, rows


def cut(photo, box, scale):
    """The crop at 80 × 80 × 3, resized by OpenCV's bilinear filter."""
    left, top, columns, rows = around(box, scale, photo.shape[1], photo.shape[0])
    part = photo[top : top + rows, left : left + columns]
    return cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
