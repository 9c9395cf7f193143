"""A project can be moved, copied and backed up with its registry."""

import os
import shutil
import sqlite3
import tarfile
from contextlib import closing

import pytest

from stylefuse.cli import main
from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.registry.backup import back_up, load_backup
from stylefuse.registry.relocation import ADDRESSES
from tests.support.program import stylefuse
from tests.support.registered_project import copy_registered_project

PAINT = ("transfer", "photo.jpg", "--style", "style.png", "--quality", "fast", "-o", "out.png")


@pytest.fixture
def original(shared_folder, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return copy_registered_project(shared_folder, tmp_path / "original")


def addresses(project):
    """All addresses of artifacts in a project's store."""
    with closing(sqlite3.connect(project / "mlflow/mlflow.db")) as database:
        return {
            address
            for table, columns in ADDRESSES.items()
            for (address,) in database.execute(
                " UNION ".join(f"SELECT {column} FROM {table}" for column in columns)
            )
            if address and address.startswith("file:")
        }


def verify(project):
    return stylefuse(project, "verify", "stylefuse-transfer@champion")


@pytest.mark.parametrize("keeps_original", [False, True])
def test_a_folder_that_was_moved_or_copied_uses_its_own_artifacts(original, keeps_original):
    """Its name has characters that an address escapes."""
    assert stylefuse(original, *PAINT).returncode == 0  # the champion's place is remembered
    moved = original.with_name("moved to Köln #2")
    shutil.copytree(original, moved)
    if not keeps_original:
        shutil.rmtree(original)
    verified = verify(moved)
    assert "version 1: unchanged" in verified.stdout, verified.stderr
    assert "moved or copied from" in verified.stderr
    root = (moved / "mlflow/artifacts").as_uri()
    assert addresses(moved)
    assert all(f"{address}/".startswith(f"{root}/") for address in addresses(moved))
    shutil.rmtree(original, ignore_errors=True)
    (moved / "out.png").unlink()
    painted = stylefuse(moved, *PAINT)
    assert painted.returncode == 0, painted.stderr
    assert "moved or copied" not in painted.stderr


def test_a_copy_does_not_use_what_the_original_remembers(original):
    assert stylefuse(original, *PAINT).returncode == 0
    copy = original.with_name("copy")
    shutil.copytree(original, copy)
    for graph in (original / "mlflow/artifacts").rglob("decoder.onnx"):
        graph.write_bytes(b"of the original alone")
    assert stylefuse(copy, *PAINT).returncode == 0


def test_a_store_without_its_artifacts_is_left_alone(original):
    """Another folder may use the same registry with a copy of its parameters."""
    before = addresses(original)
    other = original.with_name("other")
    (other / "mlflow").mkdir(parents=True)
    shutil.copy(original / "params.yaml", other)
    shutil.copy(original / "mlflow/mlflow.db", other / "mlflow")
    assert stylefuse(other, "models").returncode == 0
    assert addresses(other) == before


def test_a_backup_is_loaded_into_another_folder(original, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(original)
    main(["backup", str(tmp_path / "registry.tar")])
    with tarfile.open(tmp_path / "registry.tar") as archive:
        assert not [name for name in archive.getnames() if "key" in name or "auth" in name]
    shutil.rmtree(original / "mlflow/artifacts")
    other = tmp_path / "other"
    other.mkdir()
    for name in ("params.yaml", "photo.jpg", "style.png"):
        shutil.copy(original / name, other)
    monkeypatch.chdir(other)
    main(["load-backup", str(tmp_path / "registry.tar")])
    (other / "mlflow/signing.key").write_bytes((original / "mlflow/signing.key").read_bytes())
    verified = verify(other)
    assert "version 1: unchanged" in verified.stdout, verified.stderr
    assert stylefuse(other, *PAINT).returncode == 0
    with pytest.raises(UserError) as error:
        load_backup(load_params().registry, tmp_path / "registry.tar")
    assert error.value.code == "store-exists"


def endless_view(folder):
    """A database in which MLflow's experiments are never all read."""
    path = folder / "view.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(
            "CREATE VIEW experiments AS WITH RECURSIVE r(name, artifact_location) AS "
            "(SELECT 'x', 'y' UNION ALL SELECT name || 'x', artifact_location FROM r) "
            "SELECT * FROM r"
        )
    return path.read_bytes()


def endless_trigger(folder):
    """A database that does not come to an end when an address in it is adapted."""
    path = folder / "trigger.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE experiments (name TEXT, artifact_location TEXT)")
        database.execute(
            "CREATE TRIGGER t AFTER UPDATE ON experiments BEGIN SELECT sum(x) FROM (WITH RECURSIVE "
            "r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x FROM r); END"
        )
    return path.read_bytes()


@pytest.mark.parametrize(
    "store", [lambda _: b"no database" * 100, endless_view, endless_trigger],
    ids=["no database", "a view", "a trigger"],
)  # fmt: skip
def test_a_backup_of_what_is_no_store_is_refused(original, tmp_path, monkeypatch, store):
    monkeypatch.chdir(original)
    params, file, path = load_params(), tmp_path / "odd.tar", tmp_path / "store"
    path.write_bytes(store(tmp_path))
    with tarfile.open(file, "w") as archive:
        archive.add(path, "mlflow.db")
    shutil.rmtree(original / "mlflow")
    with pytest.raises(UserError) as error:
        load_backup(params.registry, file)
    assert error.value.code == "backup-damaged"
    assert not (original / "mlflow/mlflow.db").exists()


def test_a_pipe_is_no_backup(original, tmp_path, monkeypatch):
    monkeypatch.chdir(original)
    params = load_params()
    shutil.rmtree(original / "mlflow")
    os.mkfifo(tmp_path / "pipe.tar")
    with pytest.raises(UserError) as error:
        load_backup(params.registry, tmp_path / "pipe.tar")
    assert error.value.code == "backup-damaged"


@pytest.mark.parametrize("content", [b"", b"no tar file", "escape"])
def test_what_is_no_backup_is_refused(original, tmp_path, monkeypatch, content):
    monkeypatch.chdir(original)
    params = load_params()
    file = tmp_path / "odd.tar"
    if content == "escape":
        with tarfile.open(file, "w") as archive:
            archive.add(original / "photo.jpg", "artifacts/../../../escaped.jpg")
    else:
        file.write_bytes(content)
    shutil.rmtree(original / "mlflow")
    with pytest.raises(UserError) as error:
        load_backup(params.registry, file)
    assert error.value.code == "backup-damaged"
    assert not list(tmp_path.rglob("escaped.jpg"))
    assert not (original / "mlflow/mlflow.db").exists()


def test_a_server_s_registry_is_not_backed_up(original, tmp_path, monkeypatch):
    monkeypatch.chdir(original)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(UserError) as error:
        back_up(load_params().registry, tmp_path / "registry.tar")
    assert error.value.code == "store-not-embedded"
