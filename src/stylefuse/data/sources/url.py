"""Pictures from a URL: one picture, or a zip or tar archive of pictures."""

import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from stylefuse.config import Source
from stylefuse.data.sources.archives import is_tar, tar_members, zip_members
from stylefuse.data.sources.downloads import url_file
from stylefuse.data.sources.picture import PathFilter, SourcePicture, pictures_of_members
from stylefuse.errors import UserError
from stylefuse.images.open import SUFFIXES


def read_url(source: Source, selects: PathFilter) -> Iterator[SourcePicture]:
    """The selected pictures behind a source's URL, sorted by path."""
    assert source.url and source.sha256
    file = url_file(source.url, source.sha256)
    name = PurePosixPath(unquote(urlsplit(source.url).path)).name
    if zipfile.is_zipfile(file):
        members = zip_members(file)
    elif is_tar(file):
        members = tar_members(file)
    elif Path(name).suffix.lower() in SUFFIXES:
        members = iter([(name, file.stat().st_size, file.read_bytes)])
    else:
        message = f"{name} is neither a picture nor a readable zip or tar archive"
        raise UserError(message, code="source-format-unknown")
    yield from pictures_of_members(source, members, selects)
