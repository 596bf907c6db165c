"""A print or a screen that somebody holds in front of their own face.

Few training pictures show sheets with visible edges, fingers and cut-out eyes, and the students
matched their teachers worst on them. Pictures and boxes as in `pictures`.
"""

import cv2
import numpy as np

from common.camera import scaled

from .pictures import framed, on_paper, on_screen

# The eyes in a face's box: their places, and half their size.
EYES, EYE = ((0.3, 0.4), (0.7, 0.4)), (0.17, 0.07)


def held(photo, box, behind, behind_box, draw):
    """The photo as a print or on a screen, held in front of the face of `behind`.

    Returns the picture, and the box of the printed face.
    """
    sheet, face = cut(photo, box, draw)
    mask = np.full(sheet.shape[:2], 255, np.uint8)
    if draw.random() < 0.25:
        cut_eyes(mask, face, draw)
    screen = draw.random() < 0.3
    sheet = faded(on_screen(sheet, draw) if screen else on_paper(sheet, draw), draw)
    if draw.random() < 0.5:
        bare = sheet.shape
        sheet, left, top = framed(sheet, screen, draw)
        bottom, right = sheet.shape[0] - bare[0] - top, sheet.shape[1] - bare[1] - left
        mask = cv2.copyMakeBorder(
            mask, top, bottom, left, right, cv2.BORDER_CONSTANT, value=255
        )
        face = [face[0] + left, face[1] + top, face[2], face[3]]
    matrix = placed(sheet, face, behind_box, draw)
    size = behind.shape[1::-1]
    if draw.random() < 0.5 and not screen:
        sheet, mask = bent(sheet, mask, draw)
    alpha = cv2.warpPerspective(mask, matrix, size, flags=cv2.INTER_LINEAR)
    sheet = cv2.warpPerspective(sheet, matrix, size, flags=cv2.INTER_LINEAR)
    alpha = (alpha / np.float32(255))[..., None]
    if draw.random() < 0.6:
        behind = shadowed(behind, alpha, draw)
    photo = np.rint(sheet * alpha + behind * (1 - alpha)).astype(np.uint8)
    if draw.random() < 0.6:
        photo = gripped(photo, behind, behind_box, mask.shape, matrix, draw)
    return photo, moved(face, matrix)


def cut(photo, box, draw):
    """A rectangle of the photo around its face, and the box in it."""
    x, y, width, height = box
    reach = draw.uniform([0.05, 0.15, 0.05, 0.05], [0.8, 0.8, 0.8, 0.9])
    left, top = max(0, int(x - reach[0] * width)), max(0, int(y - reach[1] * height))
    right, bottom = int(x + (1 + reach[2]) * width) + 1, int(y + (1 + reach[3]) * height) + 1
    return photo[top:bottom, left:right], [x - left, y - top, width, height]


def cut_eyes(mask, face, draw):
    """Cuts the eyes out of the sheet: 0 in its mask, which is 255 elsewhere."""
    x, y, width, height = face
    grown = draw.uniform(0.8, 1.3)
    for across, down in EYES:
        at = [round(x + across * width), round(y + down * height)]
        size = [max(1, round(grown * EYE[0] * width)), max(1, round(grown * EYE[1] * height))]
        cv2.ellipse(mask, at, size, 0, 0, 360, 0, -1, cv2.LINE_AA)


def faded(sheet, draw):
    """Ink and screens have less range than the scene, and their own light."""
    dark, light = draw.uniform(0, 50), draw.uniform(150, 255)
    slope = np.linspace(*draw.uniform(0.75, 1.15, 2), sheet.shape[1])[None, :, None]
    ranged = sheet / np.float32(255) * (light - dark) + dark
    return np.clip(ranged * slope, 0, 255).astype(np.uint8)


def placed(sheet, face, behind_box, draw):
    """The perspective that puts the sheet in front of the other face, about as large."""
    x, y, width, height = behind_box
    zoom = height * np.exp(draw.uniform(-0.35, 0.5)) / face[3]
    centre = np.array([x + width / 2, y + height / 2])
    centre = centre + draw.normal(0, 0.12, 2) * [width, height]
    rows, columns = sheet.shape[:2]
    corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    middle = np.array([face[0] + face[2] / 2, face[1] + face[3] / 2])
    angle = np.radians(draw.normal(0, 6))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    seen = (corners - middle) * zoom @ turn.T + centre
    seen += draw.normal(0, 0.025, (4, 2)) * [columns * zoom, rows * zoom]
    return cv2.getPerspectiveTransform(corners, seen.astype(np.float32))


def bent(sheet, mask, draw):
    """The sheet bulges: its rows or columns move along an arc, and their light changes."""
    rows, columns = sheet.shape[:2]
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    along = np.sin(np.pi * x / columns)
    depth = draw.uniform(-0.07, 0.07)
    y = y + depth * rows * (along - 0.5)
    sheet = scaled(sheet, 1 + 3 * depth * (along - 0.5)[..., None])
    remap = lambda image, border: cv2.remap(
        image, x, y, cv2.INTER_LINEAR, borderMode=border
    )
    return remap(sheet, cv2.BORDER_REPLICATE), remap(mask, cv2.BORDER_CONSTANT)


def shadowed(behind, alpha, draw):
    """The sheet's shadow on what is behind it."""
    reach = draw.uniform(2, 12)
    shadow = cv2.GaussianBlur(alpha[..., 0], (0, 0), reach)
    shift = np.array([[1, 0, draw.normal(0, reach)], [0, 1, draw.uniform(0, reach)]])
    shadow = cv2.warpAffine(shadow, shift, shadow.shape[::-1])
    return scaled(behind, 1 - draw.uniform(0.1, 0.5) * shadow[..., None])


def gripped(photo, behind, behind_box, shape, matrix, draw):
    """Fingers at the sheet's left and right edge, in the colour of the face behind it."""
    x, y, width, height = (int(value) for value in behind_box)
    skin = behind[max(0, y + height // 2) : y + height * 3 // 4, max(0, x + width // 4) :]
    skin = skin[:, : max(1, width // 2)].reshape(-1, 3)
    if not len(skin):
        return photo
    colour = skin.mean(0) * draw.uniform(0.7, 1.15)
    rows, columns = shape
    zoom = np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
    thick = max(2, round(height * draw.uniform(0.07, 0.13)))
    hand = np.zeros(photo.shape[:2], np.uint8)
    lit = np.zeros(photo.shape[:2], np.uint8)
    for side in (0, 1):
        if draw.random() < 0.25:
            continue
        first = draw.uniform(0.25, 0.75)
        for finger in range(draw.integers(1, 5)):
            down = (first + 1.05 * finger * thick / zoom / rows) * rows
            inward = draw.uniform(0.04, 0.2) * width / zoom
            ends = [[-2 * inward, down + draw.normal(0, 0.03) * rows], [inward, down]]
            if side:
                ends = [[columns - across, down_] for across, down_ in ends]
            a, b = np.rint(transformed(ends, matrix)).astype(int)
            cv2.line(hand, a.tolist(), b.tolist(), 255, thick, cv2.LINE_AA)
            cv2.line(lit, a.tolist(), b.tolist(), 255, max(1, thick // 3), cv2.LINE_AA)
    soft = [cv2.GaussianBlur(mask, (0, 0), blur) for mask, blur in ((hand, 0.7), (lit, thick / 4))]
    alpha, light = [(mask / np.float32(255))[..., None] for mask in soft]
    fingers = np.clip(colour * (0.72 + 0.4 * light), 0, 255)
    return np.rint(photo * (1 - alpha) + fingers * alpha).astype(np.uint8)


def transformed(points, matrix):
    return cv2.perspectiveTransform(np.array([points], np.float32), matrix)[0]


def moved(face, matrix):
    """The box around the middles of the box's sides, in perspective."""
    x, y, width, height = face
    middles = [
        [x, y + height / 2],
        [x + width, y + height / 2],
        [x + width / 2, y],
        [x + width / 2, y + height],
    ]
    left, right, top, bottom = transformed(middles, matrix)
    return [float(v) for v in (left[0], top[1], right[0] - left[0], bottom[1] - top[1])]
