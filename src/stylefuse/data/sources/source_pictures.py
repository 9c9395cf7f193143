"""Every kind of picture source, opened as a stream of named pictures."""

import fnmatch
import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from stylefuse.config import Source
from stylefuse.data.sources.archives import (
    Member,
    deb_members,
    is_tar,
    refuse_huge,
    tar_members,
    zip_members,
)
from stylefuse.data.sources.copyrights import PackageCopyright
from stylefuse.data.sources.downloads import debian_package, python_package, url_file
from stylefuse.data.sources.puzzles import Puzzle, read_puzzles
from stylefuse.errors import UserError
from stylefuse.images.open import SUFFIXES, cut_square, open_picture

LINE = re.compile(r"(?P<path>.+?)(?P<square>(?: -?\d+){3})?")  # of a curated list

Square = tuple[int, ...]  # x, y of the upper left corner and side; empty for the whole picture


class SourcePicture(NamedTuple):
    """A picture as its source has it."""

    path: str  # inside the source; a square has `x y side` before the suffix
    data: bytes
    author: str
    licence: str


def pictures(source: Source) -> Iterator[SourcePicture]:
    """All pictures of a source that `pick` or `curated` admits, in a fixed order within a package.

    Raises:
        UserError: the source cannot be had, or a curated picture or square is not in it.
    """
    read = {"apt": _apt, "pypi": _pypi, "folder": _folder, "url": _url}[source.kind]
    wanted = _curated(source)
    missing = dict(wanted or {})
    for found in read(source, _admits(source, wanted)):
        if wanted is None:
            yield found
        for square in missing.pop(found.path, ()):
            yield _cut(found, square, f"{source.curated}: {_line(found.path, square)}")
    if missing:
        path = min(missing)
        raise UserError(
            f"{source.curated} names {len(missing)} picture(s) that source {source.name!r} does "
            f"not have, the first being {_line(path, missing[path][0])} (after a path, only "
            "x y side may follow, three whole numbers)"
        )


def _curated(source: Source) -> dict[str, list[Square]] | None:
    """The squares that are wanted of each member."""
    if source.curated is None:
        return None
    try:
        lines = source.curated.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(f"{source.curated} cannot be read: {error.strerror}") from None
    wanted: dict[str, list[Square]] = defaultdict(list)
    for line in dict.fromkeys(lines):
        if (parts := LINE.fullmatch(line)) and not line.startswith("#"):
            wanted[parts["path"]].append(tuple(map(int, (parts["square"] or "").split())))
    return wanted


def _line(path: str, square: Square) -> str:
    return " ".join([path, *map(str, square)])


def _cut(found: SourcePicture, square: Square, where: str) -> SourcePicture:
    """A square of a picture as PNG, or the picture as it is where the square is empty."""
    if not square:
        return found
    picture = open_picture(found.data, where)
    try:
        cut = cut_square(picture, *square)
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    png = io.BytesIO()
    cut.save(png, "PNG")
    path = PurePosixPath(found.path)
    name = _line(path.stem, square) + ".png"
    return found._replace(path=str(path.with_name(name)), data=png.getvalue())


def _admits(source: Source, wanted: dict[str, list[Square]] | None) -> Callable[[str], bool]:
    """Whether a member may hold wanted pictures: a picture itself, or a container of puzzles."""
    if wanted is not None:
        containers = {path.rpartition("/")[0] for path in wanted}
        return lambda path: path in wanted or (path.endswith(".rcc") and path in containers)

    def picked(path: str) -> bool:
        is_picture = Path(path).suffix.lower() in SUFFIXES or path.endswith(".rcc")
        return is_picture and any(fnmatch.fnmatchcase(path, pattern) for pattern in source.pick)

    return picked


def _apt(source: Source, admits: Callable[[str], bool]) -> Iterator[SourcePicture]:
    for package in source.packages:
        members = dict(deb_members(debian_package(package), package, admits))
        name = package.partition("=")[0]
        notice = members.pop(f"usr/share/doc/{name}/copyright", b"")
        rights = PackageCopyright(notice.decode("utf-8", "replace"))
        for path in sorted(members):
            if path.endswith(".rcc"):
                yield from _puzzles(path, members[path], rights)
            else:
                yield SourcePicture(path, members[path], *rights.of(path))


def _puzzles(path: str, container: bytes, rights: PackageCopyright) -> Iterator[SourcePicture]:
    """Old paintings, photographed: the work is in the public domain, the file has its licence."""
    for puzzle in _told(path, read_puzzles(container)):
        holder, licence = rights.of(puzzle.base.removeprefix("gcompris/") + "/image/")
        painter, comma, _ = puzzle.title.partition(", ")
        author = f"{painter} (file: {holder})" if comma else holder
        png = io.BytesIO()
        puzzle.picture.save(png, "PNG")
        yield SourcePicture(f"{path}/{puzzle.name}", png.getvalue(), author, licence)


def _told(path: str, puzzles: Iterator[Puzzle]) -> Iterator[Puzzle]:
    try:
        yield from puzzles
    except ValueError as error:
        raise UserError(f"{path} is no container of puzzles that can be read ({error})") from None


def _pypi(source: Source, admits: Callable[[str], bool]) -> Iterator[SourcePicture]:
    for package in source.packages:
        yield from _given_rights(source, zip_members(python_package(package)), admits)


def _folder(source: Source, admits: Callable[[str], bool]) -> Iterator[SourcePicture]:
    assert source.path
    folder = source.path.expanduser()
    if not folder.is_dir():
        raise UserError(f"source {source.name!r}: {folder} is no folder; mend path in params.yaml")
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    members = ((f.relative_to(folder).as_posix(), f.stat().st_size, f.read_bytes) for f in files)
    yield from _given_rights(source, members, admits)


def _url(source: Source, admits: Callable[[str], bool]) -> Iterator[SourcePicture]:
    assert source.url and source.sha256
    file = url_file(source.url, source.sha256)
    if zipfile.is_zipfile(file):
        members = zip_members(file)
    elif is_tar(file):
        members = tar_members(file)
    elif Path(name := source.url.rsplit("/", 1)[-1]).suffix.lower() not in SUFFIXES:
        raise UserError(f"{name} is neither a picture nor a zip or tar archive that can be read")
    else:
        members = iter([(name, file.stat().st_size, file.read_bytes)])
    yield from _given_rights(source, members, admits)


def _given_rights(
    source: Source, members: Iterator[Member], admits: Callable[[str], bool]
) -> Iterator[SourcePicture]:
    """Pictures whose author and licence only `params.yaml` can tell."""
    author, licence = source.author or "unknown", source.licence or "own"
    for path, size, read in members:
        if admits(path):
            refuse_huge(path, size)
            yield SourcePicture(path, read(), author, licence)
