"""Uploads to the page are limited in size, alone and together."""

import asyncio

import pytest
from starlette.requests import ClientDisconnect

from stylefuse.web import upload_quota
from stylefuse.web.upload_quota import MIN_FILE, UPLOAD, UploadQuota, folder_bytes
from tests.support.asgi import request, request_async


async def answer(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "hash").mkdir()
    (tmp_path / "hash/a.png").write_bytes(b"picture")
    return tmp_path


@pytest.fixture
def quota(folder):
    return UploadQuota(answer, folder)


def upload(quota, length):
    headers = {"content-length": length} if length else {}
    return request(quota, b"files", path=UPLOAD, headers=headers)[0]


def test_an_upload_states_its_length(quota):
    assert upload(quota, "5") == 200
    assert upload(quota, None) == upload(quota, "-5") == 411
    assert upload(quota, "999999999") == 413


def test_all_files_together_are_limited(quota, folder, monkeypatch):
    monkeypatch.setattr(upload_quota, "MAX_KEPT", folder_bytes(folder) + 10)
    assert upload(quota, "10") == 200
    assert upload(quota, "11") == 507
    (folder / "hash/a.png").unlink()
    assert upload(quota, "11") == 200


def test_many_small_files_count_for_more_than_they_hold(quota, folder, monkeypatch):
    monkeypatch.setattr(upload_quota, "MAX_KEPT", 3 * MIN_FILE)
    for number in range(2):
        assert upload(quota, "1") == 200
        (folder / f"{number}").write_bytes(b"x")
    assert upload(quota, "1") == 507


def test_a_declared_length_reserves_nothing(quota, folder, monkeypatch):
    """A client that announces an upload and sends nothing keeps nobody out."""
    monkeypatch.setattr(upload_quota, "MAX_KEPT", folder_bytes(folder) + 30)
    monkeypatch.setattr(upload_quota, "UPLOAD_TIMEOUT_S", 0.3)
    options = {"path": UPLOAD, "headers": {"content-length": "20"}}

    async def uploads_at_once():
        silent = asyncio.create_task(request_async(quota, pause_s=9, **options))
        await asyncio.sleep(0.05)
        status = (await request_async(quota, b"files", **options))[0]
        assert await silent is None  # dropped when its time was over
        return status

    assert asyncio.run(uploads_at_once()) == 200


def test_other_requests_are_passed_on(quota):
    assert request(quota, b"x", path="/gradio_api/queue/join")[0] == 200
    assert request(quota, b"", path=UPLOAD, method="GET")[0] == 200


def test_a_visitor_who_leaves_during_an_upload_is_no_error_of_the_server(folder):
    def quota(error):
        async def app(scope, receive, send):
            raise error

        return UploadQuota(app, folder)

    options = {"path": UPLOAD, "headers": {"content-length": "5"}}
    assert request(quota(ClientDisconnect()), b"fil", **options) is None
    with pytest.raises(ValueError, match="other"):
        request(quota(ValueError("other")), b"files", **options)
