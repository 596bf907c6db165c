"""The crop of a face that each network sees, by Silent-Face's rule, as the engine cuts it:
crates/inference/src/crop.rs."""

import cv2
import numpy as np

cv2.setNumThreads(1)

SIDE = 80
# How many times the face's box each network sees: the scales of the teachers.
SCALES = {"context": 2.7, "wide": 4.0, "tight": 1.5}
# Parts whose crop is a square, by the longer side of the box.
SQUARE = {"tight"}
# A close-up holds this many widths and heights of the box.
CLOSE_UP = 1.1


def around(box, part, photo_width, photo_height):
    """[left, top, width, height] in whole pixels: the part's scale times the box around its centre,
    shrunk if the photo is too small, then moved inside it."""
    last_x, last_y = photo_width - 1, photo_height - 1
    # The engine's boxes are float32.
    x, y, width, height = (float(np.float32(value)) for value in outline(box, part))
    scale = min(SCALES[part], last_y / height, last_x / width)

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


def outline(box, part):
    """The box, or the square around its centre with its longer side."""
    if part not in SQUARE:
        return box
    x, y, width, height = box
    side = max(width, height)
    return [x + (width - side) / 2, y + (height - side) / 2, side, side]


def uncut(photo, box, part):
    """The pixels of the crop, before it is resized."""
    left, top, columns, rows = around(box, part, photo.shape[1], photo.shape[0])
    return photo[top : top + rows, left : left + columns]


def room(photo, box):
    """How many times the box fits into the photo, by width or by height, whichever is less."""
    return min((photo.shape[1] - 1) / box[2], (photo.shape[0] - 1) / box[3])


def close_up(photo, box):
    """The photo cut to CLOSE_UP times the box around its centre, and the box in it."""
    x, y, width, height = box
    before, after = (CLOSE_UP - 1) / 2, (CLOSE_UP + 1) / 2
    left, top = max(0, int(x - before * width)), max(0, int(y - before * height))
    right, bottom = int(x + after * width) + 1, int(y + after * height) + 1
    return photo[top:bottom, left:right], [x - left, y - top, width, height]


def student_crop(pixels):
    """80 × 80 × 3, resized by OpenCV's bilinear filter."""
    return cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)


def teacher_crop(pixels, side):
    """What the teacher sees. One of the student's size sees the student's crop; a larger one is
    shown more pixels, without aliasing."""
    if side == SIDE:
        return student_crop(pixels)
    resize = cv2.INTER_AREA if min(pixels.shape[:2]) > side else cv2.INTER_CUBIC
    return cv2.resize(pixels, (side, side), interpolation=resize)
