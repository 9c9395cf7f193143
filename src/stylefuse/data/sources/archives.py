"""Reads zip, tar and Debian archives from untrusted sources within limits, without unpacking them.

Sizes in headers are not trusted: bytes are counted while they are read.
"""

import contextlib
import errno
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

MAX_FILE_BYTES = 200_000_000  # of one picture, unpacked
MAX_TOTAL_BYTES = 20_000_000_000  # of all files of an archive, unpacked
MAX_MEMBERS = 500_000
MAX_HEADER_BYTES = 1_000_000  # of a header that extends the next one, such as a long name
CHUNK_BYTES = 1 << 20
# of an OSError: that of a library has none, and a hostile offset is an invalid argument
DAMAGE = None, errno.EINVAL
EXTENDED_HEADERS = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE,
                    tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)  # fmt: skip
ENCRYPTED = 1  # a flag of a member of a zip archive
DRIVE = re.compile(r"[A-Za-z]:")

Member = tuple[str, int, Callable[..., bytes]]  # path in the source, bytes, function that reads it


class _LimitedTarInfo(tarfile.TarInfo):
    """A member of a tar archive; oversized extended headers are refused before they are read."""

    @classmethod
    def frombuf(cls, buf, encoding, errors):
        entry = super().frombuf(buf, encoding, errors)
        too_large = entry.type in EXTENDED_HEADERS and entry.size > MAX_HEADER_BYTES
        if entry.size < 0 or too_large:
            raise tarfile.ReadError(f"a header of {entry.size:,} bytes")
        return entry


@contextlib.contextmanager
def explain_damage(name: str) -> Iterator[None]:
    """Turn the errors of archive libraries, and of the system, into a UserError that names the
    archive."""
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError,
            RuntimeError, NotImplementedError, ValueError) as error:  # fmt: skip
        if isinstance(error, OSError) and error.errno not in DAMAGE:
            message = f"{name} cannot be read: {error.strerror}"
            raise UserError(message, code="archive-unreadable") from None
        reason = " ".join(str(error).split()) or type(error).__name__
        message = f"{name} is a damaged archive ({reason[:200]}); fetch it again"
        raise UserError(message, code="archive-damaged") from None


def refuse_large_file(path: str, size: int, max_bytes: int = MAX_FILE_BYTES) -> None:
    """Raise a UserError where a file is larger than `max_bytes`."""
    if size > max_bytes:
        message = f"{path} is {size:,} bytes, more than the {max_bytes:,} allowed"
        raise UserError(message, code="archive-too-large")


def zip_members(file: Path) -> Iterator[Member]:
    """The files of a zip archive, sorted by path.

    Raises:
        UserError: the archive is damaged or hostile; reading a member raises it, too.
    """
    with explain_damage(file.name), zipfile.ZipFile(file) as archive:
        limits = _Limits(file.name)
        for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
            limits.add(entry.filename, entry.file_size)
            if not entry.is_dir():
                yield entry.filename, entry.file_size, partial(_read_zip_entry, archive, entry)


def _read_zip_entry(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, max_bytes: int = MAX_FILE_BYTES
) -> bytes:
    path, data = entry.filename, bytearray()
    if entry.external_attr >> 28 == 0o12:
        raise _link_error(path)
    if entry.flag_bits & ENCRYPTED:
        message = f"{path} is encrypted; pack it again, without a password"
        raise UserError(message, code="archive-damaged")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        message = f"{path} has an unsupported compression; pack it again, with `zip`"
        raise UserError(message, code="archive-unsafe")
    with explain_damage(path), archive.open(entry) as file:
        while chunk := file.read(CHUNK_BYTES):
            data += chunk
            refuse_large_file(path, len(data), max_bytes)
        if len(data) != entry.file_size:
            raise EOFError("it is cut short")
    return bytes(data)


def is_tar(file: Path) -> bool:
    """Whether a file begins like a tar archive, compressed or not."""
    try:
        tarfile.open(file, tarinfo=_LimitedTarInfo).close()
        return True
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError):
        return False


def tar_members(file: Path) -> Iterator[Member]:
    """The files of a tar archive, sorted by path.

    Raises:
        UserError: the archive is damaged or hostile; reading a member raises it, too.
    """
    with explain_damage(file.name), tarfile.open(file, tarinfo=_LimitedTarInfo) as archive:
        limits, entries = _Limits(file.name), []
        for entry in archive:
            limits.add(entry.name, entry.size)
            if not entry.isdir():
                entries.append(entry)
        for entry in sorted(entries, key=lambda entry: entry.name):
            yield entry.name, entry.size, partial(_read_tar_entry, archive, entry)


def deb_members(
    deb: Path, package: str, selects: Callable[[str], bool]
) -> Iterator[tuple[str, bytes]]:
    """The selected files of a Debian package and its copyright file; links are skipped.

    Args:
        deb: the package file.
        package: its name, for messages.
        selects: whether to read the file at a path.

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
            "(kind: folder in params.yaml)",
            code="dpkg-missing",
        ) from None
    assert unpacker.stdout
    assert unpacker.stderr
    with unpacker, explain_damage(package):
        try:
            yield from _read_tar_stream(unpacker.stdout, package, selects)
        finally:
            unpacker.stdout.close()
            message = unpacker.stderr.read().decode("utf-8", "replace").strip()
        if unpacker.wait():
            raise EOFError(message or "it is cut short")


def _read_tar_stream(
    stream: IO[bytes], package: str, selects: Callable[[str], bool]
) -> Iterator[tuple[str, bytes]]:
    limits = _Limits(package)
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_LimitedTarInfo) as archive:
        for entry in archive:
            limits.add(entry.name, entry.size)
            path = entry.name.removeprefix("./")
            if entry.isfile() and (selects(path) or path.endswith("/copyright")):
                yield path, _read_tar_entry(archive, entry)
    while stream.read(CHUNK_BYTES):  # dpkg-deb fails if its output is not read to the end
        pass


def _read_tar_entry(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    refuse_large_file(entry.name, entry.size)
    if not entry.isfile():
        raise _link_error(entry.name)
    with explain_damage(entry.name):
        file = archive.extractfile(entry)
        data = file.read() if file else b""
        if len(data) != entry.size:
            raise EOFError("it is cut short")
    return data


def _link_error(path: str) -> UserError:
    message = f"{path} is a link or a device; put the picture itself into the archive"
    return UserError(message, code="archive-unsafe")


class _Limits:
    """Checks each member's path, and the number and total size of all members of an archive."""

    def __init__(self, archive: str):
        self._archive, self._members, self._bytes = archive, 0, 0

    def add(self, path: str, size: int) -> None:
        """Count a member.

        Raises:
            UserError: its path leads out of the archive, or the archive is too large.
        """
        if size < 0:
            message = f"{self._archive} holds {path!r} of {size} bytes, which is not a size"
            raise UserError(message, code="archive-damaged")
        parts = PurePosixPath(path.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or DRIVE.match(path):
            message = f"{self._archive} holds {path!r}, which leads out of the archive"
            raise UserError(message, code="archive-unsafe")
        self._members, self._bytes = self._members + 1, self._bytes + size
        if self._members > MAX_MEMBERS or self._bytes > MAX_TOTAL_BYTES:
            raise UserError(
                f"{self._archive} holds more than {MAX_MEMBERS:,} files or "
                f"{MAX_TOTAL_BYTES:,} bytes",
                code="archive-too-large",
            )
