"""The table of sources, the pictures of each, and which people are held out for measuring."""

import re
import tomllib
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


def sources():
    with open(HERE / "sources.toml", "rb") as file:
        return tomllib.load(file)


def photos(data, name, source):
    """The paths of a source's pictures, in the same order on every machine."""
    root = Path(data) / source.get("folder", name)
    if "list" in source:
        folder = root / source["files"].split("*")[0]
        lines = (root / source["list"]).read_text().split()
        found = [folder / line.replace("\\", "/") for line in lines]
        found = [path for path in found if path.exists()]
    else:
        found = sorted(path for path in root.glob(source["files"]) if path.is_file())
    if "without" in source:
        found = [path for path in found if source["without"] not in str(path)]
    if "held_out" in source:
        found = [path for path in found if not is_held_out(path, source["held_out"])]
    return found[:: source.get("step", 1)]


def is_held_out(path, one_in):
    return zlib.crc32(person(path).encode()) % one_in == 0


def person(path):
    """The person, from a file name such as `Aaron_Eckhart_00.jpg`."""
    return re.sub(r"_?\d+$", "", path.stem)
