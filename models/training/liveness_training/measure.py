"""The development sets' error rates, quickly, while training. What counts is the evaluator's report."""

import csv
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from .crops import Crops
from .teachers import Teachers, close_square

SETS = ("replay", "nuaa", "celeba", "caltech", "ytf")


def prepare_development(sets, out, program, teachers):
    """From SETS/NAME/set.csv to OUT/dev-NAME.npz: each picture's crops, video, label and the teachers' answers."""
    teachers, crops = Teachers(teachers, threads=1), Crops(program)
    for name in SETS:
        if (Path(out) / f"dev-{name}.npz").exists():
            continue
        rows = {"close": [], "near": [], "video": [], "label": [], "teachers": []}
        with open(Path(sets) / name / "set.csv", newline="") as handle:
            entries = list(csv.DictReader(handle))
        for entry in tqdm(entries, desc=f"development {name}", mininterval=10):
            file = (Path(sets) / name / entry["path"]).read_bytes()
            answer = crops.ask(file)
            if not answer["faces"]:
                continue
            photo, (close, near) = cv2.imdecode(np.frombuffer(file, np.uint8), 1), answer["crops"][0]
            rows["close"].append(close)
            rows["near"].append(near)
            rows["label"].append(entry["label"] != "live")
            rows["video"].append(entry.get("video") or entry["path"])
            square = close_square(photo, answer["faces"][0])
            rows["teachers"].append([teachers.ask_close(square[None])[0][0], teachers.ask_near(near[None])[0][0]])
        np.savez(Path(out) / f"dev-{name}.npz", **{key: np.array(value) for key, value in rows.items()})


def development_figures(out, pair):
    """A line a set: EER and APCER / BPCER at even odds of the pair and of the teachers' mean, by video; and how
    often pair and teachers are on the same side."""
    lines = []
    for name in SETS:
        file = Path(out) / f"dev-{name}.npz"
        if not file.exists():
            continue
        data = np.load(file)
        said, told = log_odds(pair, data["close"], data["near"]), data["teachers"]
        parts = {"pair": said.mean(1), "close": said[:, 0], "near": said[:, 1], "teachers": told.mean(1)}
        texts = []
        for part, scores in parts.items():
            scores, labels = by_video(scores, data["video"], data["label"])
            texts.append(f"{part} {figures(scores, labels)}")
        agreement = ((said > 0) == (told > 0)).mean(0)
        lines.append(f"  {name}: {', '.join(texts)}; agree {agreement.round(3)}")
    return "\n".join(lines)


def figures(scores, labels):
    """EER, APCER and BPCER at log-odds of 0; of a set without attacks the last alone."""
    bpcer = (scores[~labels] >= 0).mean()
    if not labels.any():
        return f"–/{100 * bpcer:.1f}"
    return f"{100 * eer(scores, labels):.1f} ({100 * (scores[labels] < 0).mean():.1f}/{100 * bpcer:.1f})"


@torch.no_grad()
def log_odds(pair, close, near):
    """N × 2: of each network, for crops of 8 bits."""
    pair.eval()
    said = []
    for start in range(0, len(close), 256):
        part = slice(start, start + 256)
        said.append(torch.stack(pair(torch.from_numpy(close[part]).float(), torch.from_numpy(near[part]).float()), 1))
    return torch.cat(said).numpy()


def by_video(scores, videos, labels):
    names, index = np.unique(videos, return_inverse=True)
    count = np.bincount(index)
    return np.bincount(index, scores) / count, np.bincount(index, labels) / count > 0.5


def eer(scores, labels):
    """Half the sum of APCER and BPCER at the threshold where they are nearest."""
    thresholds = np.r_[np.unique(scores), np.inf]
    apcer = np.searchsorted(np.sort(scores[labels]), thresholds, "left") / labels.sum()
    bpcer = 1 - np.searchsorted(np.sort(scores[~labels]), thresholds, "left") / (~labels).sum()
    best = np.argmin(np.abs(apcer - bpcer))
    return (apcer[best] + bpcer[best]) / 2
