"""Ingest: sources of every kind give pictures, manifest, attribution; failures change nothing."""

import hashlib
import io
import os
import re
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from stylefuse.config import Source, load_params
from stylefuse.data import ingest, picture_index
from stylefuse.data.sources import downloads
from stylefuse.data.sources.copyrights import PackageCopyright
from stylefuse.data.sources.read import read_source
from stylefuse.errors import UserError
from stylefuse.images.open import open_picture
from tests.unit.test_config import SHIPPED


def png(seed: int, size=(48, 40)) -> bytes:
    """A picture that differs from those of other seeds."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def folders(tmp_path):
    for domain, seeds in (("photos", range(20)), ("art", range(100, 112))):
        (tmp_path / domain / "sub").mkdir(parents=True)
        for seed in seeds:
            (tmp_path / domain / "sub" / f"{seed}.png").write_bytes(png(seed))
    (tmp_path / "photos/notes.txt").write_text("no picture")
    return tmp_path


def params_with(*sources, **data):
    shipped = load_params(SHIPPED)
    fields = {"sources": list(sources), "networks": {}, **data}
    return shipped.model_copy(update={"data": shipped.data.model_copy(update=fields)})


def folder(path, domain, name=None):
    return Source(name=name or domain, domain=domain, kind="folder", path=path)


def both(folders):
    return params_with(
        folder(folders / "photos", "photograph"), folder(folders / "art", "painting")
    )


def test_two_folders_are_all_it_takes(folders):
    manifest = ingest.ingest(both(folders), folders / "data")
    assert manifest.domain.value_counts().to_dict() == {"photograph": 20, "painting": 12}
    assert set(manifest.split) == {"train", "validation", "test"}
    assert manifest.decodes.all()
    assert set(manifest.licence) == {"own"}
    first = manifest.iloc[0]
    assert (folders / "data/pictures/painting/painting" / first.path.rsplit("/", 1)[1]).is_file()
    assert (first.width, first.height, first["mode"], first.format) == (48, 40, "RGB", "PNG")
    stored = pd.read_parquet(folders / "data/manifest.parquet")
    pd.testing.assert_frame_equal(stored, manifest)
    text = (folders / "data/ATTRIBUTION.md").read_text()
    assert all(path.rsplit("/", 1)[1] in text for path in manifest.path)


def test_the_same_sources_give_the_same_bytes(folders, monkeypatch):
    for name in ("one", "two"):
        (folders / name).mkdir()
        monkeypatch.chdir(folders / name)
        ingest.ingest(both(folders))
    for file in ("ATTRIBUTION.md", "manifest.parquet"):
        one, two = (folders / name / "data" / file for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def rewrite(file, seed):
    """Give a file the content of another picture, but leave its size and time as they are."""
    status, data = file.stat(), png(seed)[: file.stat().st_size].ljust(file.stat().st_size, b"\0")
    file.write_bytes(data)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def kept_bytes(root, file):
    return next((root / "pictures").rglob(file.name)).read_bytes()


def test_files_of_the_same_size_and_time_are_not_read_again(folders):
    root, file = folders / "data", folders / "photos/sub/3.png"
    before = ingest.ingest(both(folders), root)
    manifest = (root / "manifest.parquet").read_bytes()
    rewrite(file, 700)  # nobody could see it
    after = ingest.ingest(both(folders), root)
    assert kept_bytes(root, file) == png(3)
    pd.testing.assert_frame_equal(after, before)
    assert (root / "manifest.parquet").read_bytes() == manifest
    os.utime(file)
    ingest.ingest(both(folders), root)
    assert kept_bytes(root, file) == file.read_bytes()


def test_files_are_read_again_where_the_ingested_ones_have_changed_or_are_gone(folders):
    root, file = folders / "data", folders / "photos/sub/3.png"
    before = ingest.ingest(both(folders), root)
    (root / "pictures/photograph/photograph/3.png").write_bytes(b"changed")
    (root / "pictures/photograph/photograph/4.png").unlink()
    pd.testing.assert_frame_equal(ingest.ingest(both(folders), root), before)
    assert kept_bytes(root, file) == png(3)


def test_files_are_read_again_by_other_code(folders, monkeypatch):
    root, file = folders / "data", folders / "photos/sub/3.png"
    ingest.ingest(both(folders), root)
    rewrite(file, 700)
    monkeypatch.setattr(picture_index, "_reader", lambda: "a later version")
    ingest.ingest(both(folders), root)
    assert kept_bytes(root, file) == file.read_bytes()


def test_a_damaged_index_only_means_that_all_is_read(folders):
    root = folders / "data"
    before = ingest.ingest(both(folders), root)
    (root / ".index.sqlite").write_bytes(b"no database")
    pd.testing.assert_frame_equal(ingest.ingest(both(folders), root), before)


def test_a_damaged_picture_is_kept_for_validation_to_name(folders):
    (folders / "photos/torn.jpg").write_bytes(png(1)[:60])
    manifest = ingest.ingest(both(folders), folders / "data")
    torn = manifest[~manifest.decodes]
    assert [path.rsplit("/", 1)[1] for path in torn.path] == ["torn.jpg"]
    assert "damaged" in torn.error.iloc[0] or "no picture" in torn.error.iloc[0]


def test_two_pictures_of_one_name_are_both_kept(folders):
    (folders / "art/other").mkdir()
    (folders / "art/other/100.png").write_bytes(png(500))
    manifest = ingest.ingest(both(folders), folders / "data")
    assert manifest.path.is_unique
    assert (manifest.domain == "painting").sum() == 13


def test_a_failure_leaves_what_was_there(folders):
    root = folders / "data"
    before = ingest.ingest(both(folders), root)
    bad = params_with(
        folder(folders / "photos", "photograph"), folder(folders / "none", "painting")
    )
    with pytest.raises(UserError) as error:
        ingest.ingest(bad, root)
    assert error.value.code == "source-folder-missing"
    pd.testing.assert_frame_equal(pd.read_parquet(root / "manifest.parquet"), before)
    assert not list(root.glob(".draft"))


def test_a_folder_without_pictures_is_named(folders):
    (folders / "empty").mkdir()
    with pytest.raises(UserError, match=r"'painting' has no pictures.*empty") as error:
        ingest.ingest(params_with(folder(folders / "empty", "painting")), folders / "data")
    assert error.value.code == "source-empty"


def test_archives_by_address_and_checksum(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "CACHE", tmp_path / "cache")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a/one.png", png(1))
        archive.writestr("readme.txt", "text")
    with tarfile.open(tmp_path / "set.tar.gz", "w:gz") as archive:
        for name, seed in (("two.png", 2), ("skip/three.png", 3)):
            entry = tarfile.TarInfo(name)
            entry.size = len(png(seed))
            archive.addfile(entry, io.BytesIO(png(seed)))
    (tmp_path / "four.png").write_bytes(png(4))
    by_path = {}
    (tmp_path / "set.zip").rename(tmp_path / "set[1].zip")
    for name in ("set[1].zip", "set.tar.gz", "four.png"):
        file = tmp_path / name
        source = Source(
            name="web", domain="painting", kind="url", url=file.as_uri(),
            sha256=hashlib.sha256(file.read_bytes()).hexdigest(), pick=["*.png"],
            licence="CC0-1.0", author="A. Painter",
        )  # fmt: skip
        by_path |= {picture.path: picture for picture in read_source(source)}
    assert sorted(by_path) == ["a/one.png", "four.png", "skip/three.png", "two.png"]
    assert by_path["two.png"].data == png(2)
    assert {(p.author, p.licence) for p in by_path.values()} == {("A. Painter", "CC0-1.0")}


def test_a_changed_download_is_refused_and_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "CACHE", tmp_path / "cache")
    (tmp_path / "a.png").write_bytes(png(1))
    with pytest.raises(UserError) as error:
        downloads.url_file((tmp_path / "a.png").as_uri(), "0" * 64)
    assert error.value.code == "checksum-mismatch"
    assert not list((tmp_path / "cache").glob("*.png"))


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"MAX_DOWNLOAD_BYTES": 10}, "download-too-large"),
        ({"URL_TIMEOUT_S": 0, "MIN_BYTES_PER_S": 10**12}, "download-failed"),
    ],
    ids=["too large", "too slow"],
)
def test_a_download_is_limited_before_its_checksum_is_known(tmp_path, monkeypatch, limits, code):
    monkeypatch.setattr(downloads, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(downloads.time, "sleep", lambda _: None)
    (tmp_path / "a.png").write_bytes(png(1))
    url = (tmp_path / "a.png").as_uri()
    for name, value in limits.items():
        monkeypatch.setattr(downloads, name, value)
    with pytest.raises(UserError) as error:
        downloads.url_file(url, "0" * 64)
    assert error.value.code == code
    assert not list((tmp_path / "cache").iterdir())


def test_a_download_that_breaks_off_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(downloads.time, "sleep", lambda _: None)
    tries = []

    def breaks_off(folder):
        tries.append(1)
        (folder / "half.whl.tmp").write_bytes(b"half")
        raise ConnectionError("connection reset")

    with pytest.raises(UserError) as error:
        downloads._fetch("half*.whl", breaks_off, "half==1")
    assert (error.value.exit_code, error.value.code) == (75, "download-failed")
    assert str(error.value) == "half==1 cannot be fetched: connection reset"
    assert len(tries) == downloads.MAX_TRIES
    assert not list((tmp_path / "cache").iterdir())


def test_a_package_that_apt_does_not_have(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "CACHE", tmp_path / "cache")
    with pytest.raises(UserError, match=r"hello=0\.0\.1-none") as error:
        downloads.debian_package("hello=0.0.1-none")
    assert error.value.code == "package-missing"


def test_a_machine_without_apt(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError) as error:
        downloads.debian_package("hello=1")
    assert error.value.code == "apt-missing"


def test_curated_pictures_must_be_there(folders):
    file = folders / "list.txt"
    file.write_text("# chosen by eye\nsub/3.png\nsub/999.png\n")
    source = folder(folders / "photos", "photograph").model_copy(update={"curated": file})
    with pytest.raises(UserError, match=r"1 picture\(s\).*sub/999\.png") as error:
        list(read_source(source))
    assert error.value.code == "curated-picture-missing"
    file.write_text("sub/3.png\n")
    assert [picture.path for picture in read_source(source)] == ["sub/3.png"]
    file.unlink()
    with pytest.raises(UserError) as error:
        list(read_source(source))
    assert error.value.code == "curated-list-unreadable"


@pytest.fixture
def curated(folders):
    """A function: lines of a curated list of the photographs → the pictures that it gives."""

    def pictures_of(*lines):
        (folders / "list.txt").write_text("\n".join(lines))
        source = folder(folders / "photos", "photograph")
        return list(read_source(source.model_copy(update={"curated": folders / "list.txt"})))

    return pictures_of


def test_curated_squares_are_cut_out_without_loss(curated):
    original = np.asarray(open_picture(png(3)))
    inside, beyond, uncut = curated("sub/3.png 10 5 20", "sub/3.png 0 -8 30", "sub/4.png")
    assert inside.path == "sub/3 10 5 20.png"
    np.testing.assert_array_equal(np.asarray(open_picture(inside.read())), original[5:25, 10:30])
    square = np.asarray(open_picture(beyond.read()))
    assert (square[:8] == 128).all()
    np.testing.assert_array_equal(square[8:], original[:22, :30])
    assert (uncut.path, uncut.read()) == ("sub/4.png", png(4))


def test_squares_of_one_picture_and_of_one_name_are_all_kept(folders):
    (folders / "photos/other").mkdir()
    (folders / "photos/other/3.png").write_bytes(png(500))
    (folders / "list.txt").write_text(
        "sub/3.png 0 0 20\nsub/3.png 4 0 20\nother/3.png 0 0 20\nsub/3.png 0 0 20"
    )
    source = folder(folders / "photos", "photograph")
    source = source.model_copy(update={"curated": folders / "list.txt"})
    manifest = ingest.ingest(params_with(source), folders / "data")
    assert len(manifest) == manifest.path.nunique() == manifest.sha256.nunique() == 3
    assert set(manifest.width) == set(manifest.height) == {20}
    assert "3_4_0_20.png" in {path.rsplit("/", 1)[1] for path in manifest.path}


def test_spaces_belong_to_a_path_up_to_the_three_numbers(folders, curated):
    (folders / "photos/sub/an old 3 5.png").write_bytes(png(600))
    picture, square = curated("sub/an old 3 5.png", "sub/an old 3 5.png 1 2 30")
    assert picture.path == "sub/an old 3 5.png"
    assert square.path == "sub/an old 3 5 1 2 30.png"


@pytest.mark.parametrize(
    "line",
    [
        "3.png 48 0 20", "3.png 0 -20 20", "3.png 0 0 0", "3.png 9 9 -4", "3.png 0 0 200000",
        "3.png 1 2", "3.png 1 2 x", "3.png 1.5 2 30", "3.png 1 2 3 4",
    ],
)  # fmt: skip
def test_a_wrong_square_is_refused_with_its_line(curated, line):
    with pytest.raises(UserError, match=rf"list\.txt.*sub/{line}") as error:
        curated("sub/2.png", f"sub/{line}")
    is_square = re.fullmatch(r"\S+( -?\d+){3}", line)
    assert error.value.code == (
        "curated-square-outside" if is_square else "curated-picture-missing"
    )


def test_a_damaged_picture_cannot_be_cut(folders, curated):
    (folders / "photos/torn.png").write_bytes(png(1)[:60])
    with pytest.raises(UserError, match=r"list\.txt: torn\.png 0 0 20"):
        curated("torn.png 0 0 20")


@pytest.mark.parametrize("file", sorted((SHIPPED.parent / "data/curated").glob("*.txt")))
def test_the_shipped_lists_are_sorted_and_name_nothing_twice(file):
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    assert lines == sorted(set(lines))


DEP5 = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2020 The Project
License: GPL-3+

Files: images/land/*
Copyright: Various
License: public-domain

Files: images/land/*-ann*
Copyright: Ann
License: CC-BY-SA-4.0
"""


def test_rights_come_from_the_most_specific_paragraph():
    rights = PackageCopyright(DEP5)
    base = "usr/share/games/thing/"
    assert rights.of(base + "images/land/a.jpg") == ("Various", "public-domain")
    assert rights.of(base + "images/land/b-ann.jpg") == ("Ann", "CC-BY-SA-4.0")
    assert rights.of(base + "other.png") == ("2020 The Project", "GPL-3+")


def test_rights_in_prose():
    text = (
        "Upstream Author: Jo Painter <jo@example.org>\n\nyou can redistribute it under the terms "
        "of the GNU General Public License version 2\nor at your option any later\nversion."
    )
    assert PackageCopyright(text).of("x") == ("Jo Painter and the contributors", "GPL-2+")
    assert PackageCopyright("no words of a licence").of("x") == ("unknown", "unknown")
