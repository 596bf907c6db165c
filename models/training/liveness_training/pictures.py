"""Changes to a photo before it is cropped, and the recapture simulator.

The simulator turns a photo into a photo of its print, or of a screen that shows it. Photos are
OpenCV's: H × W × 3, blue, green, red, 8 bits. Boxes are [left, top, width, height] in pixels.
"""

import cv2
import numpy as np

from common.camera import camera, noisy, relit, scaled

# The height of the resulting faces in pixels: webcams, and phones at arm's length.
FACE_HEIGHTS = (48, 360)
# How much of the photo around the face is kept, in face heights: no crop reaches further.
SURROUND = 2.2


def photographed(photo, box, draw):
    """The photo as another camera might have taken it."""
    photo, box = near_the_face(photo, box, draw)
    if draw.random() < 0.25:
        photo, box = rotated(photo, box, draw.normal(0, 8))
    if draw.random() < 0.5:
        photo, box = photo[:, ::-1], [photo.shape[1] - box[0] - box[2], *box[1:]]
    return camera(relit(photo, draw), draw), box


def recaptured(photo, box, scene, draw):
    """The photo printed or shown on a screen, held in front of `scene`, and photographed."""
    photo, box = near_the_face(photo, box, draw)
    screen = draw.random() < 0.5
    shown, (x, y, w, h) = displayed(photo, box, draw), box
    shown, left, top = framed(
        on_screen(shown, draw) if screen else on_paper(shown, draw), screen, draw
    )
    side = int(draw.uniform(240, 520))
    frame = background(scene, side, int(side * draw.choice([0.75, 1.0, 1.33])), draw)
    height, width = frame.shape[:2]
    # How much of the frame the medium takes: from all of it, without a visible edge, to a phone at
    # arm's length.
    size = draw.uniform(0.5, 1.05) if draw.random() < 0.6 else draw.uniform(1.05, 1.8)
    scale = size * min(width / shown.shape[1], height / shown.shape[0])
    centre = np.array([draw.uniform(0.4, 0.6) * width, draw.uniform(0.4, 0.6) * height])
    if size > 1.05:
        # The medium fills the frame: keep the face in the middle.
        centre += (
            np.array([shown.shape[1], shown.shape[0]]) / 2 - [left + x + w / 2, top + y + h / 2]
        ) * scale
    corners = np.array(
        [[0, 0], [shown.shape[1], 0], [shown.shape[1], shown.shape[0]], [0, shown.shape[0]]], float
    )
    angle = np.deg2rad(draw.normal(0, 7))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = (corners - corners.mean(0)) @ turn.T * scale * (
        1 + draw.normal(0, 0.02, (4, 2))
    ) + centre
    warp = cv2.getPerspectiveTransform(corners.astype(np.float32), target.astype(np.float32))
    if scale < 0.7:
        shown = cv2.GaussianBlur(shown, (0, 0), 0.35 / scale)
    cv2.warpPerspective(
        shown,
        warp,
        (width, height),
        dst=frame,
        borderMode=cv2.BORDER_TRANSPARENT,
        flags=cv2.INTER_LINEAR,
    )
    if screen and draw.random() < 0.6:
        frame = moire(frame, draw)
    if draw.random() < 0.4:
        frame = glare(frame, draw)
    face = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32) + np.float32(
        [left, top]
    )
    face = cv2.perspectiveTransform(face[None], warp)[0]
    (x, y), (right, bottom) = face.min(0), face.max(0)
    return camera(relit(frame, draw), draw), [x, y, right - x, bottom - y]


def worn(photo, box, wearer, head, draw):
    """The face printed, cut out of the paper, held in front of the head in another photo, and
    photographed."""
    photo, box = near_the_face(photo, box, draw)
    paper = on_paper(displayed(relit(photo, draw), box, draw), draw)
    frame, (hx, hy, hw, hh) = near_the_face(wearer, head, draw)
    frame, (x, y, w, h) = np.ascontiguousarray(frame), box
    sheet, holes = cut_out(paper.shape, box, draw)
    if draw.random() < 0.5:
        # Cut out with a margin of white paper.
        margin = max(1, int(h * draw.uniform(0.01, 0.05)))
        wider = cv2.dilate(sheet, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8))
        paper = np.where((sheet < 128)[..., None], np.uint8(draw.integers(190, 256)), paper)
        sheet = wider
    sheet = cv2.min(sheet, holes)
    scale, angle = hh / h * draw.uniform(0.9, 1.25), draw.normal(0, 6)
    warp = cv2.getRotationMatrix2D((x + w / 2, y + h / 2), angle, scale)
    warp[:, 2] += (
        np.array([hx + hw / 2, hy + hh / 2])
        - [x + w / 2, y + h / 2]
        + draw.normal(0, 0.05, 2) * [hw, hh]
    )
    size = frame.shape[1::-1]
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    paper, sheet = (cv2.warpAffine(image, warp, size, flags=flags) for image in (paper, sheet))
    if draw.random() < 0.6:
        away = np.float32([[1, 0, draw.normal(0, 0.03) * hw], [0, 1, draw.uniform(0, 0.06) * hh]])
        shadow = cv2.GaussianBlur(
            cv2.warpAffine(sheet, away, size), (0, 0), max(0.8, 0.04 * hh)
        ) / np.float32(255)
        frame = scaled(frame, (1 - draw.uniform(0.15, 0.6) * shadow)[..., None])
    alpha = cv2.GaussianBlur(sheet, (0, 0), draw.uniform(0.4, 1.2))[..., None] / np.float32(255)
    frame = (paper * alpha + frame * (1 - alpha)).astype(np.uint8)
    if draw.random() < 0.3:
        frame = glare(frame, draw)
    corners = cv2.transform(np.float32([[[x, y], [x + w, y], [x + w, y + h], [x, y + h]]]), warp)[0]
    (x, y), (right, bottom) = corners.min(0), corners.max(0)
    return camera(relit(frame, draw), draw), [x, y, right - x, bottom - y]


def cut_out(shape, box, draw):
    """The outline of the cut, and the eye holes: 255 is paper."""
    x, y, w, h = box
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    waves = sum(
        draw.normal(0, 0.03 / n) * np.sin(n * angles + draw.uniform(0, 7)) for n in range(1, 6)
    )
    reach = np.array([w * draw.uniform(0.44, 0.75), h * draw.uniform(0.46, 0.7)])
    outline = np.c_[np.cos(angles), np.sin(angles)] * reach * (1 + waves)[:, None] + [
        x + w / 2,
        y + h / 2,
    ]
    sheet, holes = np.zeros(shape[:2], np.uint8), np.full(shape[:2], 255, np.uint8)
    cv2.fillPoly(sheet, [outline.astype(np.int32)], 255)
    if draw.random() < 0.3:
        for side in (0.3, 0.7):
            eye = int(x + w * side), int(y + h * draw.uniform(0.38, 0.42))
            cv2.ellipse(holes, eye, (max(1, int(0.1 * w)), max(1, int(0.05 * h))), 0, 0, 360, 0, -1)
    return sheet, holes


def near_the_face(photo, box, draw):
    """Crops the photo around the face and scales it to a face height from FACE_HEIGHTS."""
    height, width = photo.shape[:2]
    x, y, w, h = box
    reach = h * draw.uniform(1.2, SURROUND)
    left, right = max(0, int(x + w / 2 - reach * 1.2)), min(width, int(x + w / 2 + reach * 1.2) + 1)
    top, bottom = max(0, int(y + h / 2 - reach)), min(height, int(y + h / 2 + reach) + 1)
    # Enlarge by 1.4 at most: an enlarged photo is softer than any camera's.
    scale = min(np.exp(draw.uniform(*np.log(FACE_HEIGHTS))) / h, draw.uniform(1.0, 1.4))
    part = photo[top:bottom, left:right]
    size = max(8, round(part.shape[1] * scale)), max(8, round(part.shape[0] * scale))
    part = cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return part, [(x - left) * scale, (y - top) * scale, w * scale, h * scale]


def rotated(photo, box, degrees):
    height, width = photo.shape[:2]
    x, y, w, h = box
    matrix = cv2.getRotationMatrix2D((x + w / 2, y + h / 2), degrees, 1.0)
    return cv2.warpAffine(photo, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101), box


def displayed(photo, box, draw):
    """The photo in the medium's resolution and tonal range."""
    scale = min(1.0, draw.uniform(90, 400) / box[3])
    height, width = photo.shape[:2]
    small = cv2.resize(
        photo,
        (max(8, int(width * scale)), max(8, int(height * scale))),
        interpolation=cv2.INTER_AREA,
    )
    photo = cv2.resize(
        small,
        (width, height),
        interpolation=cv2.INTER_CUBIC if draw.random() < 0.5 else cv2.INTER_LINEAR,
    )
    black, white = draw.uniform(0, 0.2), draw.uniform(0.75, 1.05)
    values = np.clip(
        (black + (white - black) * (np.arange(256) / 255) ** draw.uniform(0.75, 1.35)) * 255, 0, 255
    )
    return cv2.LUT(photo, values.astype(np.uint8))


def on_paper(photo, draw):
    """Ink: less saturated, warmer or colder, grainy, sometimes halftoned."""
    grey = cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    amount = 0.0 if draw.random() < 0.06 else draw.uniform(0.45, 1.0)
    photo = cv2.addWeighted(photo, amount, grey, 1 - amount, 0)
    photo = scaled(photo, np.exp(draw.normal(0, 0.06, 3)))
    if draw.random() < 0.35:
        height, width = photo.shape[:2]
        pitch = draw.uniform(2.2, 5)
        y, x = np.mgrid[:height, :width].astype(np.float32) * np.float32(2 * np.pi / pitch)
        angle = draw.uniform(0, np.pi)
        a, b = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        photo = scaled(photo, 1 + draw.uniform(0.03, 0.2) * (np.cos(a) * np.cos(b))[..., None])
    if draw.random() < 0.2:
        # A bent sheet: broad bands of light.
        along = np.linspace(0, 1, photo.shape[1]) * draw.uniform(1, 3) + draw.random()
        photo = scaled(
            photo, (1 + draw.uniform(0.05, 0.25) * np.sin(2 * np.pi * along))[None, :, None]
        )
    return noisy(photo, draw.uniform(1, 8), draw)


def on_screen(photo, draw):
    """A screen: a colour cast, the lines of its pixels, sometimes the dark band of its refresh."""
    photo = scaled(photo, np.array([1.0, 0.98, 0.95]) ** draw.normal(0, 2))
    height, width = photo.shape[:2]
    if draw.random() < 0.4:
        stripes = np.ones((3, 3)) * (1 - draw.uniform(0.05, 0.25)) + np.eye(3) * draw.uniform(
            0.1, 0.4
        )
        photo = scaled(photo, np.tile(stripes, (width // 3 + 1, 1))[:width][None])
    if draw.random() < 0.15:
        band = np.exp(
            -(((np.arange(height) / height - draw.random()) / draw.uniform(0.05, 0.3)) ** 2)
        )
        photo = scaled(photo, (1 - draw.uniform(0.1, 0.4) * band)[:, None, None])
    return photo


def framed(photo, screen, draw):
    """The medium's margin: a bezel, a player's bars, white paper, or nothing."""
    height, width = photo.shape[:2]
    if draw.random() < 0.3:
        return photo, 0, 0
    margins = (draw.uniform(0.01, 0.14, 4) * max(height, width)).astype(int)
    if screen:
        colour = draw.integers(0, 60, 3) if draw.random() < 0.8 else draw.integers(150, 256, 3)
    else:
        colour = draw.integers(170, 256) + draw.integers(-12, 12, 3)
    top, bottom, left, right = (int(margin) for margin in margins)
    colour = [int(np.clip(value, 0, 255)) for value in colour]
    return (
        cv2.copyMakeBorder(photo, top, bottom, left, right, cv2.BORDER_CONSTANT, value=colour),
        left,
        top,
    )


def background(scene, width, height, draw):
    """The room behind the medium: another picture, in or out of focus."""
    if draw.random() < 0.12:
        frame = np.full((height, width, 3), draw.integers(20, 235, 3), np.uint8)
        return noisy(frame, 4, draw)
    scale = max(width / scene.shape[1], height / scene.shape[0]) * draw.uniform(1, 1.6)
    scene = cv2.resize(scene, (int(scene.shape[1] * scale) + 1, int(scene.shape[0] * scale) + 1))
    y, x = (
        int(draw.integers(scene.shape[0] - height + 1)),
        int(draw.integers(scene.shape[1] - width + 1)),
    )
    scene = np.ascontiguousarray(scene[y : y + height, x : x + width])
    return cv2.GaussianBlur(scene, (0, 0), draw.uniform(1, 5)) if draw.random() < 0.6 else scene


def moire(photo, draw):
    """Moiré of the screen's grid and the sensor's: a wave per channel, bent by the perspective."""
    height, width = photo.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32) / max(height, width)
    angle, waves = draw.uniform(0, np.pi), draw.uniform(15, 130)
    bend = draw.normal(0, 0.12, 2)
    phase = (
        2
        * np.pi
        * waves
        * (x * np.cos(angle) + y * np.sin(angle) + bend[0] * x * y + bend[1] * x * x)
    )
    depth, shift = draw.uniform(0.01, 0.1), draw.uniform(0, 2, 3)
    return scaled(photo, 1 + depth * np.stack([np.sin(phase + s) for s in shift], 2))


def glare(photo, draw):
    """A lamp or a window reflected in the medium."""
    height, width = photo.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    at, size = (
        draw.uniform(0, 1, 2) * [width, height],
        draw.uniform(0.05, 0.35, 2) * max(width, height),
    )
    spot = np.exp(-(((x - at[0]) / size[0]) ** 2) - ((y - at[1]) / size[1]) ** 2)
    light = np.repeat((draw.uniform(30, 160) * spot)[..., None], 3, 2)
    return cv2.add(photo, light, dtype=cv2.CV_8U)
