"""Traces that a recapture leaves in a picture.

Pictures are OpenCV's: H × W × 3, blue, green, red, 8 bits. Boxes are [left, top, width, height] in
pixels.
"""

import cv2
import numpy as np

from common.camera import noisy, scaled


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


def rotated(photo, box, degrees):
    height, width = photo.shape[:2]
    x, y, w, h = box
    matrix = cv2.getRotationMatrix2D((x + w / 2, y + h / 2), degrees, 1.0)
    return cv2.warpAffine(photo, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101), box
