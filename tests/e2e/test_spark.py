"""A registered version on local Spark with its default settings: `examples/spark_batch.py`."""

import hashlib
import io
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.support.models import noise
from tests.support.registered_project import copy_registered_project

pytest.importorskip("pyspark", reason="needs the extra spark")
if not shutil.which("java"):
    pytest.skip("needs Java", allow_module_level=True)

PARTITION = 32  # small files; 128 MB, of which each is counted as 4 MB and its size


@pytest.fixture(scope="module")
def project(shared_folder, tmp_path_factory):
    """A project with a champion, and a folder of pictures, one of which cannot be opened."""
    folder = copy_registered_project(shared_folder, tmp_path_factory.mktemp("spark") / "project")
    for name in ("photos", "home"):
        (folder / name).mkdir()
    for number in range(PARTITION + 8):
        noise(24, 16, seed=number).save(folder / "photos" / f"{number} [a].jpg")
    (folder / "photos/0 [a].jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def spark(project):
    """A session whose processes have an empty home folder and the registry of the project."""
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(project / "home"))
        patch.delenv("XDG_CACHE_HOME", raising=False)
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project}/mlflow/mlflow.db")
        session = SparkSession.builder.master("local[2]").getOrCreate()
        yield session
        session.stop()


@pytest.fixture(scope="module")
def paint(spark, project):
    """A function that brings the table up to date, and returns its rows and its files."""
    from examples.spark_batch import paint_folder, pinned

    def paint():
        version = pinned("models:/stylefuse-transfer@champion")
        params, table = {"strength": 0.5, "format": "jpeg"}, project / "painted"
        paint_folder(
            spark, str(project / "photos"), str(table), batch=PARTITION, version=version,
            style=project / "style.png", params=params,
        )  # fmt: skip
        rows = {Path(row.path).name: row for row in spark.read.parquet(str(table)).collect()}
        return rows, {path: path.stat().st_mtime_ns for path in table.glob("*.parquet")}

    return paint


@pytest.fixture(scope="module")
def painted(paint):
    return paint()


def test_each_picture_is_a_row_and_a_bad_one_stops_no_other(project, painted):
    rows, files = painted
    assert rows.keys() == {path.name for path in (project / "photos").iterdir()}
    assert len(files) > 1  # of two batches
    bad, good = rows["0 [a].jpg"], rows["7 [a].jpg"]
    assert bad.picture is None
    assert bad.notice.startswith("content is not a picture file")
    assert [row for row in rows.values() if row.picture is None or row.notice] == [bad]
    with Image.open(io.BytesIO(good.picture)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (24, 16))
    photograph = (project / "photos/7 [a].jpg").read_bytes()
    assert good.sha256 == hashlib.sha256(photograph).hexdigest()
    assert good.picture_sha256 == hashlib.sha256(good.picture).hexdigest()
    assert good.version == "models:/stylefuse-transfer/1"


def test_a_run_again_paints_what_is_new(project, paint, painted):
    noise(24, 16, seed=99).save(project / "photos/new.jpg")
    rows, files = paint()
    assert rows.keys() - painted[0].keys() == {"new.jpg"}
    assert painted[1].items() <= files.items()


def test_python_gets_few_pictures_at_a_time(spark, project):
    """The default of 10,000 rows would be gigabytes; a partition of files is smaller."""
    from pyspark.sql import functions as F

    pictures = spark.read.format("binaryFile").load(str(project / "photos"))
    sizes = [row["count"] for row in pictures.groupBy(F.spark_partition_id()).count().collect()]
    assert len(sizes) > 1
    assert max(sizes) <= PARTITION


def test_nothing_is_left_in_the_home_folder(project, painted):
    """ONNX Runtime would queue usage events there."""
    assert list((project / "home").rglob("*")) == []
