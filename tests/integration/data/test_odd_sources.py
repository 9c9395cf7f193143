"""Sources with odd names, leftovers of systems and archives of odd kinds."""

import hashlib
import io
import os
import warnings
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from stylefuse.config import Source
from stylefuse.data import ingest
from stylefuse.data.sources import downloads
from stylefuse.errors import UserError
from tests.integration.data.test_ingest import folder, params_with, png

SIZE = 160, 140
ODD_NAMES = [
    "new\nline.png", "back\\slash.png", "bell\x07.png", "\u202egnp.exe.png", "e\u0301.png",
    "\u00e9.png", "A.png", "a.png", "dot..png", " .png", "*.png", "[l](x).png", 'a,b"c.png',
    "caf\udce9.png", "x" * 251 + ".png", "sub/" + "y" * 251 + ".png", "other/" + "y" * 251 + ".png",
]  # fmt: skip
LEFTOVERS = ["@eaDir/a.png/S.png", "$RECYCLE.BIN/b.png", "__MACOSX/._a.png", ".AppleDouble/a.png",
             "System Volume Information/x.png", "._a.png"]  # fmt: skip


@pytest.fixture
def art(tmp_path, monkeypatch):
    """A folder of paintings, beside which the photographs of a test are ingested."""
    monkeypatch.setattr(downloads, "CACHE", tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "art", [f"{seed}.png" for seed in range(5)], first=100)
    return tmp_path


def write(root: Path, names, first=0):
    for seed, name in enumerate(names, first):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(seed, SIZE))


def ingested(source, **data) -> pd.DataFrame:
    """The photographs of the manifest; all files are where it says."""
    paintings = folder(Path("art"), "painting")
    manifest = ingest.ingest(params_with(source, paintings, **data))
    assert manifest.path.is_unique
    assert all(map(os.path.isfile, manifest.path))
    return manifest[manifest.domain == "photograph"]


def archive(data: bytes, name="set.zip") -> Source:
    Path(name).write_bytes(data)
    return Source(
        name="web", domain="photograph", kind="url", url=Path(name).resolve().as_uri(),
        sha256=hashlib.sha256(data).hexdigest(),
    )  # fmt: skip


def zipped(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(file, "w") as target:
        for name, data in members:
            target.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize("on_bad", ["fail", "leave_out"])
def test_pictures_with_odd_names_are_all_ingested(art, on_bad):
    write(art / "photos", [*ODD_NAMES, *LEFTOVERS])
    photographs = ingested(folder(art / "photos", "photograph"), on_bad=on_bad)
    expected = [name.replace("\udce9", "\\udce9") for name in ODD_NAMES]
    assert sorted(photographs.member) == sorted(expected)


def test_pictures_behind_links_are_read_and_loops_and_devices_are_not(art):
    write(art / "photos", ["a.png"])
    for name, target in (("loop.png", "loop.png"), ("zero.png", "/dev/zero"), ("self", "."),
                         ("dead.png", "nothing"), ("link.png", "../art/0.png")):  # fmt: skip
        (art / "photos" / name).symlink_to(target)
    os.mkfifo(art / "photos/pipe.png")
    assert sorted(ingested(folder(art / "photos", "photograph")).member) == ["a.png", "link.png"]


@pytest.mark.parametrize("on_bad", ["fail", "leave_out"])
def test_members_of_an_archive_with_odd_names(art, on_bad):
    names = ["d.png", "d.png", "d.png", "D.png", "./e.png", "n\new.png", "x" * 300 + ".png"]
    data = [(name, png(seed, SIZE)) for seed, name in enumerate([*names, *LEFTOVERS])]
    assert len(ingested(archive(zipped(*data)), on_bad=on_bad)) == len(names)


def test_an_encrypted_member_is_called_encrypted(art):
    data = bytearray(zipped(("secret.png", png(0, SIZE))))
    for name, place in ((data.index(b"secret"), -24), (data.rindex(b"secret"), -38)):
        data[name + place] |= 1
    with pytest.raises(UserError, match=r"secret\.png is encrypted; pack it again"):
        ingested(archive(bytes(data)))


def test_the_query_of_an_address_is_no_part_of_a_name(art):
    source = archive(png(0, SIZE), "a b.png")
    with_query = source.model_copy(update={"url": f"{source.url}?raw=1"})
    Path("a b.png").rename("a b.png?raw=1")  # a file's address has no query
    assert list(ingested(with_query).member) == ["a b.png"]


@pytest.mark.parametrize("path", ["/nothing/x.zip", "/tmp"])
def test_a_file_that_is_missing_is_not_tried_again(art, path, monkeypatch):
    monkeypatch.setattr(downloads.time, "sleep", lambda _: pytest.fail("it is tried again"))
    source = Source(
        name="web", domain="photograph", kind="url", url=f"file://{path}", sha256="0" * 64
    )
    with pytest.raises(UserError, match="cannot be read") as error:
        ingested(source)
    assert error.value.code == "url-not-found"


def test_the_home_of_nobody_is_no_folder(art):
    with pytest.raises(UserError, match="is not a folder") as error:
        ingested(folder(Path("~no-such-user/photos"), "photograph"))
    assert error.value.code == "source-folder-missing"
