"""What the last ingestion found in the files of users' folders, so that the next one reads only
those whose size or time has changed."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

from stylefuse import data, images
from stylefuse.fileio import sha256_of_tree

LIBRARIES = "pillow", "imagehash", "numpy", "scipy"  # on whose versions a description depends
TABLE = "CREATE TABLE pictures (path PRIMARY KEY, origin, kept, description)"


class PictureIndex:
    """The descriptions of pictures from the last ingestion, and those for the next one.

    Args:
        last: the stored index.
        new: the index to be stored.
    """

    def __init__(self, last: sqlite3.Connection, new: sqlite3.Connection):
        self._last, self._new = last, new

    def find(self, path: str, origin: str, kept: Path) -> dict | None:
        """What the last ingestion found, see `describe`; None if a file has changed since then.

        Args:
            path: of the picture in the folder of the data.
            origin: see `origin_of`.
            kept: the file that the last ingestion wrote.
        """
        query = "SELECT description FROM pictures WHERE path = ? AND origin = ? AND kept = ?"
        with suppress(FileNotFoundError, sqlite3.DatabaseError):
            if found := self._last.execute(query, (path, origin, _stamp(kept))).fetchone():
                return json.loads(found[0])
        return None

    def add(self, path: str, origin: str, kept: Path, description: dict) -> None:
        """Add what this ingestion found; see `find`."""
        entry = path, origin, _stamp(kept), json.dumps(description)
        self._new.execute("INSERT INTO pictures VALUES (?, ?, ?, ?)", entry)


@contextmanager
def open_index(last: Path, new: Path) -> Iterator[PictureIndex]:
    """Open the stored index, if there is one, and make a new one, which is stored at the end."""
    stored = str(last) if last.exists() else ":memory:"
    with (
        closing(sqlite3.connect(stored)) as old,
        closing(sqlite3.connect(new)) as connection,
        connection,  # commits
    ):
        connection.execute(TABLE)
        yield PictureIndex(old, connection)


def origin_of(file: Path) -> str:
    """A user's file with its size and time, and what reads it."""
    return f"{_reader()} {_stamp(file)} {os.fsencode(file.absolute()).hex()}"


def _stamp(file: Path) -> str:
    status = file.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


@cache
def _reader() -> str:
    """The code on which descriptions depend, as a hash and versions."""
    root = Path(images.__path__[0]).parent
    files = [file for package in (data, images) for file in Path(package.__path__[0]).glob("*.py")]
    return " ".join([sha256_of_tree(root, files), *map(version, LIBRARIES)])
