"""A tracker that keeps the metrics, alarms and times of a training in memory."""

import time
from pathlib import Path
from typing import Any


class TrainingRecorder:
    """Implements `stylefuse.training.trainer.Tracker`.

    Attributes:
        curves: one row of metrics per tick.
        times: of the monotonic clock, one per tick.
        alarms: names of the alarms, with the time of the training at which they were raised.
    """

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
        """The mean speed after the first tick, in which most functions are compiled."""
        if len(self.times) < 2:
            return None
        kimg = self.curves[-1]["kimg"] - self.curves[0]["kimg"]
        return 1000 * kimg / (self.times[-1] - self.times[0])
