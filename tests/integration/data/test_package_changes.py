"""A changed package stops ingest with the differences, until the change is accepted."""

import zipfile

import pytest

from stylefuse.config import Source
from stylefuse.data import ingest
from stylefuse.data.sources import downloads
from stylefuse.errors import UserError
from tests.integration.data.test_ingest import params_with, png

PACKAGE = "art==1.0"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project that has ingested a cached package of twelve pictures."""
    monkeypatch.setattr(downloads, "CACHE", tmp_path / "cache")
    (tmp_path / "cache").mkdir()
    publish(tmp_path, {f"{seed}.png": png(seed) for seed in range(12)})
    source = Source(name="art", domain="painting", kind="pypi", packages=[PACKAGE], pick=["*.png"])
    params = params_with(source)
    ingest.ingest(params, tmp_path / "data")
    return tmp_path, params


def publish(folder, files):
    with zipfile.ZipFile(folder / "cache/art-1.0-py3-none-any.whl", "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)


def test_a_new_package_is_added_to_the_lock_file(project):
    folder, params = project
    (line,) = (folder / "data/sources.lock").read_text().splitlines()
    digest, name = line.split("  ")
    assert (len(digest), name) == (64, PACKAGE)
    before = (folder / "data/sources.lock").stat().st_mtime_ns
    ingest.ingest(params, folder / "data")
    assert (folder / "data/sources.lock").stat().st_mtime_ns == before


def test_a_changed_package_stops_ingest_with_the_differences(project):
    folder, params = project
    before = (folder / "data/manifest.parquet").read_bytes()
    changed = {f"{seed}.png": png(seed) for seed in range(1, 11)}  # 0 and 11 are gone
    publish(folder, changed | {"5.png": png(500), "new.png": png(600)})
    with pytest.raises(UserError) as error:
        ingest.ingest(params, folder / "data")
    assert (error.value.exit_code, error.value.code) == (10, "package-changed")
    lines = [line.strip() for line in str(error.value).splitlines()]
    assert lines[1].startswith(f"{PACKAGE}: sha256 was ")
    assert lines[2:7] == [
        "source art: 12 pictures before, 11 now", "+ new.png", "- 0.png", "- 11.png", "~ 5.png"
    ]  # fmt: skip
    assert "--accept" in lines[-1]
    assert str(folder / "cache/art-1.0-py3-none-any.whl") in lines[-1]
    assert (folder / "data/manifest.parquet").read_bytes() == before
    assert len(list((folder / "data/pictures").rglob("*.png"))) == 12

    manifest = ingest.ingest(params, folder / "data", accept=True)
    assert len(manifest) == 11
    ingest.ingest(params, folder / "data")


def test_without_a_manifest_the_checksum_alone_stops_ingest(project):
    folder, params = project
    (folder / "data/manifest.parquet").unlink()
    publish(folder, {"1.png": png(1)})
    with pytest.raises(UserError, match=rf"1 package.*\n  {PACKAGE}: sha256 was .*\nIf ") as error:
        ingest.ingest(params, folder / "data")
    assert error.value.code == "package-changed"


def test_a_damaged_download_is_named(project):
    folder, params = project
    wheel = folder / "cache/art-1.0-py3-none-any.whl"
    wheel.write_bytes(wheel.read_bytes()[:200])
    with pytest.raises(UserError) as error:
        ingest.ingest(params, folder / "data")
    assert error.value.code == "package-changed"
    assert "source art cannot be read any more: " in str(error.value)
    assert f"delete it to fetch it again: {wheel}" in str(error.value)


def test_a_damaged_lock_file_is_refused(project):
    folder, params = project
    (folder / "data/sources.lock").write_text("<<<<<<<\n")
    with pytest.raises(UserError) as error:
        ingest.ingest(params, folder / "data")
    assert error.value.code == "sources-lock-damaged"
