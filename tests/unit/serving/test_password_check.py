"""Nothing but the open paths is reached without the password."""

import asyncio
import base64

import pytest

from stylefuse.serving.password_check import PasswordCheck
from tests.support.asgi import error_of, request

PASSWORD = "naïve:key"


async def answer(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"secret"})


APP = PasswordCheck(answer, PASSWORD, ("/health",))


def basic(text):
    return {"authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


def test_any_name_with_the_password_passes():
    for name in ("", "admin"):
        status, _, body = request(APP, headers=basic(f"{name}:{PASSWORD}"))
        assert (status, body) == (200, b"secret")


@pytest.mark.parametrize(
    "headers",
    [
        {}, basic("admin:"), basic(PASSWORD), basic(f"admin:{PASSWORD} "),
        {"authorization": "Basic"}, {"authorization": "Basic %%%"},
        {"authorization": f"Bearer {PASSWORD}"},
        {"authorization": basic(f":{PASSWORD}")["authorization"].removeprefix("Basic ")},
    ],
    ids=str,
)  # fmt: skip
def test_others_are_asked_for_it(headers):
    assert error_of(APP, headers=headers) == (401, "this server asks for a password")
    _, answered, _ = request(APP, headers=headers)
    assert answered[b"www-authenticate"].startswith(b"Basic ")


@pytest.mark.parametrize("path", ["/", "/health/", "//health", "/healthy", "/x/health"])
def test_only_the_open_path_itself_is_open(path):
    assert request(APP, headers={}, path="/health")[0] == 200
    assert request(APP, headers={}, path=path)[0] == 401


def test_a_websocket_without_it_is_closed():
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "websocket", "path": "/", "headers": []}
    asyncio.run(APP(scope, None, send))
    assert [message["type"] for message in sent] == ["websocket.close"]
