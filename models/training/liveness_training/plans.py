"""What is drawn for a batch of views, before any pixel is touched: the regions, where each crop
lies, and the strength of every change.

The changes are those of `views`, `pictures` and `held`, for all crops of a batch at once. Every
array has a row for each crop. A change that a crop is spared has a strength that changes nothing.
"""

import numpy as np

from .crop import SCALES, SQUARE
from .held import EYE, EYES
from .regions import UNKNOWN
from .views import (
    BOX_ASPECT,
    BOX_SCALE,
    BOX_SHIFT,
    CLOSE,
    CLOSE_SHARE,
    FACE_HEIGHTS,
    MAX_ENLARGEMENT,
    REACH,
)

# Pixels around a crop that blur and JPEG see as well.
EDGE = 4
# Fingers on each side of a held sheet, at most.
FINGERS = 4
# Where a finger is that is not there.
FAR_AWAY = 1e5


def plan(regions, count, part, chances, draw):
    """The arrays of a batch, by name. Lengths are in pixels of the changed photo if nothing else
    is said; colours are blue, green, red."""
    picked = regions.pick(count, draw)
    p = {"held": draw.random(count) < chances.held, "sheet": picked}
    p["photo"] = np.where(p["held"], regions.pick(count, draw), picked)
    size, box = regions.sizes[p["photo"]], regions.boxes[p["photo"]]
    if chances.held:
        skin = regions.skins[p["photo"]]
        face = sheets(p, regions.sizes[picked], regions.boxes[picked], box, skin, draw)
        box = np.where(p["held"][:, None], face, box)
    size, box = near_the_face(p, size, box, part, chances, draw)
    size, box = surrounded(p, size, box, chances, draw)
    rotated(p, box, draw)
    degraded(p, chances, draw)
    box = jittered(box, draw)
    left, top, columns, rows = around(box, part, *size.T)
    p |= {"crop": np.stack([left, top, columns, rows], 1)}
    p["mirrored"] = draw.random(count) < 0.5
    window(p, size)
    if chances.held:
        on_canvas(p)
    toned(p, chances, draw)
    mixed = draw.random(count) < chances.mixed
    p["other"], p["amount"] = draw.permutation(count), mixed * draw.uniform(0.05, 0.5, count)
    p["close"] = columns < min(CLOSE, CLOSE_SHARE * SCALES[part]) * outline(box, part)[:, 2]
    known = ~(p["recaptured"] | p["held"] | mixed)
    p["label"] = np.where(known, regions.labels[picked], UNKNOWN)
    return p


def around(box, part, photo_width, photo_height):
    """`crop.around` of every row: left, top, columns, rows."""
    x, y, width, height = outline(box, part).astype(np.float32).astype(float).T
    last_x, last_y = photo_width - 1, photo_height - 1
    scale = np.minimum(SCALES[part], np.minimum(last_y / height, last_x / width))

    def span(start, face_length, last):
        centre, length = start + face_length / 2, face_length * scale
        low, high = centre - length / 2, centre + length / 2
        low, high = np.where(low < 0, 0.0, low), np.where(low < 0, high - low, high)
        over = high > last
        low, high = np.where(over, low - (high - last), low), np.where(over, last, high)
        first = np.clip(np.trunc(low), 0, last)
        return first, np.clip(np.trunc(high), first, last) - first + 1

    (left, columns), (top, rows) = span(x, width, last_x), span(y, height, last_y)
    return left, top, columns, rows


def outline(box, part):
    """`crop.outline` of every row."""
    if part not in SQUARE:
        return box
    x, y, width, height = box.T
    side = np.maximum(width, height)
    return np.stack([x + (width - side) / 2, y + (height - side) / 2, side, side], 1)


def near_the_face(p, size, box, part, chances, draw):
    """Size and box of the photo as far as a crop can reach, or less, scaled.

    `source` is its part of the region: left, top, columns, rows. `step` is the pixels of the region
    for one of the photo, across and down.
    """
    count, (x, y, width, height) = len(box), box.T
    low, high = np.log(FACE_HEIGHTS)
    zoom = np.exp(draw.uniform(low, high, count)) / height
    zoom = np.minimum(zoom, draw.uniform(1.0, MAX_ENLARGEMENT, count))
    ends = draw.random(count) < chances.ends_close
    fill = draw.uniform(0.55, 1.0, (2, count))
    to_sides = width / fill[0] / 2 * draw.uniform(0.8, 1.2, (2, count))
    to_ends = height / fill[1] / 2 * draw.uniform(0.85, 1.3, (2, count))
    _, _, across, down = outline(box, part).T
    to_left, to_right = np.where(ends, to_sides, np.maximum(across * SCALES[part] * REACH, 1))
    to_top, to_bottom = np.where(ends, to_ends, down * SCALES[part] * REACH)
    middle_x, middle_y = x + width / 2, y + height / 2
    left, top = np.maximum(0, np.trunc([middle_x - to_left, middle_y - to_top]))
    right = np.minimum(size[:, 0], np.trunc(middle_x + to_right) + 1)
    bottom = np.minimum(size[:, 1], np.trunc(middle_y + to_bottom) + 1)
    source = np.stack([right - left, bottom - top], 1)
    near = np.maximum(24, np.rint(source * zoom[:, None]))
    p["source"] = np.column_stack([left, top, source])
    p["step"], p["near"] = source / near, near
    p["cubic"] = (zoom >= 1) & (draw.random(count) < 0.5)
    return near, scaled_box(box - np.column_stack([left, top, 0 * left, 0 * left]), near / source)


def scaled_box(box, factor):
    return box * np.tile(factor, 2)


def surrounded(p, size, box, chances, draw):
    """Size and box with a border, or with the margin and the traces of a recapture.

    `margins` are left, top, right, bottom. Where `coloured`, they have one colour; elsewhere they
    repeat the edges.
    """
    count, longest = len(box), size.max(1)
    kind = draw.random(count)
    bordered = kind < chances.bordered
    p["recaptured"] = ~bordered & (kind < chances.bordered + chances.recaptured)
    borders = draw.uniform(0.03, 0.35, (count, 4)) * longest[:, None]
    borders = np.trunc(borders * (draw.random((count, 4)) < 0.75))
    repeated, grey = draw.random(count) < 0.45, draw.random(count) < 0.8
    one = draw.choice([0, 0, 128, 255, 255, draw.integers(256)], (count, 1))
    colour = np.where(grey[:, None], one, draw.integers(0, 256, (count, 3)))
    framed = p["recaptured"] & (draw.random(count) < 0.5) & (draw.random(count) < 0.7)
    frames, frame_colour = frame(longest, draw.random(count) < 0.5, draw)
    margins = np.where(bordered[:, None], borders, np.where(framed[:, None], frames, 0.0))
    p["margins"], p["coloured"] = margins, (bordered & ~repeated) | framed
    p["colour"] = np.where(framed[:, None], frame_colour, colour)
    kind = draw.random(count)
    screen, paper = p["recaptured"] & (kind < 0.4), p["recaptured"] & (kind >= 0.4) & (kind < 0.7)
    textures(p, "trace", screen, paper, draw)
    waves_and_glare(p, p["recaptured"], size, draw)
    box = box + np.column_stack([margins[:, :2], np.zeros((count, 2))])
    return size + margins[:, :2] + margins[:, 2:], box


def frame(longest, screen, draw):
    """The margins and the colour of a screen's bezel or a paper's edge."""
    count = len(longest)
    dark = (draw.random(count) < 0.8)[:, None]
    bezel = np.where(dark, draw.integers(0, 60, (count, 3)), draw.integers(150, 256, (count, 3)))
    paper = draw.integers(170, 256, (count, 1)) + draw.integers(-12, 12, (count, 3))
    margins = np.trunc(draw.uniform(0.01, 0.14, (count, 4)) * longest[:, None])
    return margins, np.clip(np.where(screen[:, None], bezel, paper), 0, 255)


def textures(p, name, screen, paper, draw):
    """The strengths of `on_screen` and `on_paper`."""
    count = len(screen)
    sometimes = lambda where, chance, values: values * (where & (draw.random(count) < chance))
    less = np.where(draw.random(count) < 0.06, 0.0, draw.uniform(0.45, 1.0, count))
    p[f"{name}_colour"] = np.where(paper, less, 1.0)
    cast = np.array([1.0, 0.98, 0.95]) ** draw.normal(0, 2, (count, 1))
    ink = np.exp(draw.normal(0, 0.06, (count, 3)))
    p[f"{name}_tint"] = np.where(screen[:, None], cast, np.where(paper[:, None], ink, 1.0))
    striped = sometimes(screen, 0.4, 1.0)
    dark, light = draw.uniform(0.05, 0.25, count), draw.uniform(0.1, 0.4, count)
    p[f"{name}_stripes"] = np.stack([striped * dark, striped * light], 1)
    depth = sometimes(screen, 0.15, draw.uniform(0.1, 0.4, count))
    p[f"{name}_refresh"] = np.stack([depth, draw.random(count), draw.uniform(0.05, 0.3, count)], 1)
    depth = sometimes(paper, 0.35, draw.uniform(0.03, 0.2, count))
    pitch, angle = draw.uniform(2.2, 5, count), draw.uniform(0, np.pi, count)
    p[f"{name}_halftone"] = np.stack([depth, 2 * np.pi / pitch, angle], 1)
    depth = sometimes(paper, 0.2, draw.uniform(0.05, 0.25, count))
    bands, start = draw.uniform(1, 3, count), draw.random(count)
    p[f"{name}_bands"] = np.stack([depth, 2 * np.pi * bands, 2 * np.pi * start], 1)
    p[f"{name}_grain"] = np.where(paper, draw.uniform(1, 8, count), 0.0)


def waves_and_glare(p, where, size, draw):
    """The strengths of `moire` and `glare`."""
    count = len(where)
    depth = where * (draw.random(count) < 0.5) * draw.uniform(0.01, 0.1, count)
    angle, waves = draw.uniform(0, np.pi, count), draw.uniform(15, 130, count)
    bend = draw.normal(0, 0.12, (count, 2))
    p["moire"] = np.column_stack([depth, angle, 2 * np.pi * waves, bend])
    p["moire_shift"] = draw.uniform(0, 2, (count, 3))
    light = where * (draw.random(count) < 0.4) * draw.uniform(30, 160, count)
    at = draw.uniform(0, 1, (count, 2)) * size
    width = draw.uniform(0.05, 0.35, (count, 2)) * size.max(1)[:, None]
    p["glare"] = np.column_stack([light, at, width])


def rotated(p, box, draw):
    """A rotation around the face: cosine, sine and centre."""
    count = len(box)
    p["rotated"] = draw.random(count) < 0.12
    angle = np.where(p["rotated"], np.radians(draw.normal(0, 8, count)), 0.0)
    centre = box[:, :2] + box[:, 2:] / 2
    p["turn"] = np.column_stack([np.cos(angle), np.sin(angle), centre])


def degraded(p, chances, draw):
    """Blur, sharpening or a lower resolution; noise; JPEG."""
    count, kind = len(p["photo"]), draw.random(len(p["photo"]))
    blurred, sharpened, smaller = kind < 0.18, (kind >= 0.18) & (kind < 0.26), (kind >= 0.26)
    p["smoothed"], p["smaller"] = kind < 0.26, smaller & (kind < 0.34)
    p["blur"] = np.where(blurred, draw.uniform(0.4, 1.8, count), 1.2)
    p["sharpened"] = np.where(sharpened, 1.6, 0.0)
    p["share"] = draw.uniform(0.35, 0.9, count)
    p["noisy"] = draw.random(count) < 0.25
    p["noise"] = draw.uniform(1, 10, count)
    p["noise_sheet"] = draw.integers(2, size=count)
    p["noise_at"] = draw.random((count, 2))
    p["coded"] = draw.random(count) < 0.45
    p["quality"] = draw.integers(chances.lowest_quality, 96, count)


def jittered(box, draw):
    count, (x, y, width, height) = len(box), box.T
    scale = np.exp(draw.uniform(-BOX_SCALE, BOX_SCALE, count))
    new_width = width * scale * np.exp(draw.uniform(-BOX_ASPECT, BOX_ASPECT, count))
    new_height = height * scale
    x = x + (width - new_width) / 2 + width * draw.uniform(-BOX_SHIFT, BOX_SHIFT, count)
    y = y + (height - new_height) / 2 + height * draw.uniform(-BOX_SHIFT, BOX_SHIFT, count)
    return np.stack([x, y, new_width, new_height], 1)


def window(p, size):
    """`canvas`: the part of the photo that the crop needs: left, top, columns, rows. `needed`: the
    pixels of the region that it needs, in `source`: left, top, columns, rows.
    """
    left, top, columns, rows = p["crop"].T
    low, high = np.stack([left, top], 1), np.stack([left + columns, top + rows], 1)
    cosine, sine, *centre = p["turn"].T
    centre = np.stack(centre, 1)
    for at in ([0, 0], [0, 1], [1, 0], [1, 1]):
        x, y = (p["crop"][:, :2] + at * p["crop"][:, 2:] - centre).T
        seen = centre + np.stack([cosine * x - sine * y, sine * x + cosine * y], 1)
        low, high = np.minimum(low, np.floor(seen)), np.maximum(high, np.ceil(seen))
    low, high = np.maximum(0, low - EDGE), np.minimum(size, high + EDGE)
    p["canvas"] = np.column_stack([low, high - low])
    first = np.clip(low - p["margins"][:, :2], 0, p["near"] - 1)
    last = np.clip(high - 1 - p["margins"][:, :2], 0, p["near"] - 1)
    reach = np.maximum(p["step"], 1) + 2
    start = np.maximum(0, np.floor((first + 0.5) * p["step"] - reach))
    end = np.minimum(p["source"][:, 2:], np.ceil((last + 0.5) * p["step"] + reach))
    p["needed"] = np.column_stack([start, end - start])


def toned(p, chances, draw):
    """Gamma, exposure, white balance, contrast, saturation and haze."""
    count = len(p["photo"])
    drawn = draw.random((6, count))
    p["gamma"] = np.where(drawn[0] < chances.gamma, np.exp(draw.normal(0, 0.35, count)), 1.0)
    gain = np.where(drawn[1] < chances.exposure, np.exp(draw.normal(0, 0.3, count)), 1.0)
    balance = np.exp(draw.normal(0, 0.08, (count, 3)))
    p["gain"] = gain[:, None] * np.where((drawn[2] < chances.balance)[:, None], balance, 1.0)
    contrast = np.exp(draw.uniform(np.log(0.4), np.log(1.7), count))
    p["contrast"] = np.where(drawn[3] < chances.contrast, contrast, 1.0)
    p["saturation"] = np.where(drawn[4] < 0.25, draw.uniform(0, 1.6, count), 1.0)
    haze = np.where(drawn[5] < 0.12, draw.uniform(0.05, 0.4, count), 0.0)
    p["haze"] = np.stack([haze, haze * 255 * draw.uniform(0.6, 1.0, count)], 1)


def sheets(p, size, box, behind, skin, draw):
    """A print or a screen of a region, `box` in it, in front of the face `behind`. Returns the box
    of the shown face in the region behind.

    `cut` is the rectangle of the sheet's region: left, top, columns, rows; `frame` its margins.
    `to_photo` takes points of the framed sheet into the region behind.
    """
    count, (x, y, width, height) = len(box), box.T
    reach = draw.uniform([0.05, 0.15, 0.05, 0.05], [0.8, 0.8, 0.8, 0.9], (count, 4)).T
    left, top = np.maximum(0, np.trunc([x - reach[0] * width, y - reach[1] * height]))
    right = np.minimum(size[:, 0], np.trunc(x + (1 + reach[2]) * width) + 1)
    bottom = np.minimum(size[:, 1], np.trunc(y + (1 + reach[3]) * height) + 1)
    bare = np.stack([right - left, bottom - top], 1)
    p["cut"] = np.column_stack([left, top, bare])
    screen = draw.random(count) < 0.3
    framed = (draw.random(count) < 0.5) & (draw.random(count) < 0.7)
    margins, p["frame_colour"] = frame(bare.max(1), screen, draw)
    p["frame"] = np.where(framed[:, None], margins, 0.0)
    shape = bare + p["frame"][:, :2] + p["frame"][:, 2:]
    face = np.column_stack([box[:, :2] - p["cut"][:, :2] + p["frame"][:, :2], box[:, 2:]])
    p["sheet_size"] = shape
    textures(p, "sheet", screen, ~screen, draw)
    dark, light = draw.uniform(0, 50, count), draw.uniform(150, 255, count)
    p["faded"] = np.column_stack([dark, light - dark, draw.uniform(0.75, 1.15, (count, 2))])
    bent = (draw.random(count) < 0.5) & ~screen
    p["bent"] = np.where(bent, draw.uniform(-0.07, 0.07, count), 0.0)
    grown = np.where(draw.random(count) < 0.25, draw.uniform(0.8, 1.3, count), 0.0)
    eyes = [face[:, :2] + np.array(eye) * face[:, 2:] for eye in EYES]
    p["eyes"] = np.column_stack([*eyes, np.maximum(1e-3, grown[:, None] * EYE * face[:, 2:])])
    p["to_photo"] = placed(face, shape, behind, draw)
    across = np.sqrt(np.abs(np.linalg.det(p["to_photo"][:, :2, :2])))
    reach, strength = draw.uniform(2, 12, count), draw.uniform(0.1, 0.5, count)
    strength = np.where(draw.random(count) < 0.6, strength, 0.0)
    shift = np.stack([draw.normal(0, reach), draw.uniform(0, reach)], 1)
    p["shadow"] = np.column_stack([strength, reach, shift])
    fingers(p, shape, behind, skin, across, draw)
    return moved(face, p["to_photo"])


def placed(face, shape, behind, draw):
    """`held.placed` of every row: N × 3 × 3."""
    count = len(face)
    zoom = behind[:, 3] * np.exp(draw.uniform(-0.35, 0.5, count)) / face[:, 3]
    centre = behind[:, :2] + behind[:, 2:] / 2 + draw.normal(0, 0.12, (count, 2)) * behind[:, 2:]
    corners = shape[:, None] * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    middle = face[:, :2] + face[:, 2:] / 2
    angle = np.radians(draw.normal(0, 6, count))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    seen = ((corners - middle[:, None]) * zoom[:, None, None]) @ turn.transpose(2, 1, 0)
    seen += centre[:, None]
    seen += draw.normal(0, 0.025, (count, 4, 2)) * (shape * zoom[:, None])[:, None]
    return perspective(corners, seen)


def perspective(points, seen):
    """The matrices that take four points to what is seen of them, as `getPerspectiveTransform`."""
    (x, y), (u, v) = points.transpose(2, 0, 1), seen.transpose(2, 0, 1)
    one, zero = np.ones_like(x), np.zeros_like(x)
    first = np.stack([x, y, one, zero, zero, zero, -x * u, -y * u], 2)
    second = np.stack([zero, zero, zero, x, y, one, -x * v, -y * v], 2)
    equations = np.concatenate([first, second], 1)
    solved = np.linalg.solve(equations, np.concatenate([u, v], 1)[..., None])[..., 0]
    return np.column_stack([solved, np.ones(len(x))]).reshape(-1, 3, 3)


def transformed(points, matrix):
    """N × K × 2 points by N matrices."""
    x = np.concatenate([points, np.ones_like(points[..., :1])], 2) @ matrix.transpose(0, 2, 1)
    return x[..., :2] / x[..., 2:]


def moved(face, matrix):
    """`held.moved` of every row."""
    middles = np.array([[0, 0.5], [1, 0.5], [0.5, 0], [0.5, 1]])
    seen = transformed(face[:, None, :2] + middles * face[:, None, 2:], matrix)
    left, right, top, bottom = seen.transpose(1, 0, 2)
    return np.stack([left[:, 0], top[:, 1], (right - left)[:, 0], (bottom - top)[:, 1]], 1)


def fingers(p, shape, behind, skin, across, draw):
    """The two ends of every finger in the region behind, N × 2 · FINGERS × 4, and how thick they
    are. Those that are absent are far away."""
    count, (columns, rows) = len(shape), shape.T
    x, y, width, height = behind.T
    thick = np.maximum(2, np.rint(height * draw.uniform(0.07, 0.13, count)))
    gripped, ends = draw.random(count) < 0.6, []
    for side in (0, 1):
        there, number = gripped & (draw.random(count) >= 0.25), draw.integers(1, 5, count)
        first = draw.uniform(0.25, 0.75, count)
        for finger in range(FINGERS):
            down = first * rows + 1.05 * finger * thick / across
            inward = draw.uniform(0.04, 0.2, count) * width / across
            outer, tip = -2 * inward, inward
            if side:
                outer, tip = columns - outer, columns - tip
            tilted = down + draw.normal(0, 0.03, count) * rows
            line = np.stack([np.stack([outer, tilted], 1), np.stack([tip, down], 1)], 1)
            line = transformed(line, p["to_photo"]).reshape(count, 4)
            ends.append(np.where((there & (finger < number))[:, None], line, FAR_AWAY))
    p["fingers"], p["thick"] = np.stack(ends, 1).reshape(count, -1), thick
    p["skin"] = skin * draw.uniform(0.7, 1.15, (count, 1))


def on_canvas(p):
    """The sheet's geometry in pixels of the canvas."""
    count = len(p["photo"])
    # A pixel of the canvas, in the region behind.
    start = p["canvas"][:, :2] - p["margins"][:, :2] + 0.5
    matrix = np.zeros((count, 3, 3))
    matrix[:, 0, 0], matrix[:, 1, 1], matrix[:, 2, 2] = *p["step"].T, 1.0
    matrix[:, :2, 2] = p["source"][:, :2] + start * p["step"] - 0.5
    p["to_sheet"] = (np.linalg.inv(p.pop("to_photo")) @ matrix).reshape(count, 9)
    lines = p["fingers"].reshape(count, -1, 2) - matrix[:, None, :2, 2]
    p["fingers"] = (lines / p["step"][:, None]).reshape(count, -1)
    step = p["step"].mean(1)
    p["thick"] = p["thick"] / step
    p["shadow"][:, 1:] /= step[:, None]
