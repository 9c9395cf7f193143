"""Paint the pictures of a folder on Spark with a registered version of the transfer model.

    spark-submit examples/spark_batch.py photos painted --style painting.jpg

The result is a Parquet table with a row per picture: the painting, or why there is none. A run that
was stopped is continued by the same command; it paints the pictures that are not in the table yet,
also those that came into the folder later. For other options, name another table.
"""

import argparse
import base64
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

SUFFIXES = "*.{jpg,jpeg,png,webp,avif,tif,tiff,JPG,JPEG,PNG}"
BATCH = 500  # pictures; what a stopped run loses is at most the batch in progress
COLUMNS = "path string, modificationTime timestamp, length long, content binary"  # of binaryFile


def paint(pictures: DataFrame, version: str, style: Path, params: dict[str, Any]) -> DataFrame:
    """Paint pictures.

    Args:
        pictures: rows of Spark's source `binaryFile`.
        version: `models:/NAME/VERSION`.
        style: a picture that all are painted in the style of.
        params: of the model, as in a request.

    Returns:
        The columns path, modificationTime, sha256, version, picture (the file's bytes), notice,
        and picture_sha256. A picture that cannot be painted has a null and a notice.
    """
    answer = mlflow.pyfunc.spark_udf(
        pictures.sparkSession,
        version,
        result_type="picture string, notice string",
        params={**params, "errors": "return"},
    )
    request = F.struct(
        F.base64("content").alias("content"),
        F.lit(base64.b64encode(style.read_bytes()).decode()).alias("style"),
    )
    painted = pictures.select(
        "path",
        "modificationTime",
        F.sha2("content", 256).alias("sha256"),
        F.lit(version).alias("version"),
        answer(request).alias("answer"),
    )
    picture = F.unbase64(F.nullif("answer.picture", F.lit("")))
    return (
        painted.withColumn("picture", picture)
        .withColumn("notice", F.col("answer.notice"))
        .withColumn("picture_sha256", F.sha2("picture", 256))
        .drop("answer")
    )


def pinned(version: str) -> str:
    """`models:/NAME/VERSION` for `models:/NAME@ALIAS`, because an alias may move."""
    name, at, alias = version.removeprefix("models:/").partition("@")
    if not at:
        return version
    return f"models:/{name}/{MlflowClient().get_model_version_by_alias(name, alias).version}"


def paint_folder(
    spark: SparkSession, folder: str, out: str, batch: int = BATCH, **paint_args: Any
) -> None:
    """Append the pictures of a folder that are not in a table yet, in batches.

    Args:
        spark: the session.
        folder: of the pictures, with its subfolders; any address that Spark reads.
        out: folder of the table, and of the checkpoint that says what is in it.
        batch: number of pictures.
        paint_args: see `paint`.
    """
    source = spark.readStream.format("binaryFile").schema(COLUMNS)
    source = source.option("pathGlobFilter", SUFFIXES).option("recursiveFileLookup", True)
    pictures = source.option("maxFilesPerTrigger", batch).load(folder)
    sink = paint(pictures, **paint_args).writeStream.format("parquet").trigger(availableNow=True)
    sink.option("checkpointLocation", f"{out}/_checkpoint").start(out).awaitTermination()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", help="of the pictures")
    parser.add_argument("out", help="folder of the table")
    parser.add_argument("--style", type=Path, required=True, metavar="PICTURE")
    parser.add_argument("--version", default="models:/stylefuse-transfer@champion")
    parser.add_argument("--strength", type=float, default=1.0)
    args = parser.parse_args()
    params = {"strength": args.strength, "format": "jpeg"}
    spark = SparkSession.builder.appName("stylefuse").getOrCreate()
    version = pinned(args.version)
    paint_folder(spark, args.folder, args.out, version=version, style=args.style, params=params)
    table = spark.read.parquet(args.out)
    failed = table.where("picture is null")
    print(f"{args.out} holds {table.count()} pictures; {failed.count()} could not be painted")


if __name__ == "__main__":
    main()
