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
    manifest = folder / "model.json"
    fields = ", ".join(f'"{name}": {value:.3f}' for name, value in fusion.items())
    text, count = re.subn(r'"fusion": \{[^}]*\}', f'"fusion": {{ {fields} }}', manifest.read_text())
    if count != 1:
        raise ValueError(f"{manifest} has {count} fusions, expected 1")
    manifest.write_text(text)
