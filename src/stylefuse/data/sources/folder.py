"""Pictures from a folder of the user's own."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from stylefuse.config import Source
from stylefuse.data.sources.picture import PathFilter, SourcePicture, pictures_of_members
from stylefuse.errors import UserError


def read_folder(source: Source, selects: PathFilter) -> Iterator[SourcePicture]:
    """The selected pictures of a source's folder and its subfolders, sorted by path; hidden files
    and folders are skipped, as systems keep previews and leftovers there."""
    assert source.path
    folder = Path(os.path.expanduser(source.path))  # noqa: PTH111, Path's fails for unknown users
    if not folder.is_dir():
        raise UserError(
            f"source {source.name!r}: {folder} is not a folder; correct its path in params.yaml",
            code="source-folder-missing",
        )
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    members = (
        (f.relative_to(folder).as_posix(), f.stat().st_size, partial(Path, f)) for f in files
    )
    yield from pictures_of_members(source, members, selects)
