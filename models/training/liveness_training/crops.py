"""The shipped decoder, detector and crops, through the pipes of the workspace's `crops` example."""

import json
import subprocess

import numpy as np

CLOSE_SIDE, NEAR_SIDE = 96, 80
CLOSE, NEAR = 3 * CLOSE_SIDE**2, 3 * NEAR_SIDE**2


class Crops:
    """One running `crops` program; see examples/crops.rs for what it reads and writes."""

    def __init__(self, program, faces_only=False):
        self.faces_only = faces_only
        command = [program] + (["--faces-only"] if faces_only else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, file, faces=None):
        question = {"length": len(file)}
        if faces is not None:
            question["faces"] = [[float(value) for value in face] for face in faces]
        self.process.stdin.write(json.dumps(question).encode() + b"\n" + file)
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if self.faces_only:
            return answer
        read = lambda length, side: np.frombuffer(self.process.stdout.read(length), np.uint8).reshape(3, side, side)
        answer["crops"] = [(read(CLOSE, CLOSE_SIDE), read(NEAR, NEAR_SIDE)) for _ in answer["faces"]]
        return answer
