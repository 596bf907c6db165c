"""Answers request bodies from standard input, for contract_python.rs, as its `Piped` asks."""

import struct
import sys

from face_liveness import Engine

engine = Engine()
while head := sys.stdin.buffer.read(4):
    status, body = engine.detect_json(sys.stdin.buffer.read(*struct.unpack("<I", head)))
    sys.stdout.buffer.write(struct.pack("<II", status, len(body)) + body)
    sys.stdout.buffer.flush()
