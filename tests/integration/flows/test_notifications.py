"""People are told through real channels; a dead one changes nothing."""

import asyncio
import json
import logging
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
import yaml
from flows.notifications import ADDRESSES, TELL_FAILURES, notify
from prefect.states import Crashed
from pydantic import ValidationError

from stylefuse.config import Notify
from tests.support.clone import ROOT
from tests.support.servers import free_port


@contextmanager
def mail_server():
    """An SMTP server on loopback; yields its port and the mails that it received."""
    mails, port = [], free_port()
    started, loop = threading.Event(), asyncio.new_event_loop()

    async def receive(reader, writer):
        async def answer(text):
            writer.write(f"{text}\r\n".encode())
            await writer.drain()

        await answer("220 test")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                await answer("354 go on")
                mails.append((await reader.readuntil(b"\r\n.\r\n")).decode())
            await answer("221 bye" if verb == b"QUIT" else "250 fine")

    async def serve():
        server = await asyncio.start_server(receive, "127.0.0.1", port)
        started.set()
        async with server:
            await server.serve_forever()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    started.wait()
    yield port, mails


@contextmanager
def http_server(status=200):
    """A webhook; yields its address and the documents that it received."""
    documents = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["content-length"])
            documents.append(json.loads(self.rfile.read(length)))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"json://127.0.0.1:{server.server_port}/hook", documents
    server.shutdown()


def test_a_mail_is_sent():
    with mail_server() as (port, mails):
        address = f"mailto://127.0.0.1:{port}?from=a@example.org&to=b@example.org"
        notify(Notify(addresses=[address]), "promoted", "restore version 2: sharper <img src=x>")
    (mail,) = mails
    assert "Subject: stylefuse: promoted" in mail
    assert "restore version 2: sharper" in mail
    page = mail.partition("text/html")[2]
    assert "lt;img" in page and "<img" not in page  # a picture's name may hold markup


def test_a_webhook_from_the_environment_is_called(monkeypatch):
    with http_server() as (address, documents):
        monkeypatch.setenv(ADDRESSES, address)
        notify(Notify(), "rolled-back", "restore version 1: greenish")
    (document,) = documents
    assert document["title"] == "stylefuse: rolled back"
    assert document["message"] == "restore version 1: greenish"
    assert document["type"] == "warning"


def test_a_command_gets_the_message(tmp_path):
    command = f'(echo "$STYLEFUSE_EVENT"; cat) > {tmp_path}/message'
    notify(Notify(command=command), "drifted", "transfer: darker\n$(touch unasked) `id`")
    assert (tmp_path / "message").read_text() == (
        "drifted\nstylefuse: drifted\ntransfer: darker\n$(touch unasked) `id`\n"
    )


def test_half_characters_and_control_characters_of_names_are_escaped(tmp_path):
    told = tmp_path / "told"
    notify(Notify(command=f"cat > {told}"), "failed", "\ud83d\x1b[2J.png cannot be opened")
    assert told.read_text().splitlines()[1] == r"\ud83d\x1b[2J.png cannot be opened"


def test_what_nobody_asked_for_is_not_sent():
    with http_server() as (address, documents):
        notify(Notify(addresses=[address], events=["failed"]), "refused", "worse")
        notify(Notify(addresses=[address], events=["failed"]), "failed", "train")
    assert [document["message"] for document in documents] == ["train"]


@pytest.mark.parametrize(
    "channels",
    [
        {"addresses": ["json://127.0.0.1:9/hook"]},
        {"addresses": ["no address"]},
        {"command": "exit 3"},
    ],
)
def test_a_dead_channel_is_logged_and_the_others_are_used(channels, caplog):
    with http_server() as (address, documents):
        settings = Notify(**{**channels, "addresses": [*channels.get("addresses", []), address]})
        with caplog.at_level(logging.WARNING, "flows"):
            notify(settings, "failed", "train")
    assert len(documents) == 1
    (record,) = caplog.records
    assert "127.0.0.1" not in record.message  # an address may hold a token


def test_a_service_that_refuses_is_logged(caplog):
    with http_server(status=500) as (address, documents):
        notify(Notify(addresses=[address]), "failed", "train")
    assert len(documents) == 1
    assert "failed" in caplog.text


def test_a_password_in_the_parameters_is_refused():
    with pytest.raises(ValidationError, match="STYLEFUSE_NOTIFY"):
        Notify(addresses=["mailtos://me:secret@mail.example.org"])


def test_the_hook_takes_its_arguments_as_workers_and_runs_pass_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw["notify"] = {"command": f"cat >> {tmp_path}/told"}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
    flow, run = SimpleNamespace(name="train"), SimpleNamespace(name="quick-fox")
    (hook,) = TELL_FAILURES["on_crashed"]
    hook(flow=flow, flow_run=run, state=Crashed(message="killed"))
    hook(flow, run, Crashed(message="killed"))
    assert (tmp_path / "told").read_text().count("train (quick-fox): killed") == 2
