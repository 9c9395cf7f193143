"""Requests to the page as its JavaScript sends them."""

import json
import uuid
from pathlib import Path

import requests

API = "gradio_api"


def upload(address: str, path: Path) -> str:
    """Upload a file; returns where the page keeps it."""
    with path.open("rb") as file:
        answer = requests.post(f"{address}/{API}/upload", files={"files": file}, timeout=60)
    return answer.json()[0]


def reference(path: str) -> dict:
    """What a request contains in the place of a file."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def call(address: str, name: str, *values) -> int | dict:
    """What a function of the page answers; the status if the request is refused.

    Args:
        address: of the page.
        name: of the function.
        values: of its inputs.
    """
    functions = requests.get(f"{address}/config", timeout=60).json()["dependencies"]
    (number,) = (function["id"] for function in functions if function["api_name"] == name)
    session = uuid.uuid4().hex
    job = {"data": values, "fn_index": number, "session_hash": session}
    joined = requests.post(f"{address}/{API}/queue/join", json=job, timeout=60)
    if joined.status_code != 200:
        return joined.status_code
    data, parameters = f"{address}/{API}/queue/data", {"session_hash": session}
    with requests.get(data, parameters, stream=True, timeout=600) as events:
        for line in events.iter_lines():
            event = json.loads(line.removeprefix(b"data:")) if line else {}
            if event.get("msg") == "process_completed":
                return event
    raise AssertionError("the page sent no answer")
