"""What the training writes into a model's `model.json`: hashes and fusion. Its layout stays."""

import json
import re


def pin(file, sha256):
    """Writes the hash of a network's file into the `model.json` beside it, if there is one."""
    manifest = file.with_name("model.json")
    if not manifest.exists():
        return
    text = manifest.read_text()
    networks = json.loads(text)["networks"].values()
    (pinned,) = (network["sha256"] for network in networks if network["file"] == file.name)
    manifest.write_text(text.replace(pinned, sha256))


def set_fusion(folder, fusion):
    """Replaces the fusion in FOLDER/model.json."""
    replace(folder / "model.json", r'("fusion": \{ )[^}]*( \})', fusion)


def set_second_opinion(folder, values):
    """Replaces all values of the second opinion but the network's name."""
    named = r'("second_opinion": \{\s*"network": "\w+",\s*)[^}]*?(\s+\})'
    replace(folder / "model.json", named, values)


def set_close_up(folder, values):
    """Replaces the correction of close-ups."""
    replace(folder / "model.json", r'("close_up": \{ )[^}]*( \})', values)


def replace(manifest, pattern, values):
    fields = ", ".join(f'"{name}": {value:.3f}' for name, value in values.items())
    text, count = re.subn(pattern, rf"\g<1>{fields}\g<2>", manifest.read_text())
    if count != 1:
        raise ValueError(f"{manifest} matches {pattern} {count} times, expected once")
    manifest.write_text(text)
