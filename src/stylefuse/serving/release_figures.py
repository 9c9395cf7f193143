"""What champion and challenger answered, and whether the challenger may go on answering."""

import json
import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from statistics import fmean, median

import numpy as np
from cachetools import LRUCache
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from stylefuse.config import Challenger
from stylefuse.images.base64 import decode
from stylefuse.registry.package import OUTPUT
from stylefuse.registry.store import CHALLENGER, CHAMPION

BUSY_STATUS, TIMEOUT_STATUS = 503, 504
WINDOW = 200  # newest pictures whose difference counts
MAX_CALLERS = 100  # whose durations count, and the newest ones of each:
MAX_OF_CALLER = 10  # one caller with very small or large requests must not decide

logger = logging.getLogger("uvicorn.error")


@dataclass
class Answers:
    """The answers of one version.

    Attributes:
        count: of all answers but those that refuse a request, because it is invalid (4xx) or the
            server is busy (503).
        errors: how many of them were errors of the server.
        timeouts: how many came too late, which may be the request's fault.
    """

    count: int = 0
    errors: int = 0
    timeouts: int = 0
    _seconds: LRUCache[str, deque[float]] = field(default_factory=lambda: LRUCache(MAX_CALLERS))

    def add(self, status: int, seconds: float, caller: str = "") -> None:
        """Add an answer of an HTTP status that took so many seconds."""
        is_late = status == TIMEOUT_STATUS
        if status < 300 or is_late:
            own = self._seconds.pop(caller, deque(maxlen=MAX_OF_CALLER))
            self._seconds[caller] = own  # as the newest caller
            own.append(seconds)
        if status < 300 or (status >= 500 and status != BUSY_STATUS):
            self.count += 1
            self.timeouts += is_late
            self.errors += status >= 500 and not is_late

    @property
    def seconds(self) -> list[float]:
        """The duration of the newest ones that were no errors."""
        return [*chain.from_iterable(self._seconds.values())]

    @property
    def median_seconds(self) -> float:
        """The median duration; 0 if there is none."""
        seconds = self.seconds
        return median(seconds) if seconds else 0.0


class ReleaseFigures:
    """Figures of a challenger and of the champion beside it, since the challenger was loaded.

    Attributes:
        fault: why the challenger may not answer any more; None if it may.
    """

    def __init__(self) -> None:
        self._begin("")

    def _begin(self, version: str) -> None:
        self._version = version
        self.fault: str | None = None
        self._answers = {CHAMPION: Answers(), CHALLENGER: Answers()}
        self._differences: deque[float] = deque(maxlen=WINDOW)

    def follow(self, version: str) -> None:
        """Forget everything if the challenger is another version now."""
        if version != self._version:
            self._begin(version)

    def add(self, role: str, status: int, seconds: float, caller: str = "") -> None:
        """Add an answer of the champion or the challenger."""
        self._answers[role].add(status, seconds, caller)

    def compare(self, answer: bytes, shadow: bytes) -> None:
        """Add the differences between the pictures of two answers in JSON."""
        self._differences.extend(differences(answer, shadow))

    def judge(self, limits: Challenger) -> None:
        """Set `fault` if the challenger's answers are beyond the limits; say so in the log."""
        if not self.fault and (fault := self._find_fault(limits)):
            self.fault = fault
            logger.error("version %s answers no more requests: %s", self._version, fault)

    def _find_fault(self, limits: Challenger) -> str | None:
        challenger, champion = self._answers[CHALLENGER], self._answers[CHAMPION]
        if challenger.count < limits.min_requests:
            return None
        if challenger.errors > limits.max_errors * challenger.count:
            return f"{challenger.errors} of {challenger.count} were errors"
        if min(len(challenger.seconds), len(champion.seconds)) < limits.min_requests:
            return None
        slowdown = challenger.median_seconds / champion.median_seconds
        if slowdown > limits.max_slowdown:
            return f"they take {slowdown:.1f} times as long as the champion's"
        return None

    def collect(self) -> Iterator[Metric]:
        """The figures, for a registry of Prometheus."""
        requests = CounterMetricFamily(
            "stylefuse_release_requests", "Answers while a challenger is tried",
            labels=["role", "outcome"],
        )  # fmt: skip
        seconds = GaugeMetricFamily(
            "stylefuse_release_median_seconds", "Median duration of the newest answers",
            labels=["role"],
        )  # fmt: skip
        for role, answers in self._answers.items():
            answered = answers.count - answers.errors - answers.timeouts
            requests.add_metric([role, "answered"], answered)
            requests.add_metric([role, "error"], answers.errors)
            requests.add_metric([role, "timeout"], answers.timeouts)
            seconds.add_metric([role], answers.median_seconds)
        tried = GaugeMetricFamily(
            "stylefuse_challenger_version", "1 while the version is tried, 0 after it was given up",
            labels=["version"],
        )  # fmt: skip
        if self._version:
            tried.add_metric([self._version], not self.fault)
        difference = GaugeMetricFamily(
            "stylefuse_shadow_difference",
            "Mean absolute difference of the challenger's pictures from the champion's, 0 to 255",
        )
        if self._differences:
            difference.add_metric([], fmean(self._differences))
        yield from (requests, seconds, tried, difference)


def differences(one: bytes, other: bytes) -> list[float]:
    """Mean absolute differences, 0 to 255, between the pictures of two answers in JSON.

    A row counts if both answers have a picture of the same size for it.
    """
    pairs = zip(_pictures(one), _pictures(other), strict=False)
    return [
        float(np.abs(first - second).mean())
        for first, second in pairs
        if first is not None and second is not None and first.shape == second.shape
    ]


def _pictures(answer: bytes) -> Iterator[np.ndarray | None]:
    for row in json.loads(answer)["predictions"]:
        text = row.get(OUTPUT)
        yield np.asarray(decode(text).convert("RGB"), np.float32) if text else None
