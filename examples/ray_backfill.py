"""Scores the photos in Parquet files with Ray Data. Each photo gets one row in the output.

    python ray_backfill.py photos/ scores/ --workers 8

The same command again scores only the photos that have no row. The folders are on a disk that all
machines share. The input has row groups of a few hundred photos: a row group is scored by one
actor. The actors read the photos themselves, because Ray may write what it moves to a disk.
"""

import argparse
import os
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import ray
from face_liveness import Engine, LivenessError

SCHEMA = pa.schema(
    [("photo", pa.string()), ("spoof_score", pa.float32())]
    + [(side, pa.int32()) for side in ("left", "top", "width", "height")]
    + [("model", pa.string()), ("auto_rotate", pa.bool_()), ("warnings", pa.string())]
    + [("code", pa.int32()), ("error", pa.string())]
)


def arguments():
    parser = argparse.ArgumentParser(description="Score the photos in Parquet files with Ray.")
    parser.add_argument("photos", type=Path, help="a Parquet file, or a folder of them")
    parser.add_argument("scores", type=Path, help="the folder for the rows, in Parquet files")
    parser.add_argument("--name", default="photo", help="the column of unique names [photo]")
    parser.add_argument("--image", default="image", help="the column of encoded images [image]")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="actors, a core each")
    parser.add_argument("--rows", type=int, default=1000, help="rows of an output file [1000]")
    return parser.parse_args()


def row(engine, photo, image):
    """The row of one photo: its score, or the reason why it has none."""
    if image is None:
        return {"photo": photo, "error": "the row holds no image"}
    try:
        response = engine.detect_image(image, auto_rotate=True)
    except LivenessError as error:
        reason = {"code": error.code, "error": error.description}
        return {"photo": photo, "auto_rotate": True, **reason}
    return {
        "photo": photo,
        "spoof_score": response["spoofScore"],
        **response["position"],
        "model": response["model"],
        "auto_rotate": True,
        "warnings": " ".join(response.get("warnings", [])) or None,
    }


class Scorer:
    """An actor with one engine. It scores the photos of a row group that have no row."""

    def __init__(self, name, image):
        self.engine, self.columns = Engine(), [name, image]

    def __call__(self, part):
        [part] = part.to_pylist()
        todo, rows = set(part["todo"]), []
        file = pq.ParquetFile(part["file"], buffer_size=1 << 20)
        for batch in file.iter_batches(32, row_groups=[part["group"]], columns=self.columns):
            photos, images = (batch.column(column) for column in self.columns)
            for photo, image in zip(photos.to_pylist(), images):
                if photo in todo:
                    rows.append(row(self.engine, photo, image.as_py()))
        return pa.Table.from_pylist(rows, schema=SCHEMA)


def parts(photos, name, done):
    """The row groups with photos that have no row."""
    seen, rows = set(), 0
    for path in sorted(photos.glob("*.parquet")) if photos.is_dir() else [photos]:
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            names = file.read_row_group(group, columns=[name]).column(0).to_pylist()
            seen.update(names)
            rows += len(names)
            if len(seen) != rows or None in seen:
                raise SystemExit(f"{path}: each photo needs its own name")
            if todo := [photo for photo in names if photo not in done]:
                yield {"file": str(path.absolute()), "group": group, "todo": todo}


def main():
    args = arguments()
    args.scores.mkdir(parents=True, exist_ok=True)
    done = set()
    for path in args.scores.glob("*.parquet"):
        done.update(pq.read_table(path, columns=["photo"]).column(0).to_pylist())
    if not (todo := list(parts(args.photos, args.name, done))):
        return
    scores = ray.data.from_items(todo, override_num_blocks=len(todo)).map_batches(
        Scorer,
        fn_constructor_args=[args.name, args.image],
        compute=ray.data.ActorPoolStrategy(size=args.workers),
        batch_size=1,
        batch_format="pyarrow",
        num_cpus=1,
    )
    # Only this process writes. A file gets its name when it is complete.
    for table in scores.iter_batches(batch_size=args.rows, batch_format="pyarrow"):
        unfinished = args.scores / f"{uuid.uuid4()}.part"
        pq.write_table(table.cast(SCHEMA), unfinished)
        unfinished.rename(unfinished.with_suffix(".parquet"))


if __name__ == "__main__":
    main()
