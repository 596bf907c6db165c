#!/usr/bin/env python3
"""Compares groups of people again, and checks every table of docs/FAIRNESS.md, to the digit.

    models/evaluation/fairness.py SETS

SETS/fairface/set.csv and SETS/aaf/set.csv are as docs/FAIRNESS.md says. The pictures cannot be
shipped. A table that differs is printed, and the exit status is 1.
"""

import pathlib
import sys

from evaluator import ROOT, build, figures

sys.path.insert(0, str(ROOT / "models/training"))
from liveness_training.figures import interval  # noqa: E402

DOCUMENT = (ROOT / "docs/FAIRNESS.md").read_text()
SETS = {"fairface": ["origin", "sex", "age_group", "origin+sex"], "aaf": ["sex", "age_group"]}
MODELS = ["rgb-single-v2", "rgb-single-v1"]
NOTES = {"worse": " worse", "better": " better", "too_few_to_say": " too few to say"}


def table(models, column):
    """The rates of each segment of a column."""
    columns = [
        next(found for found in model["segments"]["columns"] if found["column"] == column)
        for model in models
    ]
    head = [column, "pictures", *(f"BPCER, {model['model']}" for model in models), "no face found"]
    lines = [head, ["---"] * len(head)]
    for rows in zip(*(found["segments"] for found in columns)):
        verdicts = [row["bpcer_comparison"]["verdict"] for row in rows]
        rates = [interval(row["bpcer"]) + NOTES.get(v, "") for row, v in zip(rows, verdicts)]
        value, pictures = rows[0]["value"] or "not given", str(rows[0]["bona_fide"])
        lines.append([value, pictures, *rates, interval(rows[0]["bpnrr"])])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def spreads(models):
    """The worst and the best segment of each column."""
    head = ["model", "column", "worst", "best", "worst / best", "worst / rest", "by chance"]
    lines = [head, ["---"] * len(head)]
    for model in models:
        for column in model["segments"]["columns"]:
            s = column["bpcer"]
            chance = "< 0.1 %" if s["by_chance"] < 0.001 else f"{100 * s['by_chance']:.1f} %"
            ends = [f"{s[end]}, {100 * s[end + '_rate']:.1f} %" for end in ("worst", "best")]
            ratios = [f"{s[ratio]:.2f}" for ratio in ("ratio", "ratio_to_rest")]
            lines.append([model["model"], column["column"], *ends, *ratios, chance])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def measured(name, columns):
    """The models of a report, from a run of `evaluate`."""
    flags = [f"--model={model}" for model in MODELS]
    table = pathlib.Path(sys.argv[1]) / name / "set.csv"
    return figures(table, *flags, f"--segments={','.join(columns)}")["models"]


def main():
    build()
    compared = differ = 0
    for name, columns in SETS.items():
        models = measured(name, columns)
        tables = [*(table(models, column) for column in columns), spreads(models)]
        compared += len(tables)
        for text in tables:
            if text not in DOCUMENT:
                differ += 1
                print(f"FAIL {name}: not in docs/FAIRNESS.md:\n{text}\n", flush=True)
    print(f"{compared - differ} of {compared} tables are those of docs/FAIRNESS.md")
    sys.exit(differ > 0)


if __name__ == "__main__":
    main()
