"""How long the parts of a run take, and how much of it the pipeline itself."""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """A part of a run.

    Attributes:
        name: what was done.
        seconds: that it took.
        overhead: seconds of them that DVC and Prefect needed for themselves.
    """

    name: str
    seconds: float
    overhead: float


class Clock:
    """Laps, one after another, from the moment it is made."""

    def __init__(self) -> None:
        self.laps: list[Timing] = []
        self._last = time.monotonic()

    def lap(self, name: str, own: float | None = 0.0) -> None:
        """End a part; `own` seconds of it were what it is for, all of them where that is None."""
        before, self._last = self._last, time.monotonic()
        seconds = self._last - before
        self.laps.append(Timing(name, seconds, 0.0 if own is None else max(0.0, seconds - own)))
