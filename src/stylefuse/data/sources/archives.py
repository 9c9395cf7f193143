"""Archives that others made, read within limits; nothing is unpacked to disk by a name of theirs.

What a header says of a size is a promise: bytes are counted as they come.
"""

import contextlib
import lzma
import re
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from stylefuse.errors import UserError

MOST_BYTES = 200_000_000  # of one picture, unpacked
MOST_IN_ALL = 20_000_000_000  # bytes of all that an archive holds
MOST_MEMBERS = 500_000
MOST_HEADER = 1_000_000  # bytes that say what follows: the name, most often
CHUNK = 1 << 20
NAMES = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE,
         tarfile.SOLARIS_XHDTYPE)  # fmt: skip
DRIVE = re.compile(r"[A-Za-z]:")

Member = tuple[str, int, Callable[..., bytes]]  # path inside the source, bytes, how to read it


class _Entry(tarfile.TarInfo):
    """A member of a tar archive; a name that is too long to be one is not read."""

    @classmethod
    def frombuf(cls, buf, encoding, errors):
        entry = super().frombuf(buf, encoding, errors)
        if entry.size < 0 or (entry.type in NAMES and entry.size > MOST_HEADER):
            raise tarfile.ReadError(f"a header of {entry.size:,} bytes")
        return entry


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Let an archive that cannot be read end in one sentence."""
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError,
            RuntimeError, NotImplementedError, ValueError) as error:  # fmt: skip
        why = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{what} is a damaged archive ({why[:200]}); fetch it again") from None


def refuse_huge(path: str, size: int, most: int = MOST_BYTES) -> None:
    """Raise a UserError where a picture would be larger than one should be."""
    if size > most:
        raise UserError(f"{path} is {size:,} bytes, more than a picture should be ({most:,})")


def zip_members(file: Path) -> Iterator[Member]:
    """The files of a zip archive, sorted by path.

    Raises:
        UserError: it is damaged or hostile; so does reading a member.
    """
    with told(file.name), zipfile.ZipFile(file) as archive:
        count = _Count(file.name)
        for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
            count.add(entry.filename, entry.file_size)
            if not entry.is_dir():
                yield entry.filename, entry.file_size, partial(read_member, archive, entry)


def read_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int = MOST_BYTES) -> bytes:
    """A member of a zip archive, which ends where its header says.

    Raises:
        UserError: it is damaged, a link, encrypted, or larger than `most` bytes.
    """
    path, data = entry.filename, bytearray()
    if entry.external_attr >> 28 == 0o12:
        raise UserError(f"{path} is a link; put the picture itself into the archive")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UserError(f"{path} is packed in an uncommon way; pack it again, with `zip`")
    with told(path), archive.open(entry) as file:
        while chunk := file.read(CHUNK):
            data += chunk
            refuse_huge(path, len(data), most)
        if len(data) != entry.file_size:
            raise EOFError("it is cut short")
    return bytes(data)


def is_tar(file: Path) -> bool:
    """Whether a file begins as a tar archive does, packed or not."""
    try:
        tarfile.open(file, tarinfo=_Entry).close()
        return True
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError):
        return False


def tar_members(file: Path) -> Iterator[Member]:
    """The files of a tar archive, sorted by path.

    Raises:
        UserError: it is damaged or hostile; so does reading a member.
    """
    with told(file.name), tarfile.open(file, tarinfo=_Entry) as archive:
        count, entries = _Count(file.name), []
        for entry in archive:
            count.add(entry.name, entry.size)
            if not entry.isdir():
                entries.append(entry)
        for entry in sorted(entries, key=lambda entry: entry.name):
            yield entry.name, entry.size, partial(_read_entry, archive, entry)


def deb_members(
    deb: Path, package: str, admits: Callable[[str], bool]
) -> Iterator[tuple[str, bytes]]:
    """Wanted files of a Debian package and its copyright file; links are passed over.

    Raises:
        UserError: `dpkg-deb` is missing, or the package is damaged or hostile.
    """
    try:
        unpacker = subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except FileNotFoundError:
        raise UserError(
            f"{package} cannot be unpacked: dpkg-deb is missing; use a folder of your own "
            "(kind: folder in params.yaml)"
        ) from None
    assert unpacker.stdout
    assert unpacker.stderr
    with unpacker, told(package):
        try:
            yield from _streamed(unpacker.stdout, package, admits)
        finally:
            unpacker.stdout.close()
            said = unpacker.stderr.read().decode("utf-8", "replace")
        if unpacker.wait():
            raise EOFError(said.strip() or "it is cut short")


def _streamed(
    stream: IO[bytes], package: str, admits: Callable[[str], bool]
) -> Iterator[tuple[str, bytes]]:
    count = _Count(package)
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Entry) as archive:
        for entry in archive:
            count.add(entry.name, entry.size)
            path = entry.name.removeprefix("./")
            if entry.isfile() and (admits(path) or path.endswith("/copyright")):
                yield path, _read_entry(archive, entry)
    while stream.read(CHUNK):  # or dpkg-deb would end with an error
        pass


def _read_entry(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    refuse_huge(entry.name, entry.size)
    if not entry.isfile():
        raise UserError(f"{entry.name} is a link; put the picture itself into the archive")
    with told(entry.name):
        file = archive.extractfile(entry)
        data = file.read() if file else b""
        if len(data) != entry.size:
            raise EOFError("it is cut short")
    return data


class _Count:
    """Keeps an archive's members within the limits of all of them, and their paths inside it."""

    def __init__(self, archive: str):
        self._archive, self._members, self._bytes = archive, 0, 0

    def add(self, path: str, size: int) -> None:
        if size < 0:
            raise UserError(f"{self._archive} holds {path!r} of {size} bytes, which cannot be")
        parts = PurePosixPath(path.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or DRIVE.match(path):
            raise UserError(f"{self._archive} holds {path!r}, which leads out of the archive")
        self._members, self._bytes = self._members + 1, self._bytes + size
        if self._members > MOST_MEMBERS or self._bytes > MOST_IN_ALL:
            raise UserError(
                f"{self._archive} holds more than {MOST_MEMBERS:,} files or {MOST_IN_ALL:,} bytes"
            )
