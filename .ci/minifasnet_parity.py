#!/usr/bin/env python3
"""Compares the adapter MiniFasNet with Silent-Face in Python: OpenCV and ONNX Runtime, with the
same boxes and files.

    .ci/minifasnet_parity.py PEERS PHOTOS

PEERS holds peer_stack.py (classes YuNet and SilentFace) and models/. PHOTOS are JPEGs with a face
each. Each side decodes the JPEG by itself, and also reads a PNG copy, which gives both the same
pixels. Exit status 1 where a score differs by more than 0.005 on a PNG or 0.03 on a JPEG. Needs
`.ci/install python`.
"""

import glob
import json
import os
import subprocess
import sys
import tempfile

TOLERANCE = {".png": 0.005, ".jpg": 0.03}
NETWORKS = ["minifasnetv2_80.onnx", "minifasnetv1se_80.onnx"]


def main(peers, photos):
    sys.path.insert(0, peers)
    import cv2
    from peer_stack import SilentFace, YuNet, largest

    detector, silent_face = YuNet(640), SilentFace()
    expected = {}
    with tempfile.TemporaryDirectory() as folder:
        boxes = os.path.join(folder, "boxes.jsonl")
        with open(boxes, "w") as lines:
            for jpeg in sorted(glob.glob(os.path.join(photos, "*.jpg"))):
                image = cv2.imread(jpeg)
                box = [round(value, 1) for value in largest(detector(image))]
                png = os.path.join(folder, os.path.basename(jpeg)[:-4] + ".png")
                cv2.imwrite(png, image)
                for path in (png, jpeg):
                    expected[path] = silent_face(image, box)
                    print(json.dumps({"file": path, "box": box}), file=lines)
        models = [os.path.join(peers, "models", name) for name in NETWORKS]
        command = ["cargo", "run", "--quiet", "--release", "--example", "minifasnet_boxes", "--"]
        command += [*models, boxes]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = (line.rsplit(" ", 1) for line in printed.splitlines())
    scores = {path: float(score) for path, score in lines}
    assert scores.keys() == expected.keys() and len(scores) >= 2, "every photo has its two scores"

    worst = 0.0
    for extension, tolerance in TOLERANCE.items():
        paths = [path for path in scores if path.endswith(extension)]
        off = max(abs(scores[path] - expected[path]) for path in paths)
        print(f"{extension}: {len(paths)} photos differ by up to {off:.6f} (at most {tolerance})")
        worst = max(worst, off / tolerance)
    return int(worst > 1)


sys.exit(main(*sys.argv[1:]))
