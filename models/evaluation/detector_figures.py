#!/usr/bin/env python3
"""Measures the face detector again and compares every figure with its card, digit by digit.

    models/evaluation/detector_figures.py FACES

FACES holds `caltech`, `compreface`, `stills` and `faceless`; models/training/README.md says where
they come from. The exit status is 1 if a figure differs.
"""

import pathlib
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[2]
# The report skips a missing folder; here every figure must be measured.
if missing := [
    name
    for name in ("caltech", "compreface", "stills", "faceless")
    if not (pathlib.Path(sys.argv[1]) / name).is_dir()
]:
    sys.exit(f"{sys.argv[1]} has no {', '.join(missing)}")


def rows(text):
    """The rows of a Markdown table: the cells after the first, by the first."""
    cells = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ")
    )
    return {name: values for name, *values in cells}


command = [
    "cargo",
    "run",
    "--release",
    "--quiet",
    "--example",
    "detector_report",
    "--",
    sys.argv[1],
]
report = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout
card = rows((root / "models/face-detector-v1/README.md").read_text())
compared = differ = 0
for name, (now,) in rows(report).items():
    if not name:
        continue
    said = card.get(name, [None])[0]
    compared, differ = compared + 1, differ + (said != now)
    print(
        f"{'ok  ' if said == now else 'FAIL'} {name}: {said}",
        *([] if said == now else [f"{now} now"]),
        sep=", ",
        flush=True,
    )
print(f"{compared - differ} of {compared} figures are the card's")
sys.exit(differ > 0)
