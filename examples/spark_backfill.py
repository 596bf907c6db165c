"""Scores the photos in Parquet files with Spark. Each photo gets one row in the output.

    spark-submit spark_backfill.py photos/ scores/

The same command again scores only the photos that have no row. Start it when the executors of the
earlier run are gone. The input has row groups of a few hundred photos: a row group is scored by one
task, and a task is lost or kept as a whole.
"""

import argparse

import pyarrow as pa
from face_liveness import Engine, LivenessError
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

SCHEMA = (
    "photo string, spoof_score float, left int, top int, width int, height int, model string, "
    "auto_rotate boolean, warnings string, code int, error string"
)
ARROW = pa.schema(
    [("photo", pa.string()), ("spoof_score", pa.float32())]
    + [(side, pa.int32()) for side in ("left", "top", "width", "height")]
    + [("model", pa.string()), ("auto_rotate", pa.bool_()), ("warnings", pa.string())]
    + [("code", pa.int32()), ("error", pa.string())]
)
BATCH = 32  # Photos in memory at once. Spark's own 10,000 would be gigabytes.


def arguments():
    parser = argparse.ArgumentParser(description="Score the photos in Parquet files with Spark.")
    parser.add_argument("photos", help="a Parquet file, or a folder of them")
    parser.add_argument("scores", help="the folder for the rows, in Parquet files")
    parser.add_argument("--name", default="photo", help="the column of unique names [photo]")
    parser.add_argument("--image", default="image", help="the column of encoded images [image]")
    parser.add_argument("--task-mb", type=int, default=32, help="megabytes of input a task [32]")
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


def score(batches):
    """Turns batches of photos into batches of rows. Runs in the Python workers."""
    for batch in batches:
        engine = Engine()  # Loaded once in a process.
        photos, images = (column.to_pylist() for column in batch.columns)
        rows = [row(engine, photo, image) for photo, image in zip(photos, images)]
        yield pa.RecordBatch.from_pylist(rows, schema=ARROW)


def main():
    args = arguments()
    spark = SparkSession.builder.appName("face-liveness backfill").getOrCreate()
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", BATCH)
    spark.conf.set("spark.sql.parquet.columnarReaderBatchSize", BATCH)
    spark.conf.set("spark.sql.files.maxPartitionBytes", args.task_mb << 20)

    photos = spark.read.parquet(args.photos).select(
        F.col(args.name).alias("photo"), F.col(args.image).alias("image")
    )
    rows, names = photos.agg(F.count("*"), F.countDistinct("photo")).first()
    if rows != names:
        raise SystemExit(f"{rows} photos have {names} names: each needs its own")

    spark.createDataFrame([], SCHEMA).write.mode("ignore").parquet(args.scores)
    done = spark.read.schema(SCHEMA).parquet(args.scores).select("photo")
    # Broadcast the names. Any other join would write the pictures to shuffle files.
    todo = photos.join(F.broadcast(done), "photo", "left_anti")
    # Version 2 keeps the file of each finished task, even if the driver is killed. The file of a
    # repeated task has the same name and replaces the first one.
    todo.mapInArrow(score, SCHEMA).write.mode("append").option(
        "mapreduce.fileoutputcommitter.algorithm.version", "2"
    ).parquet(args.scores)
    spark.stop()


if __name__ == "__main__":
    main()
