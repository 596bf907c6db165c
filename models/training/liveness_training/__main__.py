"""python -m liveness_training STEP …: each step reads what the one before wrote into OUT. See the README."""

import argparse
import tomllib
from pathlib import Path

from . import assistant, average, burst, calibrate, card, development, export, measure, peers, prepare, robustness, sources, train


def main():
    parser = argparse.ArgumentParser(prog="liveness_training", description=__doc__)
    parser.add_argument("--out", required=True, help="where faces, crops and weights go: some 15 GB")
    steps = parser.add_subparsers(dest="step", required=True)

    def step(name, about, *arguments):
        added = steps.add_parser(name, help=about, description=about)
        for argument in arguments:
            added.add_argument(argument, required=argument not in ("--only",))
        return added

    step("faces", "the face in every photo, by the shipped detector", "--data", "--crops", "--only")
    step("prepare", "crops of changed photos, with the teachers' answers", "--crops", "--teachers", "--only")
    step("development", "the development sets", "--data", "--sets", "--crops", "--teachers")
    step("assistant", "what a larger pair says of the crops", "--pair", "--only")
    step("train", "a configuration's weights").add_argument("config", type=Path)
    step("average", "the mean of the weights of several runs", "--names").add_argument("target")
    step("calibrate", "slope and intercept").add_argument("name")
    step("export", "ONNX files", "--target").add_argument("name")
    step("peers", "published models' scores of an evaluator's report", "--stack", "--scores", "--root", "--target")
    step("card", "the tables of a card", "--reports").add_argument("model")
    step("burst", "how motion counts in rgb-burst-v1", "--scores")
    about = "the equal error rate of changed pictures of an evaluator's report"
    step("robustness", about, "--crops", "--scores", "--root").add_argument("name")
    a = parser.parse_args()

    Path(a.out).mkdir(parents=True, exist_ok=True)
    only = a.only.split(",") if getattr(a, "only", None) else None
    if a.step == "faces":
        sources.write_faces(a.data, a.crops, a.out, only)
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
        calibrate.calibrate(a.out, a.name)
    elif a.step == "export":
        export.export(a.out, a.name, a.target)
    elif a.step == "card":
        card.write(a.reports, a.model)
    elif a.step == "burst":
        burst.fit(a.scores)
    elif a.step == "peers":
        peers.score(a.stack, a.scores, a.root, a.target)
    elif a.step == "robustness":
        robustness.measure_robustness(a.out, a.name, a.crops, a.scores, a.root)


if __name__ == "__main__":
    main()
