#!/usr/bin/env python3
"""Prints the table OPENCV of crates/inference/src/crop.rs.

pip install opencv-python-headless==5.0.0.93 numpy
"""

import cv2
import numpy as np

print("[")
for (width, height), target in (
    ((9, 7), (4, 3)),
    ((4, 3), (6, 5)),
    ((31, 23), (5, 4)),
    ((1, 2), (3, 3)),
):
    y, x = np.mgrid[:height, :width]
    image = (7 * x * x + 13 * y + 5 * x * y).astype(np.uint8)
    # Three channels, as photos have: OpenCV may take another path for one.
    resized = cv2.resize(np.dstack([image] * 3), target)[:, :, 0]
    print(f"        (({width}, {height}), {target}, &{resized.flatten().tolist()}),")
print("    ]")
