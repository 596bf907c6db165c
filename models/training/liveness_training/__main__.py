"""python -m liveness_training STEP …

Each step reads what the previous one wrote into OUT. See the README.
"""

import argparse
import tomllib
from pathlib import Path

from common import average

from . import (
    assistant,
    calibrate,
    card,
    development,
    export,
    faces,
    measure,
    peers,
    prepare,
    robustness,
    train,
)


def main():
    parser = argparse.ArgumentParser(prog="liveness_training", description=__doc__)
    parser.add_argument(
        "--out", required=True, help="the folder for faces, crops and weights: 15 GB"
    )
    steps = parser.add_subparsers(dest="step", required=True)

    def step(name, about, *arguments):
        added = steps.add_parser(name, help=about, description=about)
        for argument in arguments:
            added.add_argument(argument, required=argument not in ("--only",))
        return added

    step(
        "faces",
        "finds the face in every photo by the shipped detector",
        "--data",
        "--crops",
        "--only",
    )
    step(
        "prepare",
        "makes crops of changed photos, with the teachers' answers",
        "--crops",
        "--teachers",
        "--only",
    )
    step(
        "development",
        "writes and prepares the development sets",
        "--data",
        "--sets",
        "--crops",
        "--teachers",
    )
    step("assistant", "scores the crops by a larger pair", "--pair", "--only")
    step("train", "trains the weights of a configuration").add_argument("config", type=Path)
    step("average", "averages the weights of several runs", "--names").add_argument("target")
    calibration = step("calibrate", "fits the fusion, and writes it into TARGET/model.json")
    calibration.add_argument("name")
    calibration.add_argument("--target")
    step(
        "export", "writes ONNX files, and pins their hashes in TARGET/model.json", "--target"
    ).add_argument("name")
    step(
        "peers",
        "scores the faces of an evaluator's report by published models",
        "--stack",
        "--scores",
        "--root",
        "--target",
    )
    step("card", "prints the tables of a card", "--reports").add_argument("model")
    about = "measures the EER of an evaluator's report after changes to the pictures"
    step("robustness", about, "--crops", "--scores", "--root").add_argument("name")
    a = parser.parse_args()

    Path(a.out).mkdir(parents=True, exist_ok=True)
    only = a.only.split(",") if getattr(a, "only", None) else None
    if a.step == "faces":
        faces.write_faces(a.data, a.crops, a.out, only)
    elif a.step == "prepare":
        prepare.prepare(a.out, a.crops, a.teachers, seed=1, only=only)
    elif a.step == "development":
        development.write_sets(a.data, a.sets)
        measure.prepare_development(a.sets, a.out, a.crops, a.teachers)
    elif a.step == "assistant":
        assistant.assist(a.out, a.pair, only)
    elif a.step == "train":
        train.train(a.out, tomllib.loads(a.config.read_text()), a.config.stem)
    elif a.step == "average":
        average.average(a.out, a.names.split(","), a.target)
    elif a.step == "calibrate":
        calibrate.calibrate(a.out, a.name, a.target)
    elif a.step == "export":
        export.export(a.out, a.name, a.target)
    elif a.step == "card":
        card.write(a.reports, a.model)
    elif a.step == "peers":
        peers.score(a.stack, a.scores, a.root, a.target)
    elif a.step == "robustness":
        robustness.measure_robustness(a.out, a.name, a.crops, a.scores, a.root)


if __name__ == "__main__":
    main()
