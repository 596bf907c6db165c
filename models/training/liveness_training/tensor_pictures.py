"""The changes of `pictures`, `views` and `common.camera` for many pictures at once, on any device.

Pictures are N × 3 × height × width: blue, green, red, 0 to 255. A strength is a tensor of N × 1 ×
1 × 1, or one for each channel. `x` and `y` are the places of the pixels in the photo.
"""

import math
from functools import cache

import torch
from torch.nn import functional as F

from common.camera import NOISE

from .resampling import blurring, resampled, shrinking

# The strengths of `textured`, in order.
TEXTURES = ("colour", "tint", "stripes", "refresh", "halftone", "bands")
GREY = (0.114, 0.587, 0.299)
# JPEG's quantisation tables at quality 50: luma, chroma.
TABLES = (
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    [
        [17, 18, 24, 47, 99, 99, 99, 99],
        [18, 21, 26, 66, 99, 99, 99, 99],
        [24, 26, 56, 99, 99, 99, 99, 99],
        [47, 66, 99, 99, 99, 99, 99, 99],
        *[[99] * 8] * 4,
    ],
)
# Blue, green and red to luma and both chromas, and back.
TO_YCC = ((0.114, 0.587, 0.299), (0.5, -0.331264, -0.168736), (-0.081312, -0.418688, 0.5))
FROM_YCC = ((1, 1.772, 0), (1, -0.344136, -0.714136), (1, 0, 1.402))


def textured(pixels, x, y, size, colour, tint, stripes, refresh, halftone, bands):
    """`on_screen` and `on_paper` but for the grain. `size` is the photo's, N × 2 × 1 × 1."""
    pixels = saturated(pixels, colour) * tint
    dark, light = parts(stripes)
    channel = torch.arange(3, device=pixels.device)[:, None, None]
    pixels = pixels * (1 - dark + light * (x.floor() % 3 == channel))
    depth, at, width = parts(refresh)
    pixels = pixels * (1 - depth * torch.exp(-(((y / size[:, 1:] - at) / width) ** 2)))
    depth, pitch, angle = parts(halftone)
    a, b = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    pixels = pixels * (1 + depth * (a * pitch).cos() * (b * pitch).cos())
    depth, number, start = parts(bands)
    pixels = pixels * (1 + depth * (number * x / size[:, :1] + start).sin())
    return pixels.clamp(0, 255)


def parts(strengths):
    """The columns of N × K × 1 × 1, each N × 1 × 1 × 1."""
    return strengths.split(1, 1)


def saturated(pixels, amount):
    grey = sum(weight * pixels[:, i : i + 1] for i, weight in enumerate(GREY))
    return grey + amount * (pixels - grey)


def moire(pixels, x, y, size, strengths, shift):
    depth, angle, waves, bend, bend_across = parts(strengths)
    x, y = (v / size.amax(1, keepdim=True) for v in (x, y))
    phase = x * angle.cos() + y * angle.sin() + bend * x * y + bend_across * x * x
    return (pixels * (1 + depth * (waves * phase + shift).sin())).clamp(0, 255)


def glare(pixels, x, y, _size, strengths):
    light, at_x, at_y, width, height = parts(strengths)
    spot = torch.exp(-(((x - at_x) / width) ** 2) - ((y - at_y) / height) ** 2)
    return (pixels + light * spot).clamp(0, 255)


@cache
def sheets(device):
    return torch.stack([torch.from_numpy(sheet) for sheet in NOISE]).permute(0, 3, 1, 2).to(device)


def noisy(pixels, deviation, sheet, at):
    """Adds a part of a sheet of noise, white or softer; `at` is where, 0 to 1."""
    height, width = pixels.shape[2:]
    noise = sheets(pixels.device)
    rows, columns = (
        (at[:, i].flatten()[:, None] * (noise.shape[2] - side)).long()
        + torch.arange(side, device=pixels.device)
        for i, side in ((1, height), (0, width))
    )
    which = sheet.flatten().long()[:, None, None]
    part = noise[which, :, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)
    return (pixels + deviation * part).clamp(0, 255)


def smoothed(pixels, deviation, sharpened):
    """Blurred; or where `sharpened` is 1.6, the photo against its blurred copy."""
    weights = blurring(deviation[:, :, 0, 0], pixels.shape[2])
    blurred = resampled(weights, pixels, weights)
    return (sharpened * pixels + (1 - sharpened) * blurred).clamp(0, 255)


def smaller(pixels, share):
    """Shrunk to a share of its size, and enlarged again."""
    weights = shrinking(share[:, :, 0, 0], pixels.shape[2])
    return resampled(weights, pixels, weights)


def jpeg(pixels, quality):
    """JPEG with 4:2:0 chroma. Sides are multiples of 16."""
    luma, *chroma = (sum(w * pixels[:, i : i + 1] for i, w in enumerate(row)) for row in TO_YCC)
    luma_table, chroma_table = tables(pixels.device)
    luma = quantised(luma - 128, luma_table, quality) + 128
    chroma = quantised(F.avg_pool2d(torch.cat(chroma, 1), 2), chroma_table, quality)
    chroma = F.interpolate(chroma, scale_factor=2, mode="bilinear")
    planes = luma, chroma[:, :1], chroma[:, 1:]
    channels = [sum(w * plane for w, plane in zip(row, planes)) for row in FROM_YCC]
    return torch.cat(channels, 1).clamp(0, 255)


def quantised(planes, table, quality):
    """Quantises the DCT coefficients of each 8 × 8 block. An encoder rounds its planes first."""
    count, channels, height, width = planes.shape
    basis = dct_basis(planes.device)
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)
    steps = ((table.flatten() * scale.reshape(count, 1, 1) + 50) / 100).floor().clamp(1, 255)
    grid = (count, channels, height // 8, 8, width // 8, 8)
    blocks = planes.round().reshape(grid).transpose(3, 4).reshape(count, -1, 64)
    blocks = ((blocks @ basis.T) / steps).round() * steps @ basis
    blocks = blocks.reshape(count, channels, height // 8, width // 8, 8, 8)
    return blocks.transpose(3, 4).reshape(planes.shape)


@cache
def tables(device):
    return torch.tensor(TABLES, dtype=torch.float32, device=device)


@cache
def dct_basis(device):
    """The 64 basis functions of the DCT, each 8 × 8 pixels."""
    at = torch.arange(8, dtype=torch.float64)
    waves = torch.cos(math.pi / 8 * (at + 0.5) * at[:, None]) / 2
    waves[0] /= math.sqrt(2)
    return torch.einsum("ui,vj->uvij", waves, waves).reshape(64, 64).float().to(device)


def toned(pixels, gamma, gain, contrast, saturation, haze):
    """`views.Tone`."""
    values = (pixels.clamp(0, 255) / 255) ** gamma * gain
    pixels = ((values - 0.5) * contrast + 0.5).clamp(0, 1) * 255
    pixels = saturated(pixels.round(), saturation).clamp(0, 255)
    haze, light = parts(haze)
    return (pixels * (1 - haze) + light).clamp(0, 255)


def sampled(pixels, x, y):
    """Bilinear values at places of N × 1 × height × width, zero outside."""
    width, height = pixels.shape[3], pixels.shape[2]
    grid = torch.cat([2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1], 1).permute(0, 2, 3, 1)
    return F.grid_sample(pixels, grid, align_corners=True)
