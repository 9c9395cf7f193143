"""Shows the progress of a training on the page of its run, read from what it prints."""

import re
import time
from contextlib import suppress
from uuid import UUID

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact

PROGRESS = re.compile(r"training \S+: ([\d.e+-]+) of ([\d.e+-]+) kimg")
INTERVAL_S = 5.0  # between two updates


class StageProgress:
    """A progress artifact of a stage; there is none until the stage prints its progress.

    Args:
        stage: its name.
    """

    def __init__(self, stage: str):
        self.stage = stage
        self._artifact: UUID | None = None
        self._updated = 0.0

    def read(self, line: str) -> None:
        """Show the progress that a line of the output reports, if any."""
        if match := PROGRESS.search(line):
            with suppress(httpx.HTTPError):  # a server that is away stops no training
                self._show(min(100.0, 100 * float(match[1]) / float(match[2])))

    def _show(self, percent: float) -> None:
        if self._artifact is None:
            key = f"progress-{re.sub('[^a-z0-9]+', '-', self.stage.lower())}"
            self._artifact = create_progress_artifact(percent, key, f"progress of {self.stage}")
        elif percent == 100 or time.monotonic() - self._updated > INTERVAL_S:
            update_progress_artifact(self._artifact, percent)
        else:
            return
        self._updated = time.monotonic()
