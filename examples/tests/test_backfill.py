"""Tests of the Spark and Ray examples: equal rows, killed workers, killed drivers, restarts.

`.ci/python backfill` runs it, in three minutes.
"""

import io
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from face_liveness import Engine, LivenessError
from PIL import Image

EXAMPLES = Path(__file__).parents[1]
ROWS, FILES = 200, 8
SPARK = [
    *(str(Path(sys.executable).with_name("spark-submit")), "--master", "local[2,4]"),
    # Snappy loads a wrong library where musl is installed beside glibc.
    *("--conf", "spark.sql.parquet.compression.codec=zstd", "--conf", "spark.ui.enabled=false"),
    *("--conf", "spark.sql.shuffle.partitions=2", "--conf", "spark.sql.adaptive.enabled=false"),
    *("--conf", "spark.sql.codegen.wholeStage=false"),
    "--driver-java-options=-XX:TieredStopAtLevel=1",
    *(str(EXAMPLES / "spark_backfill.py"), "--task-mb", "1"),
]
RAY = [sys.executable, str(EXAMPLES / "ray_backfill.py"), "--workers", "2", "--rows", "25"]
ENVIRONMENT = {
    **os.environ,
    "PYSPARK_PYTHON": sys.executable,
    "SPARK_LOCAL_IP": "127.0.0.1",
    "RAY_USAGE_STATS_ENABLED": "0",
}


def varied(pictures, rng):
    """A photo at another size, angle and quality; some without a face, broken or missing."""
    kind = rng.randrange(12)
    if kind == 0:
        return rng.choice([None, b"", rng.randbytes(500)])
    picture = rng.choice(pictures)
    if kind == 1:
        picture = Image.new("RGB", (200, 200), (rng.randrange(256), 90, 40))
    picture = picture.rotate(rng.uniform(-9, 9))
    picture.thumbnail((rng.randrange(200, 400),) * 2)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=rng.randrange(40, 95))
    return file.getvalue()[: 900 if kind == 2 else None]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Parquet files of photos, and the rows that are expected."""
    folder, rng = tmp_path_factory.mktemp("photos"), random.Random(1)
    pictures = sorted((EXAMPLES / "photos").glob("*.jpg"))
    pictures = [Image.open(path).convert("RGB") for path in pictures]
    images = {f"photo-{number}": varied(pictures, rng) for number in range(ROWS)}
    table = pa.table({"photo": list(images), "image": pa.array(images.values(), pa.binary())})
    for part in range(FILES):
        some = table.slice(part * ROWS // FILES, ROWS // FILES)
        pq.write_table(some, folder / f"{part}.parquet", compression="zstd")
    engine = Engine()
    return folder, {name: expected(engine, image) for name, image in images.items()}


def expected(engine, image):
    """The row of a photo, without its name, in the order of the columns."""
    if image is None:
        return (None,) * 9 + ("the row holds no image",)
    try:
        answer = engine.detect_image(image, auto_rotate=True)
    except LivenessError as error:
        return (None,) * 6 + (True, None, error.code, error.description)
    box = (answer["position"][side] for side in ("left", "top", "width", "height"))
    score, warnings = np.float32(answer["spoofScore"]), " ".join(answer.get("warnings", []))
    return (score, *box, answer["model"], True, warnings or None, None, None)


def rows_of(folder):
    """The rows of the output. No photo has two."""
    files = [pq.ParquetFile(path).read() for path in folder.glob("*.parquet")]
    rows = [tuple(row.values()) for file in files for row in file.to_pylist()]
    by_name = {row[0]: row[1:] for row in rows}
    assert len(by_name) == len(rows), "a photo has two rows"
    return by_name


def descendants(parent):
    """The process identifiers and command lines below a process."""
    lines = subprocess.check_output(["ps", "-eo", "pid,ppid,args"], text=True).splitlines()[1:]
    known, processes = {parent}, [line.split(None, 2) for line in lines]
    for _ in range(8):
        known |= {int(pid) for pid, above, _ in processes if int(above) in known}
    return [(int(pid), args) for pid, _, args in processes if int(pid) in known - {parent}]


def start(command, photos, scores):
    log = scores.with_suffix(".log").open("a")
    command = [*command, str(photos), str(scores)]
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=ENVIRONMENT)


def wait_for(run, condition):
    """Waits while the program runs."""
    while not (found := condition()):
        assert run.poll() is None, f"the program ended with {run.returncode}"
        time.sleep(0.1)
    return found


@pytest.mark.parametrize(
    ("command", "worker"),
    [(SPARK, r"pyspark\.daemon"), (RAY, r"ray::(MapWorker|.*Scorer)")],
    ids=["spark", "ray"],
)
def test_each_photo_has_one_row_after_kills(command, worker, photos, tmp_path):
    photos, wanted = photos
    scores = tmp_path / "scores"

    # The driver is killed when there are some rows.
    run = start(command, photos, scores)
    wait_for(run, lambda: scores.is_dir() and len(rows_of(scores)) > 0)
    run.kill()
    run.wait()
    kept = rows_of(scores)
    assert 0 < len(kept) < ROWS
    files = {path: path.read_bytes() for path in scores.glob("*.parquet")}

    # Half of the files go. The same command scores what is missing, though a worker is killed.
    for path in sorted(files)[::2]:
        path.unlink()
    before = len(rows_of(scores))
    run = start(command, photos, scores)
    wait_for(run, lambda: len(rows_of(scores)) > before)
    workers = [pid for pid, args in descendants(run.pid) if re.search(worker, args)]
    os.kill(workers[-1], signal.SIGKILL)
    assert run.wait() == 0, scores.with_suffix(".log").read_text()[-3000:]

    assert rows_of(scores) == wanted
    # The files that were there are as they were: nothing was scored again.
    assert all(path.read_bytes() == files[path] for path in sorted(files)[1::2])
