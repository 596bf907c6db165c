"""Puts the shipped portrait into half of the valid requests, so that some get a 200."""

import base64
import os
import pathlib

import schemathesis

PORTRAIT = base64.b64encode(pathlib.Path(os.environ["PHOTO"]).read_bytes()).decode()
TYPES = {"index": int, "type": str, "data": str}


def is_valid(image):
    typed = isinstance(image, dict) and all(type(image.get(k)) is t for k, t in TYPES.items())
    return typed and 0 <= image["index"] < 2**63


@schemathesis.hook
def map_body(context, body):
    images = body.get("images") if isinstance(body, dict) else None
    if not isinstance(images, list) or not isinstance(body.get("model", ""), str):
        return body
    valid = images and all(is_valid(image) for image in images)
    if valid and len(images[0]["data"]) % 2 == 0:
        body.pop("model", None)
        for index, image in enumerate(images):
            image.update(index=index, type="RGB", data=PORTRAIT)
    return body
