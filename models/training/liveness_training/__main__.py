"""python -m liveness_training STEP …

Each step reads what the previous one wrote into OUT. See the README.
"""

import argparse
import tomllib
from pathlib import Path

from common import average

from . import calibrate, card, check, development, export, measure, packs, peers, regions, resume
from . import runs, train
from .crop import SCALES


def main():
    parser = argparse.ArgumentParser(prog="liveness_training", description=__doc__)
    parser.add_argument("--out", required=True, help="the folder for regions, crops and weights")
    steps = parser.add_subparsers(dest="step", required=True)

    def step(name, about, *arguments):
        added = steps.add_parser(name, help=about, description=about)
        for argument in arguments:
            added.add_argument(argument, required=argument not in ("--only",))
        return added

    def networks(added):
        for part in SCALES:
            added.add_argument(part, help=f"the weights of the {part} network: OUT/NAME.pt")
        return added

    about = "stores the region around the face of every picture, found by the shipped detector"
    step("regions", about, "--data", "--faces", "--only")
    about = "writes and prepares the development sets"
    step("development", about, "--data", "--sets", "--faces", "--teachers")
    about = "trains one network by a run of a configuration"
    training = step("train", about, "--teachers")
    training.add_argument("config", type=Path)
    training.add_argument("part", choices=SCALES)
    training.add_argument("run", help="writes OUT/PART-RUN.pt")
    about = "makes an exported network into weights that a run can start from: OUT/NAME.pt"
    resuming = step("resume", about)
    resuming.add_argument("part", choices=SCALES)
    resuming.add_argument("file", type=Path)
    resuming.add_argument("name")
    about = "packs regions and development crops into files for another machine"
    packing = step("pack", about, "--target")
    packing.add_argument("--packs", type=int, default=4)
    packing.add_argument("--count", type=int, default=14_000)
    about = "checks and times views, teachers and students on a device, with packed regions"
    step("check", about, "--packs", "--teachers").add_argument("--device", default="cuda")
    about = "trains several runs of a configuration on packed regions, within a time limit"
    several = step("runs", about, "--packs", "--teachers")
    several.add_argument("config", type=Path)
    several.add_argument("names", nargs="*", help="PART-RUN, in order; all by default")
    several.add_argument("--seconds", type=float, required=True)
    several.add_argument("--at-once", type=int, default=1, help="parts that are trained at once")
    several.add_argument("--device", help="in place of the configuration's")
    step("average", "averages the weights of several runs", "--names").add_argument("target")
    networks(step("measure", "prints fidelity and error rates on the development sets"))
    about = "fits the fusion, and writes it into TARGET/model.json"
    calibration = networks(step("calibrate", about))
    calibration.add_argument("--target")
    calibration.add_argument("--context-share", type=float, default=calibrate.CONTEXT_SHARE)
    calibration.add_argument("--bona-fide", type=float, default=calibrate.BONA_FIDE_WEIGHT)
    about = "writes ONNX files, and pins their hashes in TARGET/model.json"
    networks(step("export", about, "--target"))
    about = "scores the faces of an evaluator's report by published models"
    step("peers", about, "--stack", "--scores", "--root", "--target")
    step("card", "prints the tables of a card", "--reports").add_argument("model")
    a = parser.parse_args()

    names = {part: getattr(a, part, None) for part in SCALES}
    Path(a.out).mkdir(parents=True, exist_ok=True)
    if a.step == "regions":
        regions.write_regions(a.data, a.faces, a.out, a.only and a.only.split(","))
    elif a.step == "development":
        development.write_sets(a.data, a.sets)
        measure.write_crops(a.sets, a.out, a.faces, a.teachers)
    elif a.step == "train":
        config = train.configuration(tomllib.loads(a.config.read_text()), a.part, a.run)
        train.train(a.out, config, f"{a.part}-{a.run}", a.teachers)
    elif a.step == "resume":
        resume.resume(a.out, a.part, a.file, a.name)
    elif a.step == "pack":
        packs.write_packs(a.out, a.target, a.packs, a.count)
    elif a.step == "check":
        check.check(a.packs, a.teachers, a.device)
    elif a.step == "runs":
        plan = tomllib.loads(a.config.read_text())
        plan |= {"device": a.device} if a.device else {}
        runs.run_all(a.out, a.packs, plan, a.names, a.teachers, a.seconds, a.at_once)
    elif a.step == "average":
        average.average(a.out, a.names.split(","), a.target)
    elif a.step == "measure":
        measure.measure(a.out, names)
    elif a.step == "calibrate":
        calibrate.calibrate(a.out, names, a.target, a.context_share, a.bona_fide)
    elif a.step == "export":
        export.export(a.out, names, a.target)
    elif a.step == "card":
        card.write(a.reports, a.model)
    elif a.step == "peers":
        peers.score(a.stack, a.scores, a.root, a.target)


if __name__ == "__main__":
    main()
