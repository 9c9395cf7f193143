"""What counts as an answer of a challenger."""

import asyncio

from stylefuse.config import Challenger, Serve
from stylefuse.registry.store import CHALLENGER
from stylefuse.serving.alias_follower import AliasFollower
from stylefuse.serving.gradual_release import GradualRelease
from stylefuse.serving.host_check import send_error
from stylefuse.serving.limits import TIMEOUT_ERROR, RequestLimits
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
