"""Changes of light, lens, sensor and file.

Photos are OpenCV's: H × W × 3, blue, green, red, 8 bits.
"""

import cv2
import numpy as np

cv2.setNumThreads(1)

WHITE = np.random.default_rng(0).standard_normal((1200, 1200, 3), np.float32)
NOISE = [WHITE, cv2.GaussianBlur(WHITE, (0, 0), 0.7) * 2]


def relit(photo, draw):
    """Changes exposure, contrast, white balance and saturation."""
    values = np.arange(256) / 255
    tables = []
    gamma, gain, lift = (
        np.exp(draw.normal(0, 0.22)),
        np.exp(draw.normal(0, 0.12)),
        draw.normal(0, 0.02),
    )
    for _ in range(3):
        tables.append(
            np.clip((values**gamma * gain * np.exp(draw.normal(0, 0.05)) + lift) * 255, 0, 255)
        )
    photo = cv2.LUT(photo, np.stack(tables, 1).astype(np.uint8)[None])
    if draw.random() < 0.4:
        grey = cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        amount = draw.uniform(0.4, 1.4)
        photo = cv2.addWeighted(photo, amount, grey, 1 - amount, 0)
    if draw.random() < 0.25:
        height, width = photo.shape[:2]
        along = (
            np.linspace(0, 1, width)[None] * draw.normal()
            + np.linspace(0, 1, height)[:, None] * draw.normal()
        )
        photo = scaled(photo, np.exp(0.35 * (along - along.mean()))[..., None])
    return photo


def camera(photo, draw):
    """Simulates lens, sensor and file: blur, noise, sharpening, JPEG."""
    kind = draw.random()
    if kind < 0.25:
        photo = cv2.GaussianBlur(photo, (0, 0), draw.uniform(0.4, 1.6))
    elif kind < 0.33:
        length = int(draw.integers(3, 9))
        kernel = np.zeros((length, length), np.float32)
        cv2.line(
            kernel, (0, int(draw.integers(length))), (length - 1, int(draw.integers(length))), 1
        )
        photo = cv2.filter2D(photo, -1, kernel / kernel.sum())
    elif kind < 0.4:
        photo = cv2.addWeighted(photo, 1.6, cv2.GaussianBlur(photo, (0, 0), 1.2), -0.6, 0)
    if draw.random() < 0.35:
        photo = noisy(photo, draw.uniform(1, 9), draw)
    if draw.random() < 0.25:
        # A video or a messenger: scaled down, then up again.
        height, width = photo.shape[:2]
        scale = draw.uniform(0.4, 0.9)
        small = cv2.resize(
            photo,
            (max(8, int(width * scale)), max(8, int(height * scale))),
            interpolation=cv2.INTER_AREA,
        )
        photo = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    quality = int(draw.integers(30, 98))
    return cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def noisy(photo, deviation, draw):
    """Adds white or softer noise, a random part of a sheet drawn once: drawing fresh noise would
    take half of the total time."""
    sheet = NOISE[int(draw.integers(2))]
    height, width = min(photo.shape[0], sheet.shape[0]), min(photo.shape[1], sheet.shape[1])
    y, x = (
        int(draw.integers(sheet.shape[0] - height + 1)),
        int(draw.integers(sheet.shape[1] - width + 1)),
    )
    noise = cv2.resize(
        sheet[y : y + height, x : x + width], photo.shape[1::-1], interpolation=cv2.INTER_NEAREST
    )
    return cv2.addWeighted(photo, 1, noise, deviation, 0, dtype=cv2.CV_8U)


def scaled(photo, factor):
    """Multiplies the photo by a factor per channel, per pixel or both."""
    factor = np.broadcast_to(np.asarray(factor, np.float32), photo.shape)
    return cv2.multiply(photo, factor, dtype=cv2.CV_8U)
