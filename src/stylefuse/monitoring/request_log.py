"""The request log: statistics of request pictures, outcomes and durations in an SQLite file.

The pictures themselves are not stored.
"""

import logging
import os
import sqlite3
import time
import warnings
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from stylefuse.images.statistics import STATISTICS

ENVIRONMENT_VARIABLE = "STYLEFUSE_REQUEST_LOG"  # path of a server's log; empty for none
DEPRECATED_VARIABLE = "STYLEFUSE_SEEN"  # its name in version 0.1
MAX_ROWS = 100_000  # per table; older rows are deleted
LOCK_TIMEOUT_S = 10  # to wait for other servers that write; requests do not wait for it
# outcomes of a request; a cancelled one timed out, or its client disconnected
OUTCOMES = ANSWERED, REFUSED, FAILED, CANCELLED = "answered", "refused", "failed", "cancelled"
COLUMNS = ", ".join(STATISTICS)
TABLES = f"""
    CREATE TABLE IF NOT EXISTS requests
        (id INTEGER PRIMARY KEY, time, model, outcome, seconds);
    CREATE TABLE IF NOT EXISTS pictures
        (id INTEGER PRIMARY KEY, time, model, input, {COLUMNS});
"""

logger = logging.getLogger(__name__)
PictureStatistics = tuple[str, Mapping[str, float]]  # name of the input, and its statistics


@dataclass(frozen=True)
class Traffic:
    """Requests to a model.

    Attributes:
        outcomes: number of requests with each of `OUTCOMES`.
        seconds: duration of each request.
    """

    outcomes: Mapping[str, int]
    seconds: list[float]


class RequestLog:
    """A log file, which several servers may write at the same time.

    Args:
        path: of the file; it is created with the first request.
    """

    def __init__(self, path: Path):
        self.path = path

    @classmethod
    def from_environment(cls) -> "RequestLog | None":
        """The log that the environment variable names, or None."""
        path = _path_from_environment()
        return cls(Path(path)) if path else None

    @staticmethod
    def set_environment(default: Path) -> None:
        """Have servers of this process log to `default`, unless the environment names a path."""
        path = _path_from_environment()
        os.environ[ENVIRONMENT_VARIABLE] = str(default.absolute()) if path is None else path

    def record(
        self, model: str, outcome: str, seconds: float, pictures: Iterable[PictureStatistics]
    ) -> None:
        """Record a request; if the file cannot be written, log a warning and do not raise.

        Args:
            model: name of the model.
            outcome: one of `OUTCOMES`.
            seconds: duration of the request.
            pictures: statistics of each picture in the request.
        """
        now = time.time()
        rows = [(now, model, name, *statistics.values()) for name, statistics in pictures]
        try:
            with closing(self._open()) as database, database:
                placeholders = ", ".join("?" * (3 + len(STATISTICS)))
                database.execute(
                    "INSERT INTO requests (time, model, outcome, seconds) VALUES (?, ?, ?, ?)",
                    (now, model, outcome, seconds),
                )
                database.executemany(
                    f"INSERT INTO pictures (time, model, input, {COLUMNS}) VALUES ({placeholders})",
                    rows,
                )
                for table in ("requests", "pictures"):
                    newest = f"(SELECT MAX(id) FROM {table})"
                    database.execute(f"DELETE FROM {table} WHERE id <= {newest} - {MAX_ROWS}")
        except (sqlite3.Error, OSError) as error:
            logger.warning("a request was not recorded in %s: %s", self.path, error)

    def statistics(self, model: str, input_name: str, max_pictures: int) -> dict[str, list[float]]:
        """Return the statistics of the newest pictures that an input received.

        A picture that is sent again counts once: repeating a picture does not change what people
        send.

        Args:
            model: name of the model.
            input_name: of the picture input.
            max_pictures: number of pictures.

        Returns:
            Statistic → a value per picture, the newest first.
        """
        rows = self._select(
            f"SELECT {COLUMNS} FROM pictures WHERE model = ? AND input = ? "
            f"GROUP BY {COLUMNS} ORDER BY MAX(id) DESC LIMIT ?",
            (model, input_name, max_pictures),
        )
        return {column: [row[i] for row in rows] for i, column in enumerate(STATISTICS)}

    def traffic(self, model: str, since: float) -> Traffic:
        """Return the requests to a model since a time, in seconds since 1970."""
        rows = self._select(
            "SELECT outcome, seconds FROM requests WHERE model = ? AND time >= ?", (model, since)
        )
        outcomes = [outcome for outcome, _ in rows]
        counts = {outcome: outcomes.count(outcome) for outcome in OUTCOMES}
        return Traffic(counts, [seconds for _, seconds in rows])

    def delete_pictures(self, model: str) -> None:
        """Delete the picture statistics of a model, so that a retrained one starts without them."""
        if self.path.exists():
            with closing(self._open()) as database, database:
                database.execute("DELETE FROM pictures WHERE model = ?", (model,))

    def _select(self, query: str, values: tuple) -> list[tuple]:
        if not self.path.exists():
            return []
        with closing(self._open()) as database:
            return database.execute(query, values).fetchall()

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self.path, timeout=LOCK_TIMEOUT_S)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.executescript(TABLES)
        return database


def _path_from_environment() -> str | None:
    """The value of the environment variable, or of its deprecated name; None if neither is set."""
    if ENVIRONMENT_VARIABLE in os.environ:
        return os.environ[ENVIRONMENT_VARIABLE]
    if DEPRECATED_VARIABLE in os.environ:
        message = f"{DEPRECATED_VARIABLE} is deprecated; set {ENVIRONMENT_VARIABLE} instead"
        warnings.warn(message, FutureWarning, stacklevel=3)
    return os.environ.get(DEPRECATED_VARIABLE)
