"""A picture as its source has it, and the filter that readers of sources apply to paths."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from stylefuse.config import Source
from stylefuse.data.sources.archives import Member, refuse_large_file

PathFilter = Callable[[str], bool]  # whether to read the file at a path in the source


class SourcePicture(NamedTuple):
    """A picture file and its rights.

    Attributes:
        path: in the source; a square cut out of a picture has `x y side` before the suffix.
        data: the file's bytes.
        author: who made the picture.
        licence: a short name, such as `CC0-1.0`.
    """

    path: str
    data: bytes
    author: str
    licence: str


def pictures_of_members(
    source: Source, members: Iterator[Member], selects: PathFilter
) -> Iterator[SourcePicture]:
    """The selected members as pictures with the author and licence that `params.yaml` gives.

    Raises:
        UserError: a member is too large or damaged.
    """
    author, licence = source.author or "unknown", source.licence or "own"
    for path, size, read in members:
        if selects(path):
            refuse_large_file(path, size)
            yield SourcePicture(path, read(), author, licence)
