"""The table of sources, and which people are held out for measuring."""

import re
import tomllib
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


def sources():
    with open(HERE / "sources.toml", "rb") as file:
        return tomllib.load(file)


def is_held_out(path, one_in):
    return zlib.crc32(person(path).encode()) % one_in == 0


def person(path):
    """The person, from a file name such as `Aaron_Eckhart_00.jpg`."""
    return re.sub(r"_?\d+$", "", path.stem)
