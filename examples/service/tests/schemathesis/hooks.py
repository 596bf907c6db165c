"""Makes half of the requests that keep to the schema ones with the shipped portrait, so that some are answered by 200."""

import base64
import os
import pathlib

import schemathesis

PORTRAIT = base64.b64encode(pathlib.Path(os.environ["PHOTO"]).read_bytes()).decode()
TYPES = {"index": int, "type": str, "data": str}


@schemathesis.hook
def map_body(context, body):
    images = body.get("images") if isinstance(body, dict) else None
    if not isinstance(images, list) or not isinstance(body.get("model", ""), str):
        return body
    kept = all(isinstance(image, dict) and all(type(image.get(k)) is t for k, t in TYPES.items()) for image in images)
    if images and kept and all(0 <= image["index"] < 2**63 for image in images) and len(images[0]["data"]) % 2 == 0:
        body.pop("model", None)
        for index, image in enumerate(images):
            image.update(index=index, type="RGB", data=PORTRAIT)
    return body
