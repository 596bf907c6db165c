"""Quick error rates on the development sets while training; the evaluator's report counts."""

import csv
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from .crops import Crops
from .teachers import Teachers, tight_square

SETS = ("replay", "nuaa", "celeba", "caltech", "ytf")


def prepare_development(sets, out, program, teachers):
    """Writes OUT/dev-NAME.npz from SETS/NAME/set.csv.

    It holds each picture's crops, video, label and the teachers' answers.
    """
    teachers, crops = Teachers(teachers, threads=1), Crops(program)
    for name in SETS:
        if (Path(out) / f"dev-{name}.npz").exists():
            continue
        rows = {"tight": [], "context": [], "video": [], "label": [], "teachers": []}
        with open(Path(sets) / name / "set.csv", newline="") as handle:
            entries = list(csv.DictReader(handle))
        for entry in tqdm(entries, desc=f"development {name}", mininterval=10):
            file = (Path(sets) / name / entry["path"]).read_bytes()
            answer = crops.ask(file)
            if not answer["faces"]:
                continue
            photo, (tight, context) = (
                cv2.imdecode(np.frombuffer(file, np.uint8), 1),
                answer["crops"][0],
            )
            rows["tight"].append(tight)
            rows["context"].append(context)
            rows["label"].append(entry["label"] != "live")
            rows["video"].append(entry.get("video") or entry["path"])
            square = tight_square(photo, answer["faces"][0])
            rows["teachers"].append(
                [teachers.ask_tight(square[None])[0][0], teachers.ask_context(context[None])[0][0]]
            )
        np.savez(
            Path(out) / f"dev-{name}.npz", **{key: np.array(value) for key, value in rows.items()}
        )


def development_figures(out, pair):
    """One line per set: EER and APCER / BPCER at 0.5, by video, of the pair, of each network and of
    the teachers' mean; and how often networks and teachers agree."""
    lines = []
    for name in SETS:
        file = Path(out) / f"dev-{name}.npz"
        if not file.exists():
            continue
        data = np.load(file)
        said, told = log_odds(pair, data["tight"], data["context"]), data["teachers"]
        parts = {
            "pair": said.mean(1),
            "tight": said[:, 0],
            "context": said[:, 1],
            "teachers": told.mean(1),
        }
        texts = []
        for part, scores in parts.items():
            scores, labels = by_video(scores, data["video"], data["label"])
            texts.append(f"{part} {figures(scores, labels)}")
        agreement = ((said > 0) == (told > 0)).mean(0)
        lines.append(f"  {name}: {', '.join(texts)}; agree {agreement.round(3)}")
    return "\n".join(lines)


def figures(scores, labels):
    """EER, APCER and BPCER at log-odds of 0; for a set without attacks, BPCER alone."""
    bpcer = (scores[~labels] >= 0).mean()
    if not labels.any():
        return f"–/{100 * bpcer:.1f}"
    apcer = (scores[labels] < 0).mean()
    return f"{100 * eer(scores, labels):.1f} ({100 * apcer:.1f}/{100 * bpcer:.1f})"


@torch.no_grad()
def log_odds(pair, tight, context):
    """N × 2, the log-odds of each network for 8-bit crops."""
    pair.eval()
    said = []
    for start in range(0, len(tight), 256):
        part = slice(start, start + 256)
        said.append(
            torch.stack(
                pair(
                    torch.from_numpy(tight[part]).float(), torch.from_numpy(context[part]).float()
                ),
                1,
            )
        )
    return torch.cat(said).numpy()


def by_video(scores, videos, labels):
    _, index = np.unique(videos, return_inverse=True)
    count = np.bincount(index)
    return np.bincount(index, scores) / count, np.bincount(index, labels) / count > 0.5


def eer(scores, labels):
    """The mean of APCER and BPCER at the threshold where they are closest."""
    thresholds = np.r_[np.unique(scores), np.inf]
    apcer = np.searchsorted(np.sort(scores[labels]), thresholds, "left") / labels.sum()
    bpcer = 1 - np.searchsorted(np.sort(scores[~labels]), thresholds, "left") / (~labels).sum()
    best = np.argmin(np.abs(apcer - bpcer))
    return (apcer[best] + bpcer[best]) / 2
