"""Resizing, cropping and blurring as matrix products: one matrix for the rows of each picture, one
for its columns. Both OpenCV's filters and the engine's crop are exact this way.
"""

import torch


def resampled(rows, pixels, columns):
    """N × C × height × width, with weights of N × new height × height and N × new width × width."""
    count, channels, height, width = pixels.shape
    rows, columns = rows.to(pixels.dtype), columns.to(pixels.dtype)
    # Channels between rows and columns: no copy in either product, and none in the next call.
    x = pixels.permute(0, 2, 1, 3).reshape(count, height * channels, width)
    x = torch.bmm(x, columns.transpose(1, 2)).reshape(count, height, -1)
    x = torch.bmm(rows, x).reshape(count, rows.shape[1], channels, -1)
    return x.permute(0, 2, 1, 3)


def interpolation(centres, step, low, high, length, cubic=None):
    """The weights, N × K × length, of a line of pixels from which K are made.

    `centres` is where each lies, N × K, and `step` how many pixels each covers, N × 1. Up to 1 that
    is bilinear, and bicubic in the rows of `cubic`; beyond, the mean of an area. Pixels outside of
    `low` and `high`, N × 1, do not count.
    """
    at = torch.arange(length, device=centres.device, dtype=centres.dtype) + 0.5
    apart = (centres[..., None] - at).abs()
    covered = step.clamp_min(1)[..., None]
    weights = ((covered + 1) / 2 - apart).clamp(0, 1)
    if cubic is not None and len(cubic):
        weights[cubic] = bicubic(apart[cubic])
    weights = weights * ((at > low[..., None]) & (at < high[..., None]))
    return weights / weights.sum(2, keepdim=True)


def bicubic(apart, a=-0.75):
    """OpenCV's bicubic weights."""
    near = ((a + 2) * apart - (a + 3)) * apart * apart + 1
    far = ((a * apart - 5 * a) * apart + 8 * a) * apart - 4 * a
    return torch.where(apart < 1, near, torch.where(apart < 2, far, 0.0))


def blurring(deviation, length, shift=0.0):
    """Gaussian weights, N × length × length, for deviations of N × 1; the result moves by `shift`,
    N × 1."""
    at = torch.arange(length, device=deviation.device, dtype=deviation.dtype)
    if torch.is_tensor(shift):
        shift = shift[..., None]
    apart = at[:, None] - at - shift
    weights = torch.exp(-0.5 * (apart / deviation[..., None]) ** 2)
    # Far beyond an end there is nothing: the shadow of a sheet outside of the picture.
    return weights / weights.sum(2, keepdim=True).clamp_min(1e-12)


def shrinking(share, length):
    """Weights, N × length × length: shrunk to a share, N × 1, and enlarged again."""
    at = torch.arange(length, device=share.device, dtype=share.dtype) + 0.5
    smaller = (length * share).ceil()
    zero, end = torch.zeros_like(share), torch.full_like(share, length)
    # Pixels of the small picture beyond its end repeat its last one.
    down = interpolation(torch.minimum(at, smaller - 0.5) / share, 1 / share, zero, end, length)
    up = interpolation(at * share, torch.ones_like(share), zero, smaller, length)
    return torch.bmm(up, down)
