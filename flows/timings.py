"""Durations of the parts of a flow run, and the share that DVC and Prefect take."""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """The duration of a part of a flow run.

    Attributes:
        name: of the part.
        seconds: its duration.
        overhead: seconds of it that DVC and Prefect took.
    """

    name: str
    seconds: float
    overhead: float


class Stopwatch:
    """Times consecutive parts, the first from the creation of the object."""

    def __init__(self) -> None:
        self.timings: list[Timing] = []
        self._last = time.monotonic()

    def record(self, name: str, work_seconds: float | None = 0.0) -> None:
        """End a part.

        Args:
            name: of the part.
            work_seconds: seconds that were not overhead; None means all of them.
        """
        before, self._last = self._last, time.monotonic()
        seconds = self._last - before
        overhead = 0.0 if work_seconds is None else max(0.0, seconds - work_seconds)
        self.timings.append(Timing(name, seconds, overhead))
