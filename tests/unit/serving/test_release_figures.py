"""A challenger is given up for errors or slowness, and not before there is evidence."""

import json

import pytest
from prometheus_client import CollectorRegistry

from stylefuse.config import Challenger
from stylefuse.registry.store import CHALLENGER, CHAMPION
from stylefuse.serving import release_figures
from stylefuse.serving.release_figures import ReleaseFigures, differences
from tests.support.models import encoded, noise

LIMITS = Challenger(mode="canary", min_requests=10, max_errors=0.2, max_slowdown=2)


def judged(champion, challenger):
    """The fault after answers: (status, seconds) of each."""
    figures = ReleaseFigures()
    for role, answers in ((CHAMPION, champion), (CHALLENGER, challenger)):
        for status, seconds in answers:
            figures.add(role, status, seconds)
    figures.judge(LIMITS)
    return figures.fault


@pytest.mark.parametrize(
    ("champion", "challenger", "fault"),
    [
        ([(200, 1)] * 10, [(200, 1.9)] * 10, None),
        ([(200, 1)] * 10, [(200, 2.1)] * 10, "they take 2.1 times as long as the champion's"),
        ([(200, 1)] * 9, [(200, 9)] * 10, None),  # too few to compare with
        ([], [(500, 1)] * 9, None),
        ([], [(500, 1)] * 3 + [(200, 1)] * 7, "3 of 10 were errors"),
        ([], [(500, 1)] * 2 + [(200, 1)] * 8, None),  # a fifth is allowed
        ([], [(504, 1)] * 5 + [(200, 1)] * 5, None),  # perhaps of requests that take so long
        ([(200, 1)] * 10, [(504, 120)] * 10, "they take 120.0 times as long as the champion's"),
        ([], [(400, 1)] * 90 + [(200, 1)] * 9, None),  # mistakes of the callers
        ([], [(503, 1)] * 90 + [(200, 1)] * 9, None),  # the server is busy, whoever answers
    ],
)
def test_the_limits(champion, challenger, fault):
    assert judged(champion, challenger) == fault


def test_one_caller_decides_nothing():
    figures = ReleaseFigures()
    for number in range(12):
        figures.add(CHAMPION, 200, 1, f"caller {number}")
        figures.add(CHALLENGER, 200, 1, f"other {number}")
    for _ in range(500):
        figures.add(CHAMPION, 200, 0.001, "caller 0")  # tiny requests
        figures.add(CHALLENGER, 200, 100, "other 0")  # huge ones
    figures.judge(LIMITS)
    assert figures.fault is None


def test_another_version_begins_anew():
    figures = ReleaseFigures()
    figures.follow("2")
    for _ in range(10):
        figures.add(CHALLENGER, 500, 1)
    figures.judge(LIMITS)
    figures.follow("2")
    assert figures.fault
    figures.follow("3")
    assert not figures.fault
    figures.judge(LIMITS)
    assert not figures.fault


def test_the_figures_are_published():
    figures = ReleaseFigures()
    registry = CollectorRegistry()
    registry.register(figures)
    figures.follow("2")
    for status in (200, 200, 500):
        figures.add(CHALLENGER, status, 3)
    value = registry.get_sample_value
    requests = "stylefuse_release_requests_total"
    assert value(requests, {"role": "challenger", "outcome": "answered"}) == 2
    assert value(requests, {"role": "challenger", "outcome": "error"}) == 1
    assert value("stylefuse_release_median_seconds", {"role": "challenger"}) == 3
    assert value("stylefuse_challenger_version", {"version": "2"}) == 1
    assert value("stylefuse_shadow_difference") is None


def test_a_comparison_that_ends_late_is_not_of_the_next_version(monkeypatch):
    figures = ReleaseFigures()
    figures.follow("2")

    def slow(*_):
        figures.follow("3")  # meanwhile, as in another thread
        return [255.0]

    monkeypatch.setattr(release_figures, "differences", slow)
    figures.compare(b"", b"")
    assert not figures._differences


def test_pictures_of_the_same_size_are_compared():
    def answer(*pictures):
        rows = [{"picture": picture and encoded(picture)} for picture in pictures]
        return json.dumps({"predictions": rows}).encode()

    white, black = (noise(8, 8).point(lambda _, v=v: v) for v in (255, 0))
    one, other = answer(white, white, None), answer(black, noise(9, 9), white)
    assert differences(one, other) == [255]
    assert differences(one, one) == [0, 0]
