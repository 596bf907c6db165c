#!/usr/bin/env python3
"""Compares the evaluator with a reference in Python, on the reference's own faces.

    pip install numpy opencv-python-headless onnxruntime
    PEERS/peer_stack.py score ROOT --out ROWS.json
    evaluator_agreement.py PEERS ROOT ROWS.json

Silent-Face's networks score the boxes of ROWS.json by `evaluate --model minifasnet:…`; the figures
are compared with those of peer_stack.py. This is done on PNG copies, where both see the same
pixels, and on the files, where each has its own JPEG decoder. The exit status is 1 if APCER, BPCER,
EER or AUC differ by more than one picture on the copies.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile


def evaluate(peers, faces, folder):
    """The figures, and the score of each file, for (file, label, box)."""
    networks = ",".join(
        os.path.join(peers, "models", name)
        for name in ("minifasnetv2_80.onnx", "minifasnetv1se_80.onnx")
    )
    table, report = os.path.join(folder, "set.csv"), os.path.join(folder, "report")
    with open(table, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label", "left", "top", "width", "height"])
        rows.writerows([path, label, *box] for path, label, box in faces)
    command = [
        "cargo",
        "run",
        "--quiet",
        "--release",
        "--example",
        "evaluate",
        "--",
        table,
        "--report",
        report,
    ]
    subprocess.run(
        [*command, "--model", "minifasnet:" + networks, "--draws", "0"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with open(os.path.join(report, "figures.json")) as file:
        figures = json.load(file)["models"][0]["figures"]
    with open(os.path.join(report, "scores.csv")) as file:
        scores = {row["file"]: float(row["spoof_score"]) for row in csv.DictReader(file)}
    return figures, scores


def main(peers, root, rows):
    sys.path.insert(0, peers)
    import cv2
    from peer_stack import pad_figures

    with open(rows) as file:
        rows = json.load(file)
    by_label = {
        label: [row["silent-face"] for row in rows if row["label"] == label]
        for label in ("live", "spoof")
    }
    reference = pad_figures(by_label["live"], by_label["spoof"])
    live, spoof = len(by_label["live"]), len(by_label["spoof"])

    worst = 0.0
    for copies in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            files = [os.path.join(os.path.abspath(root), row["file"]) for row in rows]
            if copies:
                pngs = [os.path.join(folder, f"{i}.png") for i in range(len(files))]
                for file, png in zip(files, pngs):
                    cv2.imwrite(png, cv2.imread(file))
                files = pngs
            faces = [(file, row["label"], row["box"]) for file, row in zip(files, rows)]
            figures, scores = evaluate(peers, faces, folder)
        apart = max(abs(scores[file] - row["silent-face"]) for file, row in zip(files, rows))
        print(
            f"{root}, {'PNG copies' if copies else 'files'}: {live} live, {spoof} spoof;"
            f" scores at most {apart:.4f} apart"
        )
        # The reference takes the BPCER's threshold from an interpolated quantile, so this row is
        # shown but does not count.
        for name, reference_name, pictures, counts in (
            ("apcer_pooled", "apcer", spoof, True),
            ("bpcer", "bpcer", live, True),
            ("eer", "eer", min(live, spoof), True),
            ("auc", "auc", min(live, spoof), True),
            ("apcer_at_bpcer_5", "apcer_at_bpcer5", spoof, False),
        ):
            ours, theirs = figures[name]["value"], reference[reference_name]
            # The reference rounds to four digits.
            apart = max(0.0, abs(ours - theirs) - 0.00005) * pictures
            worst = max(worst, apart if copies and counts else 0.0)
            print(f"  {name:17} {ours:.4f}  reference {theirs:.4f}  {apart:.2f} pictures apart")
    return int(worst > 1)


sys.exit(main(*sys.argv[1:]))
