#!/usr/bin/env python3
"""Scores the development sets again and compares every figure with the card, digit by digit.

    models/evaluation/error_rates.py SETS

`python -m liveness_training development` writes SETS/NAME/set.csv; models/training/README.md names
the pictures, which cannot be shipped. The exit status is 1 if a figure differs.
"""

import pathlib
import re
import sys

import evaluator

sys.path.insert(0, str(evaluator.ROOT / "models/training"))
from liveness_training.figures import FIGURES, counts, interval  # noqa: E402

CARD = (evaluator.ROOT / "models/rgb-single-v2/README.md").read_text()
SETS = {
    "casia": "CASIA-FASD, the people of its `test` part",
    "replay": "Replay-Attack `devel`, videos of five frames",
    "nuaa": "NUAA `test` lists, every tenth image",
    "nuaa-new": "NUAA, the seven people who are not in its `train` lists",
    "celeba": "CelebA-Spoof subset",
    "caltech": "Caltech faces",
    "ytf": "YouTube-Faces stills",
}


def measured(name, models):
    """The counts in the card's words, and each model's figures."""
    flags = [f"--model={model}" for model in models]
    report = evaluator.figures(pathlib.Path(sys.argv[1]) / name / "set.csv", "--videos", *flags)
    return counts(report), {row["model"]: row["figures"] for row in report["models"]}


evaluator.build()
compared = wrong = 0
for name, title in SETS.items():
    card_counts, table = re.search(
        rf"^\*\*{re.escape(title)}\*\*: (.+)\n\n((?:\|.*\n)+)", CARD, re.MULTILINE
    ).groups()
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()
    ]
    rows = {model: cells for model, *cells in rows if model.startswith("rgb-")}
    found, figures = measured(name, rows)
    pairs = [(card_counts, found)]
    for model, cells in rows.items():
        pairs += zip(cells, (interval(figures[model][FIGURES[column]]) for column in head[1:]))
    differ = [f"{card} on the card, {now} now" for card, now in pairs if card != now]
    compared, wrong = compared + len(pairs), wrong + len(differ)
    print(
        f"{'FAIL' if differ else 'ok  '} {title}: {len(pairs)} figures",
        *differ,
        sep="\n     ",
        flush=True,
    )
print(f"{compared - wrong} of {compared} figures are the card's")
sys.exit(wrong > 0)
