"""Two registered versions behind one address: a challenger in the shadow, and as a canary."""

import asyncio
import json

import pytest

from stylefuse.config import Challenger, Serve, load_params
from stylefuse.registry.fetch import champion_uri
from stylefuse.serving.gradual_release import GradualRelease
from stylefuse.serving.launch import load_app
from stylefuse.serving.limits import RequestLimits
from tests.support.asgi import JSON, request_async
from tests.support.models import encoded, noise

BODY = json.dumps(
    {"dataframe_records": [{"content": encoded(noise(40, 30)), "style": encoded(noise(20, 20))}]}
).encode()


@pytest.fixture
def release(in_project, tmp_path):
    """A function that makes the application for settings; version 2 is the challenger of 1."""
    (tmp_path / "private").mkdir()

    def make(**settings):
        params = load_params()
        challenger = Challenger(**settings)
        limits = params.serve.model_copy(update={"challenger": challenger})
        uri = champion_uri("transfer")
        return load_app(params.registry, limits, uri, tmp_path / "private")

    return make


def answers(app, count, body=BODY, **options):
    """Status and version of so many answers, one after the other; what was begun is finished."""
    limited = RequestLimits(app, Serve())  # as in the server: it parses the body

    async def ask():
        results = []
        for _ in range(count):
            status, headers, _ = await request_async(limited, body, **options)
            results.append((status, headers.get(b"x-stylefuse-version", b"").decode()))
            begun = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.gather(*begun, return_exceptions=True)  # some are cancelled
        return results

    return asyncio.run(ask())


def sample(app, name, **labels):
    """The value of a published metric."""
    (value,) = [
        sample.value
        for metric in app.figures.collect()
        for sample in metric.samples
        if sample.name == name and sample.labels == labels
    ]
    return value


def test_by_default_there_is_no_challenger(release):
    assert not isinstance(release(), GradualRelease)


def test_a_canary_answers_its_share_of_the_callers(release):
    app = release(mode="canary", share=0.5, caller_header="X-Caller")
    assert answers(app, 1) == [(200, "")]  # the challenger is not loaded yet
    assert app.challenger.update()
    callers = {
        caller: answers(app, 2, headers=JSON | {"x-caller": str(caller)}) for caller in range(8)
    }
    for same in callers.values():
        assert len(set(same)) == 1  # always by the same version
    assert {version for same in callers.values() for _, version in same} == {"1", "2"}


def test_a_shadow_is_not_seen_and_compared(release):
    app = release(mode="shadow")
    app.challenger.update()
    assert answers(app, 2) == [(200, "1")] * 2
    outcome = {"role": "challenger", "outcome": "answered"}
    assert sample(app, "stylefuse_release_requests_total", **outcome) == 2
    assert sample(app, "stylefuse_shadow_difference") > 0.1  # they are different models


def test_what_a_broken_canary_cannot_answer_the_champion_answers(release):
    app = release(mode="canary", share=1, min_requests=3)
    app.challenger.update()

    async def broken(scope, receive, send):
        raise RuntimeError("a graph is broken")

    app.challenger._app = broken
    assert answers(app, 3) == [(200, "1")] * 3
    assert app.figures.fault == "3 of 3 were errors"
    assert answers(app, 1) == [(200, "")]  # the challenger is not asked any more
    outcome = {"role": "challenger", "outcome": "error"}
    assert sample(app, "stylefuse_release_requests_total", **outcome) == 3
    assert sample(app, "stylefuse_challenger_version", version="2") == 0
    assert app.challenger.update()  # the same version is not tried again
    assert answers(app, 1) == [(200, "")]


def test_a_caller_s_mistake_is_answered_by_whom_it_was_sent_to(release):
    app = release(mode="canary", share=1)
    app.challenger.update()

    assert answers(app, 1, BODY.replace(b'"style"', b'"stile"'))[0][0] == 400
    outcome = {"role": "challenger", "outcome": "error"}
    assert sample(app, "stylefuse_release_requests_total", **outcome) == 0
