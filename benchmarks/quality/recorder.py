"""What a benchmark notes while a run goes on."""

import time
from pathlib import Path
from typing import Any


class Clock:
    """Follows a run: its metrics, its alarms, and when they came."""

    def __init__(self) -> None:
        self.curves: list[dict[str, float]] = []
        self.times: list[float] = []
        self.alarms: list[str] = []

    def start(self, model: str, key: str, params: Any) -> None: ...
    def log_image(self, path: Path, step: int) -> None: ...
    def finish(self, weights_hash: str) -> None: ...

    def log_metrics(self, metrics: dict[str, float], step: int) -> None:
        self.curves.append({"kimg": step / 1000, **metrics})
        self.times.append(time.monotonic())

    def alarm(self, message: str) -> None:
        self.alarms.append(message.split(";")[0])

    def images_per_second(self) -> float | None:
        """Of the whole run, but for its first tick, in which most is compiled."""
        if len(self.times) < 2:
            return None
        kimg = self.curves[-1]["kimg"] - self.curves[0]["kimg"]
        return 1000 * kimg / (self.times[-1] - self.times[0])
