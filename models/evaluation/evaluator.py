"""Runs the example `evaluate` for the scripts of this folder."""

import json
import pathlib
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def build():
    command = ["cargo", "build", "--release", "--workspace", "--example", "evaluate", "--quiet"]
    subprocess.run(command, cwd=ROOT, check=True)


def write_report(folder, table, *flags):
    """Evaluates the set of this CSV file, and writes the report into the folder."""
    program = ROOT / "target/release/examples/evaluate"
    command = [program, table, "--report", folder, *flags]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def figures(table, *flags):
    """The report's figures.json on the set of this CSV file."""
    with tempfile.TemporaryDirectory() as folder:
        write_report(folder, table, *flags)
        return json.loads((pathlib.Path(folder) / "figures.json").read_text())
