"""`held` for many pictures at once: a print or a screen in front of another person's face."""

import math

import torch
from torch.nn import functional as F

from . import tensor_pictures as change
from .resampling import blurring, resampled

# Points on a side of a canvas's pixel at which the photo is sampled: it may be shown smaller.
POINTS = 2


def with_sheets(regions, sheets, pixels, values):
    """The canvases with sheets in front; `sheets` holds their regions and `cut`, on the host."""
    length = pixels.shape[2]
    shown, alpha = sheet(regions, sheets, length, values)
    strength, reach, *shift = change.parts(values["shadow"])
    rows, columns = (
        blurring(reach[..., 0, 0], length, move[..., 0, 0]) for move in reversed(shift)
    )
    behind = pixels * (1 - strength * resampled(rows, alpha, columns))
    pixels = behind + alpha * (shown - behind)
    grain = values["sheet_grain"] * alpha
    pixels = change.noisy(pixels, grain, values["noise_sheet"], values["noise_at"])
    return gripped(pixels, values)


def sheet(regions, sheets, length, values):
    """What the sheet shows at each pixel of the canvas, and how much of the pixel it covers."""
    x, y, bulge = points(values, length)
    columns, rows = change.parts(values["sheet_size"])
    alpha = within(x, columns) * within(y, rows)
    eye_x, eye_y, other_x, other_y, width, height = change.parts(values["eyes"])
    for at_x, at_y in ((eye_x, eye_y), (other_x, other_y)):
        apart = ((x - at_x) / width) ** 2 + ((y - at_y) / height) ** 2
        alpha = alpha * ((apart - 1) * height / 2 + 0.5).clamp(0, 1)
    left, top = change.parts(values["frame"][:, :2])
    x, y, bare = x - left, y - top, values["cut"][:, 2:]
    photo = photographed(regions, sheets, length, values)
    textures = values.each(*(f"sheet_{name}" for name in change.TEXTURES))
    photo = change.textured(photo, x, y, bare, *textures)
    dark, light, first, last = change.parts(values["faded"])
    slope = first + (last - first) * (x / bare[:, :1]).clamp(0, 1)
    photo = ((photo / 255 * light + dark) * slope).clamp(0, 255)
    inside = within(x, bare[:, :1]) * within(y, bare[:, 1:])
    shown = values["frame_colour"] + inside * (photo - values["frame_colour"])
    return (shown * (1 + 3 * bulge)).clamp(0, 255), alpha


def photographed(regions, sheets, length, values):
    """The photo on the sheet at each pixel of the canvas; beyond it, its edge."""
    width, height = sheets["cut"][:, 2:].max(0).astype(int).tolist()
    photo = regions.part(sheets["sheet"], sheets["cut"][:, :2].astype(int), width, height)
    x, y, _ = points(values, length, POINTS)
    margins, ends = values["frame"][:, :2], values["cut"][:, 2:] - 1
    edges = zip((x, y), change.parts(margins), change.parts(ends))
    x, y = (torch.minimum((at - margin).clamp_min(0), last) for at, margin, last in edges)
    return F.avg_pool2d(change.sampled(photo.float().contiguous(), x, y), POINTS)


def points(values, length, dense=1):
    """Where on the framed sheet the pixels of the canvas lie, or `dense` points on each side of
    them; and how far the sheet bulges there."""
    device = values.matrix.device
    at = (torch.arange(length * dense, device=device) + 0.5) / dense - 0.5
    to_sheet = zip(*[iter(change.parts(values["to_sheet"]))] * 3)
    x, y, depth = (a * at + b * at[:, None] + c for a, b, c in to_sheet)
    x, y = x / depth, y / depth
    columns, rows = change.parts(values["sheet_size"])
    bulge = values["bent"] * ((math.pi * x / columns).sin() - 0.5)
    return x, y + bulge * rows, bulge


def within(at, length):
    """1 between 0 and the length, 0 outside, soft at the ends."""
    return (torch.minimum(at, length - 1 - at) + 1).clamp(0, 1)


def gripped(pixels, values):
    """Fingers at the sheet's left and right edge, in the colour of the face behind it."""
    at = torch.arange(pixels.shape[2], device=pixels.device, dtype=torch.float32)
    lines = change.parts(values["fingers"])
    nearest = torch.full_like(pixels[:, :1], float("inf"))
    for from_x, from_y, to_x, to_y in zip(*[iter(lines)] * 4):
        x, y, along_x, along_y = at - from_x, at[:, None] - from_y, to_x - from_x, to_y - from_y
        length = (along_x**2 + along_y**2).clamp_min(1e-6)
        share = ((x * along_x + y * along_y) / length).clamp(0, 1)
        apart = (x - share * along_x) ** 2 + (y - share * along_y) ** 2
        nearest = torch.minimum(nearest, apart)
    thick, nearest = values["thick"], nearest.sqrt()
    alpha = (thick / 2 - nearest + 0.5).clamp(0, 1)
    # The highlight is a third as wide as the finger, and blurred.
    light = 0.5 * torch.exp(-0.5 * (nearest / (0.27 * thick)) ** 2)
    finger = (values["skin"] * (0.72 + 0.4 * light)).clamp(0, 255)
    return pixels + (finger - pixels) * alpha
