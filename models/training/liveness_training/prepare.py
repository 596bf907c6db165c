"""Crops, with the teachers' answers and embeddings, and the label where it is known."""

import multiprocessing
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from common.sources import sources

from .crops import Crops
from .faces import read_faces
from .pictures import photographed, recaptured, worn
from .teachers import Teachers, tight_square

UNKNOWN, BONA_FIDE, ATTACK = -1, 0, 1
# The origin of a crop: photographed, recaptured, or a paper mask in front of a photographed head.
PLAIN, RECAPTURED, WORN = 0, 1, 2
# Random shift and scale of the box, relative to its size, so that the networks tolerate small
# errors of the detector.
BOX_SHIFT, BOX_SCALE = 0.06, 0.12
ARRAYS = ("tight", "context", "embeddings", "answers")
# Two boxes per recaptured picture, because the picture costs more than its crops.
BOXES_OF_A_RECAPTURE = 2


def prepare(out, program, teachers, seed, only=None, processes=2):
    """Writes the arrays of every source that has faces.

    They are OUT/NAME.tight.npy, .context.npy, .embeddings.npy and .answers.npy.
    """
    jobs = []
    for name, source in sources().items():
        if (Path(out) / f"{name}.answers.npy").exists() or (only and name not in only):
            continue
        jobs.append((str(out), name, source, program, teachers, seed))
    context = multiprocessing.get_context("spawn")
    for job in jobs:
        with context.Pool(processes) as pool:
            parts = pool.map(prepare_part, [(job, part, processes) for part in range(processes)])
        stack = lambda key: np.concatenate(
            [np.load(part + f".{key}.npy", mmap_mode="r") for part in parts]
        )
        for key in ARRAYS:
            np.save(Path(out) / f"{job[1]}.{key}.npy", stack(key))
            for part in parts:
                Path(part + f".{key}.npy").unlink()


def prepare_part(arguments):
    (out, name, source, program, teacher_folder, seed), part, parts = arguments
    draw = np.random.default_rng([seed, part, *name.encode()])
    faces = read_faces(out, name)[part::parts]
    scenes = [path for path, _ in scene_faces(out, open_only=source["open"])]
    crops, teachers = Crops(program), Teachers(teacher_folder)
    rows = []
    for path, box in tqdm(faces, desc=name, disable=part > 0, mininterval=10):
        photo, box = read(path, box)
        if photo is None:
            continue
        for _ in range(times(source["plain"], draw)):
            file, face = photographed(photo, box, draw)
            rows += answers(
                file, [jittered(face, draw)], source.get("label", UNKNOWN), crops, teachers
            )
        for _ in range(times(source["recaptured"] / BOXES_OF_A_RECAPTURE, draw)):
            scene = cv2.imread(scenes[int(draw.integers(len(scenes)))])
            file, face = recaptured(photo, box, scene, draw)
            boxes = [jittered(face, draw) for _ in range(BOXES_OF_A_RECAPTURE)]
            rows += answers(file, boxes, ATTACK, crops, teachers, RECAPTURED)
        for _ in range(times(source.get("worn", 0) / BOXES_OF_A_RECAPTURE, draw)):
            wearer, head = read(*faces[int(draw.integers(len(faces)))])
            file, face = worn(photo, box, wearer, head, draw)
            boxes = [jittered(face, draw) for _ in range(BOXES_OF_A_RECAPTURE)]
            rows += answers(file, boxes, ATTACK, crops, teachers, WORN)
    stem = str(Path(out) / f"{name}.part{part}")
    for key, values in zip(ARRAYS, zip(*rows)):
        np.save(f"{stem}.{key}.npy", np.stack(values))
    return stem


def read(path, box):
    """The photo, or None, and its box in pixels."""
    photo = cv2.imread(path)
    if photo is None:
        return None, None
    height, width = photo.shape[:2]
    return photo, [box[0] * width, box[1] * height, box[2] * width, box[3] * height]


def scene_faces(out, open_only):
    scenes = [name for name, source in sources().items() if source["kind"] == "scenes"]
    return [
        row
        for name in scenes
        if sources()[name]["open"] or not open_only
        for row in read_faces(out, name)
    ]


def answers(file, boxes, label, crops, teachers, made=PLAIN):
    """A row per box: its crops, both teachers' embeddings, and [tight teacher, context teacher,
    label, origin]."""
    photo = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    boxes = [box for box in boxes if is_inside(box, photo)]
    rows = []
    for box, (tight, context) in zip(boxes, crops.ask(file, boxes)["crops"]):
        tight_answer, tight_embedding = teachers.ask_tight(tight_square(photo, box)[None])
        context_answer, context_embedding = teachers.ask_context(context[None])
        embeddings = np.concatenate([tight_embedding[0], context_embedding[0]]).astype(np.float16)
        told = np.array([tight_answer[0], context_answer[0], label, made], np.float32)
        rows.append((tight, context, embeddings, told))
    return rows


def is_inside(box, photo):
    x, y, w, h = box
    return (
        min(w, h) >= 16
        and 0 < x + w / 2 < photo.shape[1] - 1
        and 0 < y + h / 2 < photo.shape[0] - 1
    )


def jittered(box, draw):
    x, y, w, h = box
    scale = np.exp(draw.uniform(-BOX_SCALE, BOX_SCALE))
    width, height = w * scale * np.exp(draw.uniform(-0.05, 0.05)), h * scale
    x = x + w / 2 - width / 2 + w * draw.uniform(-BOX_SHIFT, BOX_SHIFT)
    y = y + h / 2 - height / 2 + h * draw.uniform(-BOX_SHIFT, BOX_SHIFT)
    return [x, y, width, height]


def times(mean, draw):
    return int(mean) + int(draw.random() < mean % 1)
