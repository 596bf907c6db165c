"""python -m detector_training STEP …

Each step reads what the previous one wrote into OUT. See the README.
"""

import argparse
import tomllib
from pathlib import Path

from . import export, labels, patches, resume, sets, train


def main():
    parser = argparse.ArgumentParser(prog="detector_training", description=__doc__)
    parser.add_argument(
        "--out", required=True, help="the folder for labels, copies of photos and weights: 8 GB"
    )
    steps = parser.add_subparsers(dest="step", required=True)
    step = steps.add_parser("labels", help="labels the photos by CenterFace and YuNet")
    for argument in ("--data", "--centerface", "--yunet"):
        step.add_argument(argument, required=True)
    step.add_argument("--max-photos", type=int, default=4000)
    step.add_argument("--only")
    step = steps.add_parser("patches", help="cuts out what the refiner learns from")
    step.add_argument("--detector", required=True)
    step.add_argument("--refiner")
    steps.add_parser("train", help="trains the weights of a configuration").add_argument(
        "config", type=Path
    )
    step = steps.add_parser(
        "resume", help="makes an ONNX file into weights that training can continue from"
    )
    step.add_argument("file", type=Path)
    step.add_argument("config", type=Path)
    step.add_argument("name")
    step = steps.add_parser(
        "export", help="writes the ONNX file, and pins its hash in TARGET/model.json"
    )
    step.add_argument("name")
    step.add_argument("--target", required=True)
    step = steps.add_parser("sets", help="collects the photos that detector_report measures on")
    for argument in ("--data", "--target"):
        step.add_argument(argument, required=True)
    a = parser.parse_args()

    Path(a.out).mkdir(parents=True, exist_ok=True)
    if a.step == "labels":
        labels.write_labels(
            a.data, a.out, a.centerface, a.yunet, a.max_photos, a.only and a.only.split(",")
        )
    elif a.step == "train":
        train.train(a.out, tomllib.loads(a.config.read_text()), a.config.stem)
    elif a.step == "resume":
        resume.resume(a.file, a.out, tomllib.loads(a.config.read_text()), a.name)
    elif a.step == "patches":
        patches.write_patches(a.out, a.detector, train.held_out, a.refiner)
    elif a.step == "sets":
        sets.write_sets(a.data, a.target)
    elif a.step == "export":
        export.export(a.out, a.name, a.target)


if __name__ == "__main__":
    main()
