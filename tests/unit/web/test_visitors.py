"""Visitors who do not listen are forgotten, and streams of visitors who do nothing make way."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from stylefuse.cancellation import active_cancellation
from stylefuse.web import visitors
from stylefuse.web.calls import Calls
from stylefuse.web.visitors import HEARTBEAT, JOIN, MESSAGES, SESSION, Visitors


class Page:
    """Stands in for Gradio: streams last until the client has gone, and all calls are noted."""

    def __init__(self):
        self.calls, self.open = [], set()

    async def __call__(self, scope, receive, send):
        path, query = scope["path"], scope["query_string"].decode()
        self.calls.append((scope["method"], path, query))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if path != JOIN:
            self.open.add(path + query)
            try:
                while (await receive())["type"] != "http.disconnect":
                    pass
            finally:
                self.open.discard(path + query)
        await send({"type": "http.response.body", "body": b""})


def scope(path, session=None, method="GET", query=""):
    named = {SESSION: session} if session else {}
    return {
        "type": "http", "method": method, "path": path, "query_string": query.encode(),
        "headers": [], **named,
    }  # fmt: skip


async def call(app, scope, gone=None):
    """Sends a request; returns the status. The client stays until `gone` is set."""
    statuses = []

    async def receive():
        await (gone or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses


@asynccontextmanager
async def stream(app, path, query=""):
    gone = asyncio.Event()
    task = asyncio.create_task(call(app, scope(path, query=query), gone))
    await asyncio.sleep(0.01)
    yield task
    gone.set()
    await task


@asynccontextmanager
async def streams(app, *paths):
    """Each is a path, perhaps with a query."""
    async with AsyncExitStack() as opened:
        for path in paths:
            await opened.enter_async_context(stream(app, *path.split("?")))
        await asyncio.sleep(0.02)
        yield


@pytest.fixture
def page():
    return Page()


@pytest.fixture
def calls():
    return Calls()


@pytest.fixture
def app(page, calls, monkeypatch):
    monkeypatch.setattr(visitors, "LISTEN_WITHIN_S", 0.05)
    monkeypatch.setattr(visitors, "MAX_STREAMS", 3)
    return Visitors(page, calls, lambda session: 16 if session == "full" else 15)


def test_a_session_that_does_not_listen_is_forgotten(app, page):
    async def ask():
        await call(app, scope(JOIN, "abc", "POST"))
        await asyncio.sleep(0.2)

    asyncio.run(ask())
    assert page.calls == [("POST", JOIN, ""), ("GET", MESSAGES, "session_hash=abc")]


def test_a_session_that_listens_is_not(app, page):
    async def ask():
        await call(app, scope(JOIN, "abc", "POST"))
        async with stream(app, MESSAGES, "session_hash=abc"):
            await asyncio.sleep(0.2)

    asyncio.run(ask())
    assert len(page.calls) == 2


def test_a_session_alone_does_not_fill_the_queue(app, page):
    async def ask():
        return [await call(app, scope(JOIN, name, "POST")) for name in ("full", "abc")]

    assert asyncio.run(ask()) == [[503], [200]]
    assert page.calls == [("POST", JOIN, "")]


@pytest.mark.parametrize("stays", [False, True])
def test_what_is_painted_for_a_session_is_stopped_when_it_has_gone(app, calls, stays):
    async def ask():
        with calls.running("abc"):
            await call(app, scope(JOIN, "abc", "POST"))
            heartbeats = [HEARTBEAT + "abc"] if stays else []
            async with streams(app, *heartbeats):
                async with stream(app, MESSAGES, "session_hash=abc"):
                    await asyncio.sleep(0.1)
                    assert not active_cancellation().cancelled
                await asyncio.sleep(0.1)
                return active_cancellation().cancelled

    assert asyncio.run(ask()) is not stays


def test_beyond_the_limit_the_oldest_stream_of_an_idle_session_is_closed(app, page):
    async def ask():
        await call(app, scope(JOIN, "active", "POST"))
        names = ("active", "idle-1", "idle-2", "new")
        async with streams(app, *(HEARTBEAT + name for name in names)):
            assert page.open == {HEARTBEAT + name for name in ("active", "idle-2", "new")}

    asyncio.run(ask())


def test_if_all_are_active_the_new_one_is_refused(app, page):
    async def ask():
        for number in range(3):
            await call(app, scope(JOIN, f"active-{number}", "POST"))
        messages = f"{MESSAGES}?session_hash=active-2"
        async with streams(app, HEARTBEAT + "active-0", HEARTBEAT + "active-1", messages):
            assert await call(app, scope(HEARTBEAT + "new")) == [503]
        return await call(app, scope(JOIN, "new", "POST"))

    assert asyncio.run(ask()) == [200]


def test_long_names_of_sessions_are_refused(app, page):
    assert asyncio.run(call(app, scope(HEARTBEAT + "x" * 65))) == [403]
    assert asyncio.run(call(app, scope(MESSAGES, query="session_hash=" + "x" * 65))) == [403]
    assert not page.calls


def test_a_session_that_asked_long_ago_is_idle(app, page, monkeypatch):
    monkeypatch.setattr(visitors, "ACTIVE_S", 0.05)

    async def ask():
        for number in range(3):
            await call(app, scope(JOIN, f"old-{number}", "POST"))
        async with streams(app, *(f"{HEARTBEAT}old-{number}" for number in range(3))):
            await asyncio.sleep(0.1)
            async with streams(app, HEARTBEAT + "new"):
                assert HEARTBEAT + "new" in page.open
                assert HEARTBEAT + "old-0" not in page.open

    asyncio.run(ask())


def test_streams_of_the_progress_of_uploads_are_counted(app, page):
    async def ask():
        progress = (f"{visitors.PROGRESS}?upload_id={name}" for name in "abc")
        async with streams(app, *progress, HEARTBEAT + "new"):
            assert len(page.open) == 3
            assert HEARTBEAT + "new" in page.open

    asyncio.run(ask())
