"""Puts seeds into corpus/TARGET.

They are the third-party files of DATA (see CONTRIBUTING.md), the photos of the examples, JPEGs of
uncommon kinds, and the small networks of ONNX's own tests, which come with the PyPI package onnx.

    python fuzz/seeds.py DATA
"""

import base64
import hashlib
import json
import pathlib
import struct
import sys

import onnx.backend.test

LARGEST = 100_000
HERE = pathlib.Path(__file__).parent


def seed(target: str, content: bytes) -> None:
    if len(content) > LARGEST:
        return
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(content).hexdigest()).write_bytes(content)


def files(folder: pathlib.Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]


def body(file: bytes, **fields) -> bytes:
    image = {"index": 0, "type": "RGB", "data": base64.b64encode(file).decode()}
    return json.dumps({"images": [image], "autoRotate": True, **fields}).encode()


data = pathlib.Path(sys.argv[1])
photos = files(HERE.parent / "examples" / "photos")
uncommon = files(HERE.parent / "crates" / "image" / "tests" / "uncommon_jpeg")
pictures = files(data / "decoders") + files(data / "exif") + photos + uncommon

for text in files(data / "json"):
    seed("detect_json", text)
    seed("detect_json", b'{"images": [{"index": 0, "type": "RGB", "data": ' + text + b"}]}")
for picture in pictures:
    if len(picture) < 30_000:
        seed("detect_json", body(picture))
    for options in range(8):
        seed("decode", bytes([options]) + picture)
    if picture.startswith(b"\xff\xd8"):
        seed("jpeg_scaled", picture)
for photo in photos:
    seed("detect_json", body(photo))

for picture in pictures:
    seed("exif", picture[:20_000])
    at = picture.find(b"Exif\0\0")
    if at >= 0:
        seed("exif", picture[at + 6 : at + 4_000])

for sides in [(0, 0), (63, 47), (255, 255)]:
    wild = (-1e9, 3e38, float("nan"), float("inf"))
    for box in [(0.0, 0.0, 1.0, 1.0), (10.0, 10.0, 40.0, 40.0), wild]:
        floats = b"".join(struct.pack("<f", value) for value in box)
        seed("crop", bytes(sides) + floats + bytes(range(64)))

tests = pathlib.Path(onnx.backend.test.__file__).parent / "data"
for model in sorted(tests.rglob("*.onnx")):
    content = model.read_bytes()
    if len(content) < 4_000:
        seed("load_onnx", content)
