"""The pictures of a source, whatever its kind."""

import fnmatch
from collections.abc import Iterator
from pathlib import Path

from stylefuse.config import Source
from stylefuse.data.sources import curated
from stylefuse.data.sources.apt import read_apt
from stylefuse.data.sources.curated import Square
from stylefuse.data.sources.folder import read_folder
from stylefuse.data.sources.picture import PathFilter, SourcePicture
from stylefuse.data.sources.pypi import read_pypi
from stylefuse.data.sources.url import read_url
from stylefuse.errors import UserError
from stylefuse.images.open import SUFFIXES

READERS = {"apt": read_apt, "pypi": read_pypi, "folder": read_folder, "url": read_url}


def read_source(source: Source) -> Iterator[SourcePicture]:
    """All pictures of a source that `pick` or `curated` selects, in a fixed order.

    Raises:
        UserError: the source is not available, or lacks a curated picture or square.
    """
    read = READERS[source.kind]
    if source.curated is None:
        yield from read(source, _picked(source))
        return
    missing = curated.read_list(source.curated)
    for picture in read(source, _listed(frozenset(missing))):
        for square in missing.pop(picture.path, ()):
            yield curated.cut(picture, square, source.curated)
    if missing:
        raise UserError(_missing_message(source, missing), code="curated-picture-missing")


def _picked(source: Source) -> PathFilter:
    """Select pictures, and containers of puzzles, by the source's glob patterns."""

    def selects(path: str) -> bool:
        is_picture = Path(path).suffix.lower() in SUFFIXES or path.endswith(".rcc")
        return is_picture and any(fnmatch.fnmatchcase(path, pattern) for pattern in source.pick)

    return selects


def _listed(paths: frozenset[str]) -> PathFilter:
    """Select the listed pictures, and the containers of listed puzzles."""
    containers = {path.rpartition("/")[0] for path in paths}
    return lambda path: path in paths or (path.endswith(".rcc") and path in containers)


def _missing_message(source: Source, missing: dict[str, list[Square]]) -> str:
    first = min(missing)
    return (
        f"{source.curated} names {len(missing)} picture(s) that source {source.name!r} does not "
        f"have, the first being {curated.format_line(first, missing[first][0])} (only `x y side`, "
        "three whole numbers, may follow a path)"
    )
