"""Requests to the page name only files that were uploaded to it."""

import json

import pytest

from stylefuse.web import upload_check
from stylefuse.web.upload_check import MAX_BODY, MAX_STROKES, UploadCheck
from stylefuse.web.visitors import SESSION
from tests.support.asgi import error_of, request

PATH = "/gradio_api/queue/join"


async def echo(scope, receive, send):
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message.get("body", b"")})


@pytest.fixture
def uploads(tmp_path):
    (tmp_path / "uploads/hash").mkdir(parents=True)
    (tmp_path / "uploads/hash/a.png").write_bytes(b"picture")
    (tmp_path / "secret.png").write_bytes(b"picture")
    (tmp_path / "uploads/hash/link.png").symlink_to(tmp_path / "secret.png")
    return tmp_path / "uploads"


@pytest.fixture
def check(uploads):
    return UploadCheck(echo, uploads, receive_seconds=0.3)


def file(path):
    return json.dumps(
        {"data": [{"path": str(path), "meta": {"_type": "gradio.FileData"}}]}
    ).encode()


def test_an_uploaded_file_reaches_the_page_in_any_number_of_chunks(check, uploads):
    body = file(uploads / "hash/a.png")
    for chunks in ([body], [body[:9], body[9:]]):
        status, _, answer = request(check, *chunks, path=PATH)
        assert (status, answer) == (200, body)


@pytest.mark.parametrize(
    "name",
    ["../secret.png", "hash/../../secret.png", "hash/link.png", "", "hash/\0.png"],
)
def test_files_outside_of_the_uploads_are_refused(check, uploads, name):
    status, message = error_of(check, file(f"{uploads}/{name}" if name else ""), path=PATH)
    assert (status, message) == (403, "only files that were uploaded to this page can be used")


@pytest.mark.parametrize(
    "path",
    ["/etc/hostname", "/dev/zero", "file:///etc/hostname", "https://example.org/a.png", 7, {}],
)
@pytest.mark.parametrize("nest", [lambda x: x, lambda x: {"data": [[{"value": x}]]}])
def test_other_files_and_addresses_are_refused_wherever_they_are(check, path, nest):
    body = json.dumps(nest({"path": path})).encode()
    assert error_of(check, body, path=PATH)[0] == 403
    assert error_of(check, body, path=PATH, headers={})[0] == 403  # whatever it calls itself


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[[", b'{"data": [1, null, {"path": null}]}'])
def test_requests_without_a_file_reach_the_page(check, body):
    assert request(check, body, path=PATH)[0] == 200


def test_a_body_that_is_nested_too_deeply_is_refused(check):
    assert error_of(check, b"[" * 100_000, path=PATH)[0] == 403


def test_a_body_that_is_too_long_is_refused(check):
    status, message = error_of(check, b"x" * (MAX_BODY + 1), path=PATH)
    assert (status, message) == (413, "a request may have 300,000 bytes")


def test_other_methods_are_not_read(check):
    assert request(check, file("/etc/hostname"), path=PATH, method="GET")[0] == 200
    assert error_of(check, file("/etc/hostname"), path="/gradio_api/call/upload")[0] == 403


def test_uploads_are_not_read(check):
    assert request(check, file("/etc/hostname"), path="/gradio_api/upload")[0] == 200


@pytest.mark.parametrize("path", ["/gradio_api/upload", "/gradio_api/upload_progress"])
def test_names_of_uploads_are_short(check, path):
    query = b"upload_id=" + b"x" * 65
    assert request(check, path=path, method="GET", query=query)[0] == 403
    assert request(check, path=path, method="GET", query=query[:-10])[0] == 200


def form(*fields: tuple[str, bytes]) -> bytes:
    parts = (
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in fields
    )
    return b"".join(parts) + b"--x--\r\n"


FORM = {"path": "/gradio_api/component_server", "headers": {"content-type": "multipart/form-data"}}


def test_strokes_of_a_mask_reach_the_page(check):
    """They are sent as pictures, of the size of a photograph."""
    strokes = form(("session_hash", b"abc123"), ("data", b"\x89PNG\r\n" + bytes(5_000_000)))
    assert request(check, strokes, **FORM)[0] == 200
    status, message = error_of(check, bytes(MAX_STROKES + 1), **FORM)
    assert (status, message) == (413, "a request may have 16,000,000 bytes")


@pytest.mark.parametrize("session", ["x" * 65, "", "a b", 7, ["a"], {"a": 1}])
def test_only_names_of_sessions_are_passed_on(check, session):
    body = json.dumps({"data": [], "session_hash": session}).encode()
    status, message = error_of(check, body, path=PATH)
    assert (status, message) == (403, "this is not the name of a session")


@pytest.mark.parametrize(
    "body",
    [
        form(("session_hash", b"x" * 65)),
        form(("session_hash", b"abc"), ("session_hash", b"x" * 1000)),
        form(("session_hash", b"abc")).replace(b'name="', b"name=").replace(b'hash"', b"hash"),
        form(("session_hash", b"abc")).replace(b"\r\n\r\n", b"\r\nX: y\r\n\r\n"),
    ],
)
def test_a_form_names_its_session_plainly(check, body):
    assert error_of(check, body, **FORM)[0] == 403


def test_the_session_is_known_to_what_follows(uploads):
    async def answer(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(scope[SESSION]).encode()})

    check = UploadCheck(answer, uploads, receive_seconds=1)
    assert request(check, b'{"session_hash": "ab1"}', path=PATH)[2] == b"ab1"
    assert request(check, form(("session_hash", b"ab2")), **FORM)[2] == b"ab2"
    assert request(check, b"[]", path=PATH)[2] == b"None"


def test_a_slow_request_is_disconnected(check):
    status, headers, _ = request(check, *[b"["] * 50, path=PATH, pause_s=0.05)
    assert (status, headers[b"connection"]) == (408, b"close")


def test_the_bytes_of_all_requests_are_limited_and_released(check, monkeypatch):
    monkeypatch.setattr(upload_check, "MAX_HELD", 1000)
    assert error_of(check, b"x" * 1001, path=PATH)[0] == 503
    assert request(check, b"x" * 1000, path=PATH)[0] == 200


def test_a_client_that_disconnects_gets_no_answer(check):
    assert request(check, b"{", path=PATH, complete=False) is None


def test_an_address_that_looks_like_an_upload_is_refused(check, uploads):
    climbing = f"http://localhost/{'../' * 20}{uploads}/hash/a.png"
    for path in (climbing, f"{uploads}/hash/../hash/a.png"):
        assert error_of(check, file(path), path=PATH)[0] == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("prefix", ["/gradio_api/file=", "/gradio_api/file/", "/file="])
def test_the_page_fetches_no_addresses(check, prefix, method):
    status, message = error_of(check, method=method, path=f"{prefix}http://localhost/a.png")
    assert (status, message) == (403, "this page fetches nothing from other addresses")
    assert request(check, method="GET", path="/gradio_api/file=/uploads/a.png")[0] == 200
