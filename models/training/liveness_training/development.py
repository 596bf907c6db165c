"""The development sets, as lists for the evaluator. They are never trained on, and hold no reserved
set."""

import csv
import re
from pathlib import Path

from common.sources import is_held_out, person, sources

# The frames used of each video's 20.
FRAMES = slice(1, None, 4)
# Neighbours in NUAA's lists show the same person a moment later.
NUAA_STEP = 10
# Prints, prints with the eyes cut out, and a tablet, each by three cameras.
CASIA_SPECIES = {
    **dict.fromkeys(("3", "4", "HR_2"), "print"),
    **dict.fromkeys(("5", "6", "HR_3"), "cut"),
    **dict.fromkeys(("7", "8", "HR_4"), "tablet"),
}
# These three of Caltech's faces are painted on a wall.
PAINTED = ("image_0389.jpg", "image_0391.jpg", "image_0392.jpg")


def write_sets(data, out):
    """Writes OUT/NAME/set.csv for each development set.

    `casia`, `replay`, `nuaa` and `celeba` have attacks, `caltech` and `ytf` have none. `nuaa-new`
    is the part of `nuaa` whose people are not in the training lists. `aside` has no labels: it
    measures fidelity.
    """
    data = Path(data).resolve()
    sets = {
        "casia": casia(data / "casia"),
        "replay": replay(data / "replay_live"),
        "nuaa": nuaa(data / "nuaa_live"),
        "nuaa-new": nuaa(data / "nuaa_live", only_new_people=True),
        "celeba": celeba(data / "celeba"),
        "caltech": caltech(data / "caltech"),
        "ytf": ytf(data / "ytf"),
        "aside": aside(data / "aside"),
    }
    for name, rows in sets.items():
        folder = Path(out) / name
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "set.csv", "w", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["path", "label", "species", "subject", "video"])
            writer.writerows(rows)


def casia(root):
    """The people of CASIA-FASD's `test` part, in crops of 256 x 256 pixels with their surround.

    `tight` was trained on the other part: other people, the same cameras."""
    folder = root / "dataset" / "archive" / "test_img" / "test_img" / "color"
    for file in sorted(folder.iterdir()):
        person, video, label = re.fullmatch(
            r"(\d+)_((?:HR_)?\d)\.avi_\d+_(real|fake)\.jpg", file.name
        ).groups()
        species = "" if label == "real" else CASIA_SPECIES[video]
        yield file, "live" if label == "real" else "spoof", species, person, f"{person}_{video}"


def replay(root):
    """The clients of `devel`. Those of `test` are reserved."""
    for video in sorted((root / "frames" / "replay_attack" / "devel").iterdir()):
        live = "__real__" in video.name
        medium = re.search(r"_(highdef|mobile|print)_client", video.name)
        species = "" if live else medium[1]
        subject = re.search(r"client\d+", video.name)[0]
        for frame in sorted(video.glob("*.jpg"))[FRAMES]:
            yield frame, "live" if live else "spoof", species, subject, video.name


def nuaa(root, only_new_people=False):
    """NUAA's `test` lists. Nine of their sixteen people are in the `train` lists, in other
    sessions."""
    lists = [
        (root / "db" / f"{listing}_train_raw.txt").read_text().split()
        for listing in ("client", "imposter")
    ]
    known = (
        {re.split(r"[\\/]", name)[0] for names in lists for name in names}
        if only_new_people
        else set()
    )
    for listing, folder, label in (
        ("client", "ClientRaw", "live"),
        ("imposter", "ImposterRaw", "spoof"),
    ):
        names = (root / "db" / f"{listing}_test_raw.txt").read_text().split()[::NUAA_STEP]
        for name in names:
            file = root / "db" / folder / name.replace("\\", "/")
            if file.exists() and file.parent.name not in known:
                yield file, label, "" if label == "live" else "print", file.parent.name, ""


def celeba(root):
    for folder, label in (("Live", "live"), ("Spoof", "spoof")):
        for file in sorted((root / "Dataset" / folder).iterdir()):
            yield file, label, "" if label == "live" else "unknown", "", ""


def caltech(root):
    for file in sorted(root.glob("**/Faces/*.jpg")):
        if file.name in PAINTED:
            continue
        yield file, "live", "", "", ""


def ytf(root):
    """The people whom the table of sources holds out."""
    source = sources()["ytf"]
    for file in sorted(root.glob(source["files"])):
        if is_held_out(file, source["held_out"]):
            yield file, "live", "", person(file), ""


def aside(root):
    """Camera frames of repositories of which no run sees any. Nobody has labelled them."""
    for file in sorted(root.glob("*/*")):
        yield file, "", "", file.parent.name, file.stem
