"""Sources of every kind → pictures, manifest and attribution, whole or not at all."""

import io
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from stylefuse.config import Source, load_params
from stylefuse.data import ingest
from stylefuse.data.sources import downloads
from stylefuse.data.sources.copyrights import PackageCopyright
from stylefuse.data.sources.source_pictures import pictures
from stylefuse.errors import UserError
from stylefuse.images.open import open_picture
from tests.unit.test_config import SHIPPED


def png(seed: int, size=(48, 40)) -> bytes:
    """A picture unlike those of other seeds."""
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
    with pytest.raises(UserError, match="is no folder"):
        ingest.ingest(bad, root)
    pd.testing.assert_frame_equal(pd.read_parquet(root / "manifest.parquet"), before)
    assert not list(root.glob(".draft"))


def test_a_folder_without_pictures_is_named(folders):
    (folders / "empty").mkdir()
    with pytest.raises(UserError, match=r"'painting' has no pictures.*empty"):
        ingest.ingest(params_with(folder(folders / "empty", "painting")), folders / "data")


def test_archives_by_address_and_checksum(tmp_path, monkeypatch):
    import hashlib

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
    found = {}
    for name in ("set.zip", "set.tar.gz", "four.png"):
        file = tmp_path / name
        source = Source(
            name="web", domain="painting", kind="url", url=file.as_uri(),
            sha256=hashlib.sha256(file.read_bytes()).hexdigest(), pick=["*.png"],
            licence="CC0-1.0", author="A. Painter",
        )  # fmt: skip
        found |= {picture.path: picture for picture in pictures(source)}
    assert sorted(found) == ["a/one.png", "four.png", "skip/three.png", "two.png"]
    assert found["two.png"].data == png(2)
    assert {(f.author, f.licence) for f in found.values()} == {("A. Painter", "CC0-1.0")}


def test_a_changed_download_is_refused_and_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "CACHE", tmp_path / "cache")
    (tmp_path / "a.png").write_bytes(png(1))
    with pytest.raises(UserError, match="not the file that"):
        downloads.url_file((tmp_path / "a.png").as_uri(), "0" * 64)
    assert not list((tmp_path / "cache").glob("*.png"))


def test_a_download_that_breaks_off_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(downloads.time, "sleep", lambda _: None)
    tries = []

    def breaks_off(folder):
        tries.append(1)
        (folder / "half.whl.tmp").write_bytes(b"half")
        raise ConnectionError("connection reset")

    with pytest.raises(UserError, match="connection reset") as error:
        downloads._fetch("half*.whl", breaks_off, "half==1")
    assert error.value.exit_code == 75
    assert len(tries) == downloads.TRIES
    assert not list((tmp_path / "cache").iterdir())


def test_a_package_that_apt_does_not_have(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "CACHE", tmp_path / "cache")
    with pytest.raises(UserError, match=r"apt has no hello=0\.0\.1-none.*kind: folder"):
        downloads.debian_package("hello=0.0.1-none")


def test_a_machine_without_apt(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"has no apt-get.*kind: folder"):
        downloads.debian_package("hello=1")


def test_curated_pictures_must_be_there(folders):
    wanted = folders / "list.txt"
    wanted.write_text("# chosen by eye\nsub/3.png\nsub/999.png\n")
    source = folder(folders / "photos", "photograph").model_copy(update={"curated": wanted})
    with pytest.raises(UserError, match=r"1 picture\(s\).*sub/999\.png"):
        list(pictures(source))
    wanted.write_text("sub/3.png\n")
    assert [found.path for found in pictures(source)] == ["sub/3.png"]


@pytest.fixture
def curated(folders):
    """The pictures that a curated list of the photographs gives."""

    def pictures_of(*lines):
        (folders / "list.txt").write_text("\n".join(lines))
        source = folder(folders / "photos", "photograph")
        return list(pictures(source.model_copy(update={"curated": folders / "list.txt"})))

    return pictures_of


def test_curated_squares_are_cut_out_without_loss(curated):
    whole = np.asarray(open_picture(png(3)))
    two, one, plain = curated("sub/3.png 10 5 20", "sub/3.png 0 -8 30", "sub/4.png")
    assert two.path == "sub/3 10 5 20.png"
    np.testing.assert_array_equal(np.asarray(open_picture(two.data)), whole[5:25, 10:30])
    beyond = np.asarray(open_picture(one.data))
    assert (beyond[:8] == 128).all()
    np.testing.assert_array_equal(beyond[8:], whole[:22, :30])
    assert plain == (plain.path, png(4), plain.author, plain.licence)


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
    whole, square = curated("sub/an old 3 5.png", "sub/an old 3 5.png 1 2 30")
    assert whole.path == "sub/an old 3 5.png"
    assert square.path == "sub/an old 3 5 1 2 30.png"


@pytest.mark.parametrize(
    "line",
    [
        "3.png 48 0 20", "3.png 0 -20 20", "3.png 0 0 0", "3.png 9 9 -4", "3.png 0 0 200000",
        "3.png 1 2", "3.png 1 2 x", "3.png 1.5 2 30", "3.png 1 2 3 4",
    ],
)  # fmt: skip
def test_a_wrong_square_is_refused_with_its_line(curated, line):
    with pytest.raises(UserError, match=rf"list\.txt.*sub/{line}.*(48×40|three whole numbers)"):
        curated("sub/2.png", f"sub/{line}")


def test_a_damaged_picture_cannot_be_cut(folders, curated):
    (folders / "photos/torn.png").write_bytes(png(1)[:60])
    with pytest.raises(UserError, match=r"list\.txt: torn\.png 0 0 20"):
        curated("torn.png 0 0 20")


@pytest.mark.parametrize("file", sorted((SHIPPED.parent / "data/curated").iterdir()))
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
