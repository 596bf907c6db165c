"""The shipped decoder, detector and crops, driven through the pipes of the program `crops`."""

import json
import subprocess

import numpy as np

TIGHT_SIDE, CONTEXT_SIDE = 96, 80
TIGHT, CONTEXT = 3 * TIGHT_SIDE**2, 3 * CONTEXT_SIDE**2


class Crops:
    """A running `crops` program; models/evaluation describes its protocol."""

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
        read = lambda length, side: np.frombuffer(
            self.process.stdout.read(length), np.uint8
        ).reshape(3, side, side)
        answer["crops"] = [
            (read(TIGHT, TIGHT_SIDE), read(CONTEXT, CONTEXT_SIDE)) for _ in answer["faces"]
        ]
        return answer
