"""Views of a whole batch at once, on a device: what `views` makes one by one.

`plans` draws what happens; this module does it. A crop is made on a canvas: the part of the changed
photo that the crop needs. Crops of about the same size share one, so that few pixels are wasted.
These differ from `views`: noise on the paper of a held sheet is drawn on the canvas; blur repeats
the canvas's edge instead of mirroring the photo's; the photo is rounded to 8 bits once, at the end.
"""

from dataclasses import dataclass

import numpy as np
import torch

from common.device import sent

from . import tensor_pictures as change
from .crop import SIDE
from .plans import plan
from .resampling import interpolation, resampled
from .tensor_held import with_sheets

# A batch is made in at least PARTS parts by the size of the canvas, to waste few pixels, and in
# parts of at most VIEWS, to fit the memory. Sides are multiples of JPEG's blocks.
PARTS, VIEWS, BLOCK = 4, 256, 16
# Which rows a change is for. The rest of the changes are made on all rows.
SUBSETS = (
    "cubic",
    "held",
    "recaptured",
    "coloured",
    "rotated",
    "smoothed",
    "smaller",
    "noisy",
    "coded",
    "enlarged",
)


@dataclass
class Batch:
    """As `views.Batch`, with crops on the device."""

    crops: torch.Tensor
    shown: torch.Tensor
    labels: np.ndarray
    close: np.ndarray


class Values:
    """Rows of a plan on the device: `values[name]` is N × K × 1 × 1."""

    def __init__(self, matrix, columns):
        self.matrix, self.columns = matrix, columns

    def __getitem__(self, name):
        return self.matrix[:, self.columns[name], None, None]

    def rows(self, which):
        return Values(self.matrix[which], self.columns)

    def each(self, *names):
        return [self[name] for name in names]


def batch(regions, count, part, side, chances, draw):
    """As `views.batch`, of `packs.Packed` regions."""
    return made(regions, plan(regions, count, part, chances, draw), side)


def made(regions, p, side):
    """The batch of a plan."""
    count = len(p["photo"])
    p["enlarged"] = p["crop"][:, 2:].min(1) <= side
    order = np.argsort(p["canvas"][:, 2:].max(1))
    # The permutation of the mixture stays one; its pairs are random in any order.
    p = {name: values[order] if name != "other" else values for name, values in p.items()}
    values, whole = on_device(p, regions.pixels.device)
    students, shown = [], []
    for rows in np.array_split(np.arange(count), max(PARTS, -(-count // VIEWS))):
        if len(rows):
            first, second = crops(regions, p, values, rows, side)
            students.append(first)
            shown.append(second)
    tone = values.each("gamma", "gain", "contrast", "saturation", "haze")

    def finished(parts):
        toned = change.toned(torch.cat(parts), *tone)
        amount = values["amount"]
        return (toned * (1 - amount) + toned[whole] * amount).round()

    students = finished(students)
    shown = students if side == SIDE else finished(shown)
    return Batch(students, shown, p["label"], p["close"])


def on_device(p, device):
    """The plan as one matrix, and the permutation of its mixture. Two transfers, none of which
    waits for the device."""
    columns, parts, at = {}, [], 0
    for name, values in p.items():
        values = np.asarray(values, np.float32).reshape(len(values), -1)
        columns[name] = slice(at, at + values.shape[1])
        parts.append(values)
        at += values.shape[1]
    return Values(sent(np.concatenate(parts, 1), device), columns), sent(p["other"], device)


def crops(regions, p, values, rows, side):
    """The crops of some rows for the student, and for a teacher of that side."""
    device = regions.pixels.device
    length = int(p["canvas"][rows, 2:].max())
    length = -(-length // BLOCK) * BLOCK
    p = {name: array[rows] for name, array in p.items()}
    values = values.rows(slice(rows[0], rows[-1] + 1))
    which = {name: np.flatnonzero(p[name]) for name in SUBSETS if name in p}
    ends = np.cumsum([len(found) for found in which.values()])[:-1].tolist()
    found = sent(np.concatenate([*which.values()]), device).tensor_split(ends)
    which = dict(zip(which, found))
    pixels = photo(regions, p, values, which["cubic"], length)
    at = torch.arange(length, device=device, dtype=torch.float32)
    left, top = change.parts(values["canvas"][:, :2] - values["margins"][:, :2])
    x, y = at + left, at[:, None] + top

    def apply(name, function, *strengths, places=False):
        chosen = which.get(name, ())
        if len(chosen):
            some = values.rows(chosen)
            given = (x[chosen], y[chosen], some["near"]) if places else ()
            pixels[chosen] = function(pixels[chosen], *given, *some.each(*strengths))

    if len(which.get("held", ())):
        chosen = which["held"]
        sheets = {name: p[name][p["held"]] for name in ("sheet", "cut")}
        pixels[chosen] = with_sheets(regions, sheets, pixels[chosen], values.rows(chosen))
    traces = [f"trace_{name}" for name in change.TEXTURES]
    apply("recaptured", change.textured, *traces, places=True)
    apply("recaptured", change.noisy, "trace_grain", "noise_sheet", "noise_at")
    apply("recaptured", change.moire, "moire", "moire_shift", places=True)
    apply("recaptured", change.glare, "glare", places=True)
    apply("coloured", bordered, "colour", places=True)
    apply("rotated", rotated, "turn", "canvas")
    apply("smoothed", change.smoothed, "blur", "sharpened")
    apply("smaller", change.smaller, "share")
    apply("noisy", change.noisy, "noise", "noise_sheet", "noise_at")
    apply("coded", change.jpeg, "quality")
    student = cropped(pixels, values, SIDE)
    if side == SIDE:
        return student, student
    return student, cropped(pixels, values, side, which["enlarged"], smoothly=True)


def photo(regions, p, values, cubic, length):
    """The canvas of each row, N × 3 × length × length: a part of a region, scaled."""
    needed, source = p["needed"].astype(int), p["source"].astype(int)
    columns, lines = needed[:, 2:].max(0).tolist()
    pixels = regions.part(p["photo"], needed[:, :2] + source[:, :2], columns, lines)
    at = torch.arange(length, device=pixels.device, dtype=torch.float32)

    def weights(axis, count):
        start, near, step, margin, first, end, side = (
            values[name][:, i, :, 0]
            for name, i in (
                ("canvas", axis),
                ("near", axis),
                ("step", axis),
                ("margins", axis),
                ("needed", axis),
                ("source", axis + 2),
                ("canvas", axis + 2),
            )
        )
        place = torch.minimum(at, side - 1) + start - margin
        place = torch.minimum(place.clamp_min(0), near - 1)
        return interpolation((place + 0.5) * step - first, step, -first, end - first, count, cubic)

    # Half precision holds 8 bits, and the products sum in single precision.
    pixels = pixels.to(torch.float16 if pixels.is_cuda else torch.float32)
    return resampled(weights(1, lines), pixels, weights(0, columns)).float().clamp(0, 255)


def bordered(pixels, x, y, size, colour):
    """The border of one colour, outside of the photo."""
    inside = (x >= 0) & (x < size[:, :1]) & (y >= 0) & (y < size[:, 1:])
    return torch.where(inside, pixels, colour)


def rotated(pixels, turn, canvas):
    """Rotated around the face. Beyond the photo's edges it is mirrored."""
    cosine, sine, centre_x, centre_y = change.parts(turn)
    left, top, columns, rows = change.parts(canvas)
    length = pixels.shape[2]
    at = torch.arange(length, device=pixels.device, dtype=torch.float32)
    x, y = at + left - centre_x, at[:, None] + top - centre_y
    seen_x, seen_y = cosine * x - sine * y + centre_x - left, sine * x + cosine * y + centre_y - top
    mirrored = lambda seen, side: (side - 1) - ((seen.abs() % (2 * (side - 1))) - (side - 1)).abs()
    seen = change.sampled(pixels, mirrored(seen_x, columns), mirrored(seen_y, rows))
    return seen.clamp(0, 255)


def cropped(pixels, values, side, enlarged=None, smoothly=False):
    """Crops of this side: `crop.student_crop`, or smoothly `crop.teacher_crop`."""
    crop, mirrored = values["crop"][..., 0], values["mirrored"][..., 0, 0]
    low = crop[:, :2] - values["canvas"][:, :2, :, 0]
    high, step = low + crop[:, 2:], crop[:, 2:] / side
    at = torch.arange(side, device=pixels.device, dtype=torch.float32) + 0.5
    places = torch.where(mirrored > 0, side - at, at), at

    def weights(axis):
        centres = low[:, axis] + places[axis] * step[:, axis]
        covered = step[:, axis] if smoothly else torch.ones_like(step[:, axis])
        ends = low[:, axis], high[:, axis]
        return interpolation(centres, covered, *ends, pixels.shape[2], enlarged)

    return resampled(weights(1), pixels, weights(0)).clamp(0, 255).round()
