"""Requests are accepted by their Host and Origin headers."""

import asyncio

import pytest

from stylefuse.serving.host_check import FORWARDED, HostCheck
from tests.support.asgi import error_of, request

LOCAL = {"host": "localhost:5001"}
ACCEPTED = (
    LOCAL,
    {"host": "127.0.0.1:5001"},
    {"host": "[::1]:5001"},
    {"host": "LocalHost"},
    {"host": "10.0.0.9:5001"},  # the address that was reached
    {"host": "paint.example.org"},
    LOCAL | {"origin": "http://localhost:5001"},
    LOCAL | {"origin": "http://127.0.0.1:5001"},  # another name of the same server
    {"host": "paint.example.org", "origin": "https://paint.example.org"},
    {"host": "paint.example.org:443", "origin": "https://paint.example.org"},  # as proxies write it
    {"host": "paint.example.org:80", "origin": "http://paint.example.org"},
    {"host": "paint.example.org", "origin": "https://paint.example.org:443"},
    {"host": "paint.example.org.", "origin": "https://paint.example.org."},  # a full name
    {"host": "localhost."},
)
REJECTED = (
    {},
    {"host": ""},
    {"host": "evil.example:5001"},
    {"host": "localhost.evil.example"},
    {"host": "evil@localhost"},
    {"host": "localhost:5001:1"},
    {"host": "[::1"},
    {"host": "10.0.0.8"},
    {"host": "localhost:99999"},
    {"host": "localhost.."},
    {"host": "[0:0:0:0:0:0:0:1]"},
    {"host": "[::1%25eth0]"},
    {"host": "localhost:"},
    {"host": "evil.example."},
    LOCAL | {"origin": "null"},
    LOCAL | {"origin": "http://evil.example"},
    LOCAL | {"origin": "http://evil.example:5001"},
    LOCAL | {"origin": "http://localhost:8080"},  # a page of another program
    LOCAL | {"origin": "http://localhost:5001@evil.example"},
)


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"answer"})


@pytest.mark.parametrize("headers", ACCEPTED)
def test_requests_to_the_servers_own_names_are_accepted(headers):
    assert request(HostCheck(app, ["Paint.example.org"]), headers=headers)[0] == 200


@pytest.mark.parametrize("headers", REJECTED)
def test_requests_to_other_names_and_from_other_sites_are_rejected(headers):
    status, message = error_of(HostCheck(app, ["paint.example.org"]), headers=headers)
    assert status == 403
    assert "evil" not in message


def test_a_name_beyond_ascii_is_compared_as_browsers_send_it():
    app_of = HostCheck(app, ["münchen.example"])
    assert request(app_of, headers={"host": "xn--mnchen-3ya.example"})[0] == 200


OTHER_ADDRESSES = {
    "x-forwarded-host": [
        "evil.example",
        "localhost, evil.example",
        '"><script>',
        "localhost:99999",
    ],
    "x-gradio-server": ["https://evil.example", "//evil.example"],
}


@pytest.mark.parametrize("header", OTHER_ADDRESSES)
def test_a_forged_address_is_rejected_where_the_application_believes_it(header):
    checked = HostCheck(app, ["paint.example.org"], FORWARDED)
    for value in OTHER_ADDRESSES[header]:
        assert error_of(checked, headers=LOCAL | {header: value})[0] == 403
        assert request(HostCheck(app), headers=LOCAL | {header: value})[0] == 200
    for value in ("paint.example.org", "https://paint.example.org:443", ""):
        assert request(checked, headers=LOCAL | {header: value})[0] == 200


FOLLOWED = {
    "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document",
}  # fmt: skip


def test_a_link_on_another_site_leads_here():
    assert request(HostCheck(app), headers=LOCAL | FOLLOWED, method="GET")[0] == 200


@pytest.mark.parametrize(
    ("headers", "method"),
    [
        (FOLLOWED, "POST"),  # a form
        (FOLLOWED | {"sec-fetch-dest": "iframe"}, "GET"),
        ({"sec-fetch-site": "cross-site"}, "GET"),
        ({"sec-fetch-site": "cross-site", "sec-fetch-dest": "image"}, "GET"),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, "GET"),
    ],
)
def test_other_requests_of_another_site_are_rejected_without_an_origin(headers, method):
    assert error_of(HostCheck(app), headers=LOCAL | headers, method=method)[0] == 403


@pytest.mark.parametrize("site", ["same-origin", "same-site", "none"])
def test_requests_of_the_page_itself_are_accepted(site):
    headers = LOCAL | {"sec-fetch-site": site, "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
    assert request(HostCheck(app), headers=headers)[0] == 200


@pytest.mark.parametrize(
    "address",
    [
        {"path": "/\x1b]0;title\x07/x.js"},
        {"path": "/two\nlines"},
        {"path": "/\x9b31m"},
        {"path": "/\x7f"},
        {"query": b"a=%1b%5b31m"},
        {"query": b"a=%C2%9B31m"},
        {"query": b"a=two%0alines"},
    ],
)
def test_control_characters_in_an_address_are_refused(address):
    assert error_of(HostCheck(app), headers=LOCAL, **address)[0] == 400


def test_other_characters_in_an_address_are_accepted():
    address = {"path": "/naïve 日本 (1).jpg", "query": "a=ü+%E6%97%A5&b=%25".encode()}
    assert request(HostCheck(app), headers=LOCAL, **address)[0] == 200


def messages(scope):
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(HostCheck(app)(scope, None, send))
    return sent


def test_two_host_headers_are_rejected():
    headers = [(b"host", b"localhost"), (b"host", b"localhost")]
    assert messages({"type": "http", "headers": headers})[0]["status"] == 403


def test_a_websocket_of_another_site_is_closed():
    scope = {"type": "websocket", "headers": [(b"host", b"evil.example")]}
    assert [message["type"] for message in messages(scope)] == ["websocket.close"]
