"""Pictures from Debian packages, with the author and licence from each package's copyright file."""

import io
from collections.abc import Iterator

from stylefuse.config import Source
from stylefuse.data.sources.archives import deb_members
from stylefuse.data.sources.copyrights import PackageCopyright
from stylefuse.data.sources.downloads import debian_package
from stylefuse.data.sources.picture import PathFilter, SourcePicture
from stylefuse.data.sources.puzzles import read_puzzles
from stylefuse.errors import UserError


def read_apt(source: Source, selects: PathFilter) -> Iterator[SourcePicture]:
    """The selected pictures of a source's Debian packages, sorted by path within a package."""
    for package in source.packages:
        members = dict(deb_members(debian_package(package), package, selects))
        name = package.partition("=")[0]
        text = members.pop(f"usr/share/doc/{name}/copyright", b"")
        rights = PackageCopyright(text.decode("utf-8", "replace"))
        for path in sorted(members):
            if path.endswith(".rcc"):
                yield from puzzle_pictures(path, members[path], rights)
            else:
                yield SourcePicture(path, members[path], *rights.of(path))


def puzzle_pictures(
    path: str, container: bytes, rights: PackageCopyright
) -> Iterator[SourcePicture]:
    """The assembled puzzles of a container, as PNG.

    The paintings are in the public domain and their photographs have the package's licence, so
    that the author names the painter and the holder of the file's rights.

    Raises:
        UserError: the container is damaged or hostile.
    """
    try:
        for puzzle in read_puzzles(container):
            holder, licence = rights.of(puzzle.base.removeprefix("gcompris/") + "/image/")
            painter, comma, _ = puzzle.title.partition(", ")
            author = f"{painter} (file: {holder})" if comma else holder
            png = io.BytesIO()
            puzzle.picture.save(png, "PNG")
            yield SourcePicture(f"{path}/{puzzle.name}", png.getvalue(), author, licence)
    except ValueError as error:
        message = f"{path} is not a readable container of puzzles ({error})"
        raise UserError(message, code="puzzles-unreadable") from None
