"""python -m liveness_training STEP …

Each step reads what the previous one wrote into OUT. See the README.
"""

import argparse
import tomllib
from pathlib import Path

from common import average

from . import calibrate, card, development, export, measure, peers, regions, train


def main():
    parser = argparse.ArgumentParser(prog="liveness_training", description=__doc__)
    parser.add_argument("--out", required=True, help="the folder for regions, crops and weights")
    steps = parser.add_subparsers(dest="step", required=True)

    def step(name, about, *arguments):
        added = steps.add_parser(name, help=about, description=about)
        for argument in arguments:
            added.add_argument(argument, required=argument not in ("--only",))
        return added

    def pair(added):
        for part in ("near", "far"):
            added.add_argument(part, help=f"the weights of the {part} network: OUT/NAME.pt")
        return added

    about = "stores the region around the face of every picture, found by the shipped detector"
    step("regions", about, "--data", "--faces", "--only")
    about = "writes and prepares the development sets"
    step("development", about, "--data", "--sets", "--faces", "--teachers")
    about = "trains the weights of a configuration"
    step("train", about, "--teachers").add_argument("config", type=Path)
    step("average", "averages the weights of several runs", "--names").add_argument("target")
    pair(step("measure", "prints fidelity and error rates on the development sets"))
    calibration = pair(step("calibrate", "fits the fusion, and writes it into TARGET/model.json"))
    calibration.add_argument("--target")
    calibration.add_argument("--near-share", type=float, default=calibrate.NEAR_SHARE)
    calibration.add_argument("--bona-fide", type=float, default=calibrate.BONA_FIDE_WEIGHT)
    about = "writes ONNX files, and pins their hashes in TARGET/model.json"
    pair(step("export", about, "--target"))
    about = "scores the faces of an evaluator's report by published models"
    step("peers", about, "--stack", "--scores", "--root", "--target")
    step("card", "prints the tables of a card", "--reports").add_argument("model")
    a = parser.parse_args()

    Path(a.out).mkdir(parents=True, exist_ok=True)
    if a.step == "regions":
        regions.write_regions(a.data, a.faces, a.out, a.only and a.only.split(","))
    elif a.step == "development":
        development.write_sets(a.data, a.sets)
        measure.write_crops(a.sets, a.out, a.faces, a.teachers)
    elif a.step == "train":
        train.train(a.out, tomllib.loads(a.config.read_text()), a.config.stem, a.teachers)
    elif a.step == "average":
        average.average(a.out, a.names.split(","), a.target)
    elif a.step == "measure":
        measure.measure(a.out, a.near, a.far)
    elif a.step == "calibrate":
        calibrate.calibrate(a.out, a.near, a.far, a.target, a.near_share, a.bona_fide)
    elif a.step == "export":
        export.export(a.out, a.near, a.far, a.target)
    elif a.step == "card":
        card.write(a.reports, a.model)
    elif a.step == "peers":
        peers.score(a.stack, a.scores, a.root, a.target)


if __name__ == "__main__":
    main()
