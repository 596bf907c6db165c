"""Quick figures on the development sets; the evaluator's report counts."""

import csv
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from .crop import SCALES, SIDE, close_up, room, student_crop, teacher_crop, uncut
from .network import Exported, load
from .regions import Faces
from .teachers import Teacher, attack_log_odds
from .views import planes

SETS = ("casia", "replay", "nuaa", "celeba", "caltech", "ytf")
# Camera frames without labels: only fidelity is measured on them.
UNLABELLED = ("aside",)


def write_crops(sets, out, program, teachers):
    """Writes OUT/dev-NAME.npz from SETS/NAME/set.csv.

    It holds each picture's crop for every part, the teachers' log-odds, its room, its video and its
    label; and the crops of the same picture as a close-up.
    """
    teachers = {part: Teacher(teachers, part, features=False) for part in SCALES}
    faces = Faces(program)
    for name in (*SETS, *UNLABELLED):
        if (Path(out) / f"dev-{name}.npz").exists():
            continue
        crops, closer, log_odds = ({part: [] for part in SCALES} for _ in range(3))
        rooms, videos, labels = [], [], []
        with open(Path(sets) / name / "set.csv", newline="") as handle:
            entries = list(csv.DictReader(handle))
        for entry in tqdm(entries, desc=f"development {name}", mininterval=10):
            found = faces.find((Path(sets) / name / entry["path"]).read_bytes())
            if not found:
                continue
            nearer = close_up(*found)
            rooms.append(room(*found))
            for part, teacher in teachers.items():
                pixels = uncut(*found, part)
                crops[part].append(student_crop(pixels).transpose(2, 0, 1))
                closer[part].append(student_crop(uncut(*nearer, part)).transpose(2, 0, 1))
                shown = planes([teacher_crop(pixels, teacher.side)])
                log_odds[part] += [*attack_log_odds(teacher(shown)[0])]
            videos.append(entry.get("video") or entry["path"])
            labels.append(entry["label"] != "live")
        pictures = lambda rows: np.array(rows).reshape(-1, 3, SIDE, SIDE)
        arrays = {part: pictures(rows) for part, rows in crops.items()}
        for part in SCALES:
            arrays[f"{part}_close"] = pictures(closer[part])
            arrays[f"{part}_teacher"] = np.array(log_odds[part])
        file = Path(out) / f"dev-{name}.npz"
        np.savez(file, room=rooms, video=videos, label=labels, **arrays)


def development(out, names=SETS):
    """The written sets, by name."""
    files = {name: Path(out) / f"dev-{name}.npz" for name in names}
    return {name: np.load(file) for name, file in files.items() if file.exists()}


def fidelity(out, network, part):
    """A line: for each set, the correlation of the network's log-odds with the teacher's, and how
    often their signs agree."""
    texts = []
    for name, data in development(out, (*SETS, *UNLABELLED)).items():
        student = log_odds(network, data[part])
        texts.append(f"{name} {agreement(student, data[f'{part}_teacher'])}")
    return "  " + ", ".join(texts)


def agreement(student, teacher):
    """The correlation of log-odds, and how often their signs agree."""
    agree = ((student > 0) == (teacher > 0)).mean()
    return f"{np.corrcoef(student, teacher)[0, 1]:.3f} {100 * agree:.1f} %"


def measure(out, names):
    """Prints fidelity and error rates of each network, of the mean of `context` and `wide`, and of
    that of their teachers."""
    networks = {part: load(out, name, part) for part, name in names.items()}
    print("correlation with the teacher, and agreement about the sign:")
    for part, network in networks.items():
        print(f"{part}:{fidelity(out, network, part)}")
    print("EER (APCER/BPCER) at log-odds of 0, by video, in percent:")
    for name, data in development(out).items():
        scores = log_odds_by_part(networks, data)
        scores["mean"] = (scores["context"] + scores["wide"]) / 2
        scores["teachers"] = (data["context_teacher"] + data["wide_teacher"]) / 2
        texts = [
            f"{part} {figures(*by_video(score, data['video'], data['label']))}"
            for part, score in scores.items()
        ]
        print(f"  {name}: {', '.join(texts)}", flush=True)


def figures(scores, labels):
    """EER, APCER and BPCER at log-odds of 0; for a set without attacks, BPCER alone."""
    bpcer = (scores[~labels] >= 0).mean()
    if not labels.any():
        return f"–/{100 * bpcer:.1f}"
    apcer = (scores[labels] < 0).mean()
    return f"{100 * eer(scores, labels):.1f} ({100 * apcer:.1f}/{100 * bpcer:.1f})"


def log_odds_by_part(networks, data, suffix=""):
    """The log-odds of each network for the pictures of a set, by part; with "_close", for their
    close-ups."""
    return {part: log_odds(network, data[part + suffix]) for part, network in networks.items()}


@torch.no_grad()
def log_odds(network, crops):
    """N log-odds of an attack for 8-bit crops."""
    if isinstance(network, Exported):
        return network.log_odds(crops)
    network.eval()
    device = next(network.parameters()).device
    chunks = (torch.from_numpy(crops[start : start + 64]) for start in range(0, len(crops), 64))
    parts = [network.attack_log_odds(chunk.to(device).float())[:, 0] for chunk in chunks]
    return torch.cat(parts).cpu().numpy().astype(float)


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
