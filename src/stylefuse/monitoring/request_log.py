"""What servers were sent and how they answered: figures in an SQLite file, and no picture."""

import logging
import os
import sqlite3
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from stylefuse.images.statistics import STATISTICS

FILE = (
    "STYLEFUSE_REQUEST_LOG"  # environment variable: where a server writes; nowhere if it is empty
)
KEPT = 100_000  # pictures and requests of a file, the newest
PATIENCE = 10  # seconds that a server waits for another one's note; no request waits for it
# what became of a request; a cancelled one timed out, or its client disconnected
OUTCOMES = ANSWERED, REFUSED, FAILED, CANCELLED = "answered", "refused", "failed", "cancelled"
FIGURES = ", ".join(STATISTICS)
TABLES = f"""
    CREATE TABLE IF NOT EXISTS requests
        (id INTEGER PRIMARY KEY, time, model, outcome, seconds);
    CREATE TABLE IF NOT EXISTS pictures
        (id INTEGER PRIMARY KEY, time, model, input, {FIGURES});
"""

logger = logging.getLogger(__name__)
Picture = tuple[str, Mapping[str, float]]  # which input it was, and its statistics


@dataclass(frozen=True)
class Traffic:
    """Some requests to a model.

    Attributes:
        outcomes: how many of them there are of each of `OUTCOMES`.
        seconds: that each took.
    """

    outcomes: Mapping[str, int]
    seconds: list[float]


class RequestLog:
    """A file of notes; several servers may write to it at once.

    Args:
        path: is made with the first note.
    """

    def __init__(self, path: Path):
        self.path = path

    @classmethod
    def of_environment(cls) -> "RequestLog | None":
        """Where this process writes to; None where it is not asked to."""
        path = os.environ.get(FILE)
        return cls(Path(path)) if path else None

    def note(self, model: str, outcome: str, seconds: float, pictures: Iterable[Picture]) -> None:
        """Note a request; a file that cannot be written is told and never raises."""
        now = time.time()
        rows = [(now, model, name, *found.values()) for name, found in pictures]
        try:
            with closing(self._open()) as file, file:
                marks = ", ".join("?" * (3 + len(STATISTICS)))
                file.execute(
                    "INSERT INTO requests (time, model, outcome, seconds) VALUES (?, ?, ?, ?)",
                    (now, model, outcome, seconds),
                )
                file.executemany(
                    f"INSERT INTO pictures (time, model, input, {FIGURES}) VALUES ({marks})", rows
                )
                for table in ("requests", "pictures"):
                    file.execute(
                        f"DELETE FROM {table} WHERE id <= (SELECT MAX(id) FROM {table}) - {KEPT}"
                    )
        except (sqlite3.Error, OSError) as error:
            logger.warning("a request was not noted in %s: %s", self.path, error)

    def pictures(self, model: str, name: str, most: int) -> dict[str, list[float]]:
        """Statistic → its value in each of the newest pictures of an input.

        The same picture sent again counts once: one that is used a hundred times is no change of
        what people send.
        """
        rows = self._ask(
            f"SELECT {FIGURES} FROM pictures WHERE model = ? AND input = ? "
            f"GROUP BY {FIGURES} ORDER BY MAX(id) DESC LIMIT ?",
            (model, name, most),
        )
        return {column: [row[i] for row in rows] for i, column in enumerate(STATISTICS)}

    def traffic(self, model: str, since: float) -> Traffic:
        """The requests since a time, in seconds since 1970."""
        rows = self._ask(
            "SELECT outcome, seconds FROM requests WHERE model = ? AND time >= ?", (model, since)
        )
        outcomes = [outcome for outcome, _ in rows]
        counted = {kind: outcomes.count(kind) for kind in OUTCOMES}
        return Traffic(counted, [seconds for _, seconds in rows])

    def forget(self, model: str) -> None:
        """Drop the pictures of a model: what a training has answered is not held against it."""
        if self.path.exists():
            with closing(self._open()) as file, file:
                file.execute("DELETE FROM pictures WHERE model = ?", (model,))

    def _ask(self, question: str, values: tuple) -> list[tuple]:
        if not self.path.exists():
            return []
        with closing(self._open()) as file:
            return file.execute(question, values).fetchall()

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = sqlite3.connect(self.path, timeout=PATIENCE)
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = NORMAL")
        file.executescript(TABLES)
        return file
