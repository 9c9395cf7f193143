"""A picture as its source has it, and the filter that readers of sources apply to paths."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from stylefuse.config import Source
from stylefuse.data.sources.archives import Member, refuse_large_file

HIDDEN = re.compile(r"\.[^.]")  # start of the name of a file or folder
# folders of macOS, Synology and Windows, with previews and deleted files
LEFTOVERS = {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information"}

FolderMember = tuple[str, int, Callable[[], Path]]  # as `Member`, for a file that is read later
PathFilter = Callable[[str], bool]  # whether to read the file at a path in the source


class SourcePicture(NamedTuple):
    """A picture file and its rights.

    Attributes:
        path: in the source; a square cut out of a picture has `x y side` before the suffix.
        data: the file's bytes, or where it is if it is in a user's folder.
        author: who made the picture.
        licence: a short name, such as `CC0-1.0`.
    """

    path: str
    data: bytes | Path
    author: str
    licence: str

    def read(self) -> bytes:
        """The file's bytes."""
        return self.data if isinstance(self.data, bytes) else self.data.read_bytes()


def pictures_of_members(
    source: Source, members: Iterator[Member | FolderMember], selects: PathFilter
) -> Iterator[SourcePicture]:
    """The selected members as pictures with the author and licence that `params.yaml` gives, but
    for what systems leave behind.

    Raises:
        UserError: a member is too large or damaged.
    """
    author, licence = source.author or "unknown", source.licence or "own"
    for path, size, read in members:
        if selects(path) and not _is_leftover(path):
            refuse_large_file(path, size)
            yield SourcePicture(path, read(), author, licence)


def _is_leftover(path: str) -> bool:
    """Whether a file or a folder above it is hidden, or a system's own."""
    return any(HIDDEN.match(part) or part in LEFTOVERS for part in PurePosixPath(path).parts)
