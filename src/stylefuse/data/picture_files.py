"""Writes the pictures of a source as files; those that have not changed are not read again."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from stylefuse.config import Source
from stylefuse.data.describe import describe
from stylefuse.data.picture_index import PictureIndex, origin_of
from stylefuse.data.sources.picture import SourcePicture
from stylefuse.data.sources.read import read_source
from stylefuse.data.threads import map_in_threads
from stylefuse.errors import UserError
from stylefuse.paths import PICTURES

MAX_STEM_BYTES = 200  # of a name, so that a hash and any suffix are allowed behind it


def write_pictures(
    source: Source, draft: Path, root: Path, index: PictureIndex, advance: Callable[[], None]
) -> list[dict]:
    """Write a source's pictures unchanged.

    Args:
        source: is read.
        draft: the folder of the data that this ingestion writes.
        root: the one that the last ingestion wrote; unchanged pictures are taken from it.
        index: of the pictures there.
        advance: called for each picture.

    Returns:
        A row of the manifest for each picture, with its path in the folder, and without a split.

    Raises:
        UserError: the source is not available, or has no pictures.
    """
    rows: list[dict] = []
    for picture, description in map_in_threads(_write, _drafts(source, draft, root, index)):
        if picture.origin:
            index.add(picture.row["path"], picture.origin, picture.file, description)
        rows.append(picture.row | description)
        advance()
    if not rows:
        where = source.path or source.url or source.kind
        raise UserError(
            f"source {source.name!r} has no pictures ({where}); correct its path or pick in "
            "params.yaml",
            code="source-empty",
        )
    return rows


class PictureDraft(NamedTuple):
    """A picture that is to be written.

    Attributes:
        picture: as its source has it.
        row: the columns of the manifest that do not depend on its content.
        file: to be written.
        kept: what the last ingestion wrote.
        origin: of a file in a user's folder, see `origin_of`; else "".
        known: the other columns, if the file is the one that was kept.
    """

    picture: SourcePicture
    row: dict
    file: Path
    kept: Path
    origin: str
    known: dict | None


def _drafts(source: Source, draft: Path, root: Path, index: PictureIndex) -> Iterator[PictureDraft]:
    used_names: set[str] = set()
    for picture in read_source(source):
        name = _file_name(picture, used_names)
        path = str(PurePosixPath(PICTURES.name, source.domain, source.name, name))
        row = {
            "path": path, "domain": source.domain, "source": source.name,
            "member": _text(picture.path), "author": picture.author, "licence": picture.licence,
        }  # fmt: skip
        kept, origin, known = root / path, "", None
        if isinstance(picture.data, Path):
            origin = origin_of(picture.data)
            known = index.find(path, origin, kept)
        yield PictureDraft(picture, row, draft / path, kept, origin, known)


def _write(draft: PictureDraft) -> tuple[PictureDraft, dict]:
    """Write a picture; what `describe` says of it."""
    draft.file.parent.mkdir(parents=True, exist_ok=True)
    if draft.known:
        _link(draft.kept, draft.file)
        return draft, draft.known
    data = draft.picture.read()
    draft.file.write_bytes(data)
    return draft, describe(data)


def _link(file: Path, name: Path) -> None:
    """Give a file a second name, or copy it where the file system has only one for each."""
    try:
        name.hardlink_to(file.resolve())
    except OSError:
        shutil.copy2(file, name)


def _file_name(picture: SourcePicture, used_names: set[str]) -> str:
    """A file name from the picture's path in its source; a hash is added where it is taken or too
    long."""
    path = PurePosixPath(picture.path)
    suffix = path.suffix.lower() or ".png"
    stem = re.sub(r"[^\w.-]+", "_", path.name.removesuffix(path.suffix))
    short = stem.encode()[:MAX_STEM_BYTES].decode(errors="ignore")
    digest, is_taken = os.fsencode(picture.path), short != stem
    while is_taken or stem + suffix in used_names:  # an archive may hold a path several times
        digest, is_taken = hashlib.sha256(digest).hexdigest().encode(), False
        stem = f"{short}-{digest[:8].decode()}"
    used_names.add(stem + suffix)
    return stem + suffix


def _text(path: str) -> str:
    """A path whose bytes need not be UTF-8, as text that a table holds."""
    return path.encode(errors="backslashreplace").decode()
