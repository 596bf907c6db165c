"""Changed crops of the regions: what teacher and student see.

Both see the very same crop, so a change need not keep the label: the teacher's answer is that of
the changed crop. The changes therefore go further than a camera's. A teacher of a larger input sees
the same crop with more pixels.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from common.camera import noisy

from .crop import SCALES, SIDE, outline, student_crop, teacher_crop, uncut
from .held import held
from .pictures import framed, glare, moire, on_paper, on_screen, rotated
from .regions import UNKNOWN

# The height of the face before the crop, in pixels, and by how much a region may be enlarged.
FACE_HEIGHTS, MAX_ENLARGEMENT = (40, 150), 1.3
# Crops of one picture in a row: decoding the JPEG costs more than changing it.
CROPS_OF_A_REGION = 2
# The detector's boxes are this far off, relative to their size; the change of scale is a logarithm.
BOX_SHIFT, BOX_SCALE, BOX_ASPECT = 0.07, 0.15, 0.08
# A crop reaches this many times its scale from the face's centre, with a shifted box.
REACH = 0.5 * 1.35
# A photo ends close to the face where the crop is no wider than this many times the box, or nine
# tenths of its scale.
CLOSE, CLOSE_SHARE = 1.6, 0.9


@dataclass(frozen=True)
class Chances:
    """How often each change is made."""

    ends_close: float
    """The photo ends close to the face, so that Silent-Face's rule shrinks and moves the crop."""
    bordered: float
    recaptured: float
    gamma: float
    exposure: float
    balance: float
    contrast: float
    mixed: float
    lowest_quality: int = 30
    """The lowest JPEG quality, 0 to 100."""
    held: float = 0.0
    """A print or a screen of the photo is held in front of another face."""


# A run from nothing learns the function far from natural pictures; the runs that continue it are
# closer to them.
STRONG = Chances(
    ends_close=0.2,
    bordered=0.1,
    recaptured=0.1,
    gamma=0.5,
    exposure=0.4,
    balance=0.4,
    contrast=0.35,
    mixed=0.2,
)
MILD = Chances(
    ends_close=0.15,
    bordered=0.08,
    recaptured=0.08,
    gamma=0.35,
    exposure=0.3,
    balance=0.3,
    contrast=0.25,
    mixed=0.12,
)
CHANCES = {"strong": STRONG, "mild": MILD, "held": replace(MILD, lowest_quality=6, held=0.3)}


@dataclass
class Batch:
    crops: np.ndarray
    """What the student sees, N × 3 × 80 × 80 in 0 to 255."""
    shown: np.ndarray
    """What the teacher sees, N × 3 × side × side in 0 to 255."""
    labels: np.ndarray
    """−1 where unknown: of a simulated recapture, a held print or screen, and a mixed crop."""
    close: np.ndarray
    """Whether the photo ends close to the face."""


def batch(regions, count, part, side, chances, draw):
    """`count` crops of a part, and the same crops for a teacher whose input has this side."""
    views, labels = [], []
    while len(views) < count:
        photo, box, label = regions.pick(draw)
        for _ in range(CROPS_OF_A_REGION):
            shown, face, is_held = photo, box, draw.random() < chances.held
            if is_held:
                behind, behind_box, _ = regions.pick(draw)
                shown, face = held(photo, box, behind, behind_box, draw)
            views.append(view(shown, face, part, chances, draw))
            labels.append(UNKNOWN if views[-1][1] or is_held else label)
    pixels, _, close = zip(*views[:count])
    tones = [Tone(chances, draw) for _ in pixels]
    mixture = Mixture(count, chances, draw)
    students = [tone(student_crop(crop)) for crop, tone in zip(pixels, tones)]
    crops = shown = mixture(students)
    if side != SIDE:
        shown = mixture([tone(teacher_crop(crop, side)) for crop, tone in zip(pixels, tones)])
    labels = np.where(mixture.mixed, UNKNOWN, labels[:count])
    return Batch(planes(crops), planes(shown), labels, np.array(close))


def planes(crops):
    return np.ascontiguousarray(np.stack(crops).transpose(0, 3, 1, 2)).astype(np.float32)


def view(photo, box, part, chances, draw):
    """The pixels of a crop of the changed photo; whether it simulates a recapture; whether the
    photo ends close to the face."""
    photo, box = near_the_face(photo, box, part, chances, draw)
    kind, recaptured = draw.random(), False
    if kind < chances.bordered:
        photo, box = bordered(photo, box, draw)
    elif kind < chances.bordered + chances.recaptured:
        photo, box = with_traces(photo, box, draw)
        recaptured = True
    if draw.random() < 0.12:
        photo, box = rotated(photo, box, draw.normal(0, 8))
    photo, box = degraded(photo, chances, draw), jittered(box, draw)
    pixels, (_, _, width, _) = uncut(photo, box, part), outline(box, part)
    ends_close = pixels.shape[1] < min(CLOSE, CLOSE_SHARE * SCALES[part]) * width
    mirrored = pixels[:, ::-1] if draw.random() < 0.5 else pixels
    return np.ascontiguousarray(mirrored), recaptured, ends_close


def near_the_face(photo, box, part, chances, draw):
    """The photo scaled to one of FACE_HEIGHTS, as far as a crop can reach, or less."""
    low, high = np.log(FACE_HEIGHTS)
    zoom = min(np.exp(draw.uniform(low, high)) / box[3], draw.uniform(1.0, MAX_ENLARGEMENT))
    x, y, width, height = box
    if draw.random() < chances.ends_close:
        fill = draw.uniform(0.55, 1.0, 2)
        to_left, to_right = width / fill[0] / 2 * draw.uniform(0.8, 1.2, 2)
        to_top, to_bottom = height / fill[1] / 2 * draw.uniform(0.85, 1.3, 2)
    else:
        _, _, across, down = outline(box, part)
        to_left = to_right = max(across * SCALES[part] * REACH, 1)
        to_top = to_bottom = down * SCALES[part] * REACH
    middle_x, middle_y = x + width / 2, y + height / 2
    left, right = max(0, int(middle_x - to_left)), min(photo.shape[1], int(middle_x + to_right) + 1)
    top, bottom = max(0, int(middle_y - to_top)), min(photo.shape[0], int(middle_y + to_bottom) + 1)
    region = photo[top:bottom, left:right]
    size = [max(24, round(side * zoom)) for side in region.shape[1::-1]]
    if zoom < 1:
        resize = cv2.INTER_AREA
    else:
        resize = cv2.INTER_CUBIC if draw.random() < 0.5 else cv2.INTER_LINEAR
    across, down = size[0] / region.shape[1], size[1] / region.shape[0]
    box = [(x - left) * across, (y - top) * down, width * across, height * down]
    return cv2.resize(region, size, interpolation=resize), box


def bordered(photo, box, draw):
    """A border of one colour, or the edges repeated."""
    margins = draw.uniform(0.03, 0.35, 4) * max(photo.shape[:2]) * (draw.random(4) < 0.75)
    top, bottom, left, right = (int(margin) for margin in margins)
    if draw.random() < 0.45:
        photo = cv2.copyMakeBorder(photo, top, bottom, left, right, cv2.BORDER_REPLICATE)
    else:
        if draw.random() < 0.8:
            colour = [int(draw.choice([0, 0, 128, 255, 255, draw.integers(256)]))] * 3
        else:
            colour = [int(value) for value in draw.integers(0, 256, 3)]
        photo = cv2.copyMakeBorder(
            photo, top, bottom, left, right, cv2.BORDER_CONSTANT, value=colour
        )
    return photo, [box[0] + left, box[1] + top, box[2], box[3]]


def with_traces(photo, box, draw):
    """Traces of a recapture: a screen's or paper's texture, moiré, glare, a margin."""
    kind = draw.random()
    if kind < 0.4:
        photo = on_screen(photo, draw)
    elif kind < 0.7:
        photo = on_paper(photo, draw)
    if draw.random() < 0.5:
        photo = moire(photo, draw)
    if draw.random() < 0.4:
        photo = glare(photo, draw)
    if draw.random() < 0.5:
        photo, left, top = framed(photo, draw.random() < 0.5, draw)
        box = [box[0] + left, box[1] + top, box[2], box[3]]
    return photo, box


def degraded(photo, chances, draw):
    """Blur, sharpening or a lower resolution; noise; JPEG."""
    kind = draw.random()
    if kind < 0.18:
        photo = cv2.GaussianBlur(photo, (0, 0), draw.uniform(0.4, 1.8))
    elif kind < 0.26:
        photo = cv2.addWeighted(photo, 1.6, cv2.GaussianBlur(photo, (0, 0), 1.2), -0.6, 0)
    elif kind < 0.34:
        scale = draw.uniform(0.35, 0.9)
        size = [max(8, int(side * scale)) for side in photo.shape[1::-1]]
        small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        photo = cv2.resize(small, photo.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    if draw.random() < 0.25:
        photo = noisy(photo, draw.uniform(1, 10), draw)
    if draw.random() < 0.45:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(draw.integers(chances.lowest_quality, 96))]
        photo = cv2.imdecode(cv2.imencode(".jpg", photo, quality)[1], cv2.IMREAD_COLOR)
    return photo


def jittered(box, draw):
    x, y, width, height = box
    scale = np.exp(draw.uniform(-BOX_SCALE, BOX_SCALE))
    new_width = width * scale * np.exp(draw.uniform(-BOX_ASPECT, BOX_ASPECT))
    new_height = height * scale
    x += (width - new_width) / 2 + width * draw.uniform(-BOX_SHIFT, BOX_SHIFT)
    y += (height - new_height) / 2 + height * draw.uniform(-BOX_SHIFT, BOX_SHIFT)
    return [x, y, new_width, new_height]


class Tone:
    """A drawn change of gamma, exposure, white balance, contrast, saturation and haze."""

    def __init__(self, chances, draw):
        drawn = draw.random(6)
        gamma, exposed, balanced, contrasted = drawn[:4] < (
            chances.gamma,
            chances.exposure,
            chances.balance,
            chances.contrast,
        )
        self.table = self.saturation = self.haze = None
        if gamma or exposed or balanced or contrasted:
            values = np.arange(256) / 255
            if gamma:
                values = values ** np.exp(draw.normal(0, 0.35))
            gain = np.ones(3)
            if exposed:
                gain *= np.exp(draw.normal(0, 0.3))
            if balanced:
                gain *= np.exp(draw.normal(0, 0.08, 3))
            contrast = np.exp(draw.uniform(np.log(0.4), np.log(1.7))) if contrasted else 1
            table = (values[:, None] * gain - 0.5) * contrast + 0.5
            self.table = np.rint(np.clip(table, 0, 1) * 255).astype(np.uint8)[None]
        if drawn[4] < 0.25:
            self.saturation = draw.uniform(0, 1.6)
        if drawn[5] < 0.12:
            haze = draw.uniform(0.05, 0.4)
            self.haze = haze, haze * 255 * draw.uniform(0.6, 1.0)

    def __call__(self, crop):
        if self.table is not None:
            crop = cv2.LUT(crop, self.table)
        if self.saturation is not None:
            grey = cv2.cvtColor(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
            crop = cv2.addWeighted(crop, self.saturation, grey, 1 - self.saturation, 0)
        if self.haze:
            haze, light = self.haze
            crop = cv2.addWeighted(crop, 1 - haze, crop, 0, light)
        return crop


class Mixture:
    """Mixes a share of the crops with others. Function matching gains from pictures that are not
    natural."""

    def __init__(self, count, chances, draw):
        self.mixed, self.others = draw.random(count) < chances.mixed, draw.permutation(count)
        self.amounts = draw.uniform(0.05, 0.5, count)

    def __call__(self, crops):
        done = list(crops)
        for i in np.flatnonzero(self.mixed):
            amount, other = self.amounts[i], crops[self.others[i]]
            done[i] = cv2.addWeighted(crops[i], 1 - amount, other, amount, 0)
        return done
