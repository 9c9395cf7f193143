"""What counts as an answer of a challenger."""

import asyncio
import threading

import pytest

from stylefuse.config import Challenger, Serve
from stylefuse.inference.predictor import find_predictor
from stylefuse.registry.store import CHALLENGER
from stylefuse.serving.alias_follower import AliasFollower
from stylefuse.serving.gradual_release import MAX_TRIED, GradualRelease
from stylefuse.serving.host_check import send_error
from stylefuse.serving.limits import TIMEOUT_ERROR, RequestLimits
from stylefuse.serving.scoring import MAX_AT_WORK, Scoring
from stylefuse.serving.slots import Slots
from tests.support.asgi import request_async

BODY = b'{"dataframe_records": [{"a": 1}]}'


def released(app):
    """A canary that answers everybody with an application."""
    challenger, champion = (AliasFollower(lambda: "", lambda _: app, name) for name in "21")
    return GradualRelease(champion, challenger, Challenger(mode="canary", share=1, min_requests=1))


def ask(release, disconnected):
    limited = RequestLimits(release, Serve())
    return asyncio.run(request_async(limited, BODY, disconnected=disconnected))


def count(release):
    return release.figures._answers[CHALLENGER].count


def test_a_client_that_has_gone_is_no_error_of_the_challenger():
    disconnected = asyncio.Event()

    async def stop(scope, receive, send):  # as `Scoring` answers a cancelled request
        disconnected.set()
        await receive()
        await receive()
        await send_error(send, 504, TIMEOUT_ERROR)

    release = released(stop)
    assert ask(release, disconnected) is None
    assert (count(release), release.figures.fault) == (0, None)


def test_an_answer_of_the_version_before_does_not_count():
    async def fail_late(scope, receive, send):
        release.challenger.version = "3"  # another one is loaded meanwhile
        await send_error(send, 504, TIMEOUT_ERROR)

    release = released(fail_late)
    assert ask(release, None)[0] == 504
    assert count(release) == 0


def answering(status):
    async def app(scope, receive, send):
        await send_error(send, status, "")

    return app


def canary(champion, challenger):
    """A canary that answers everybody, with a challenger that differs from the champion."""
    followers = [AliasFollower(lambda: "", lambda _, app=app: app, name)
                 for app, name in ((champion, "1"), (challenger, "2"))]  # fmt: skip
    return GradualRelease(*followers, Challenger(mode="canary", share=1, min_requests=1))


@pytest.mark.parametrize("status", [400, 415, 500])
def test_what_the_champion_refuses_too_is_no_error_of_the_challenger(status):
    release = canary(answering(status), answering(500))
    assert ask(release, None)[0] == status
    assert (count(release), release.figures.fault) == (0, None)


@pytest.mark.parametrize("status", [400, 413, 500])
def test_a_challenger_that_refuses_what_the_champion_accepts_is_given_up(status):
    release = canary(answering(200), answering(status))
    assert ask(release, None)[0] == 200
    assert release.figures.fault == "1 of 1 were errors"


def test_a_request_that_takes_too_long_is_no_error_of_the_challenger():
    release = canary(answering(200), answering(504))
    assert ask(release, None)[0] == 504
    assert (count(release), release.figures.fault) == (1, None)


def test_few_requests_wait_for_a_slow_challenger():
    """Those that wait fill the limit of the whole server."""
    never = asyncio.Event()

    async def hang(*_):
        await never.wait()

    async def attack():
        release = canary(answering(200), hang)
        asked = [asyncio.create_task(request_async(release, BODY)) for _ in range(2 * MAX_TRIED)]
        await asyncio.sleep(0.1)
        for task in asked:
            task.cancel()
        answered = await asyncio.gather(*asked, return_exceptions=True)
        return [answer for answer in answered if isinstance(answer, tuple)], release

    answers, release = asyncio.run(attack())
    assert [status for status, *_ in answers] == [200] * MAX_TRIED
    assert release._tried == 0


def test_a_challenger_that_hangs_keeps_nobody_of_the_champion_waiting():
    began, never = list[None](), threading.Event()

    class Service:
        predictor, slots = find_predictor("transfer"), Slots(1)

        def answer(self, *_):
            return [{"picture": "AAAA"}]

    class Hanging(Service):
        def answer(self, *_):
            began.append(None)
            never.wait()
            return []

    async def attack():
        champion, challenger = (
            RequestLimits(Scoring(service, None, 60, 180), Serve())
            for service in (Service(), Hanging())
        )
        body = b'{"dataframe_records": [{"content": "AAAA", "style": "AAAA"}]}'
        held = [asyncio.create_task(request_async(challenger, body)) for _ in range(MAX_AT_WORK)]
        while len(began) < MAX_AT_WORK:
            await asyncio.sleep(0.01)
        try:
            async with asyncio.timeout(20):
                return (await request_async(champion, body))[0]
        finally:
            never.set()
            await asyncio.gather(*held)

    assert asyncio.run(attack()) == 200
