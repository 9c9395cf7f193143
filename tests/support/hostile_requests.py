"""Malformed and malicious requests to a scoring server; the same seed makes the same ones."""

import base64
import copy
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.support.hostile_pictures import delete, flip, pictures, repeat, truncate
from tests.support.models import encoded, noise

ODD_VALUES = (
    None, True, False, 0, -1, 7, 2**31, 2**63, 10**300, 1.5, 1e308, float("nan"), float("inf"), "",
    "x", "%%%", "\0", "\ud800", "é" * 99, "data:image/png;base64,", [], {}, [[]], [None], {"": []},
    {"content": {}}, ["a", 1],
)  # fmt: skip
LONG_NUMBER = "9" * 5000


@dataclass(frozen=True)
class Request:
    """A request to a scoring server.

    Attributes:
        body: of the request.
        headers: of the request.
        method: of HTTP.
        path: of the URL.
        raw: a complete HTTP request as bytes; if it is not empty, the other fields are ignored.
    """

    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    method: str = "POST"
    path: str = "/invocations"
    raw: bytes = b""


def valid_request() -> Request:
    """A request to the transfer model whose answer is one picture of 24×18 pixels."""
    return Request(json.dumps(_table(encoded(noise(24, 18)), encoded(noise(20, 20)))).encode())


def _table(content: object, style: object, **params: object) -> dict:
    row = [content, style]
    return {
        "dataframe_split": {"columns": ["content", "style"], "data": [row]},
        "params": {"strength": 0.5, **params},
    }


def requests(seed: int) -> Iterator[Request]:
    """An endless series of broken requests."""
    rng, broken = random.Random(seed), pictures(seed)
    kinds = (_odd_picture, _odd_value, _odd_value, _odd_text, _odd_form, _odd_header, _odd_http)
    while True:
        yield rng.choice(kinds)(rng, broken)


def _odd_picture(rng: random.Random, broken: Iterator[bytes]) -> Request:
    text = base64.b64encode(next(broken)).decode()
    variants = (
        text, text[:-1], text + "=", f"data:image/png;base64,{text}", text.replace("A", "\n", 3),
        text[: len(text) // 2] + "é", f" {text} ",
    )  # fmt: skip
    inputs = [encoded(noise(24, 18)), rng.choice((text, *variants))]
    rng.shuffle(inputs)
    return Request(json.dumps(_table(*inputs)).encode())


def _odd_value(rng: random.Random, _: Iterator[bytes]) -> Request:
    """A valid request with other values in some places."""
    table = json.loads(valid_request().body)
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(_places(table))
        holder, key = rng.choice(places)
        action = rng.random()
        if action < 0.7:
            holder[key] = copy.deepcopy(rng.choice((*ODD_VALUES, encoded(noise(9, 9)))))
        elif action < 0.85:
            del holder[key]
        elif isinstance(holder, dict):
            name = rng.choice(("size", "strength", "content", "index", "", "prompt"))
            holder[name] = copy.deepcopy(rng.choice(ODD_VALUES))
        else:
            holder.extend(copy.deepcopy(holder * rng.choice((1, 30))))
        if not list(_places(table)):
            break
    text = json.dumps(table)
    if rng.random() < 0.1:
        text = text.replace("0.5", LONG_NUMBER)
    return Request(text.encode("utf-8", "surrogatepass"))


def _places(node: object) -> Iterator[tuple]:
    keys = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from _places(node[key])  # type: ignore[index]


def _odd_text(rng: random.Random, _: Iterator[bytes]) -> Request:
    body = bytearray(valid_request().body)
    deep = rng.choice((10, 1000, 100_000))
    return Request(
        rng.choice(
            (
                lambda: bytes(flip(body, rng)),
                lambda: bytes(truncate(body, rng)),
                lambda: bytes(repeat(body, rng)),
                lambda: bytes(delete(body, rng)),
                lambda: b"[" * deep,
                lambda: b"[" * deep + b"]" * deep,
                lambda: b'{"inputs":' * deep + b"1" + b"}" * deep,
                lambda: b'{"inputs": [' + b"[]," * deep + b"1]}",
                lambda: b'{"inputs": ' + b"9" * deep + b"}",
                lambda: b'{"inputs": {"content": ["' + b"A" * deep + b'"], "style": ["A"]}}',
                lambda: body.decode().encode("utf-16"),
                lambda: b'\xef\xbb\xbf{"inputs": 1}',
                lambda: b"",
                lambda: b" \n" * deep,
                lambda: b"\0" * deep,
                lambda: b'"' * deep,
                lambda: rng.randbytes(min(deep, 5000)),
                lambda: b'{"inputs": 1, "inputs": 2}',
                lambda: json.dumps(rng.choice(ODD_VALUES)).encode("utf-8", "surrogatepass"),
            )
        )()
    )


def _odd_form(rng: random.Random, broken: Iterator[bytes]) -> Request:
    row = {"content": encoded(noise(9, 9)), "style": base64.b64encode(next(broken)).decode()}
    key = rng.choice(
        ("dataframe_records", "inputs", "instances", "prompt", "messages", "input",
         "dataframe_split", "signature_name", "", "data")
    )  # fmt: skip
    value = rng.choice(
        (row, [row], [row] * 17, {k: [v] for k, v in row.items()}, list(row.values()), [[row]],
         {"columns": list(row), "data": [list(row.values())], "index": ["a"]}, row["content"],
         {"columns": ["content"] * 2, "data": [["a", "b"]]}, {"columns": 7, "data": {}})
    )  # fmt: skip
    csv = "content,style\n" + ",".join(row.values())
    variants = (
        csv,
        csv[:-9],
        csv.replace(",", '"'),
        "," * 3000,
        "a\n" * 3000,
        '"',
        "content,content",
    )
    if rng.random() < 0.3:
        return Request(rng.choice(variants).encode(), {"Content-Type": "text/csv"})
    return Request(json.dumps({key: value, "params": rng.choice(ODD_VALUES)}).encode())


def _odd_header(rng: random.Random, _: Iterator[bytes]) -> Request:
    json_type = {"Content-Type": "application/json"}
    headers = rng.choice(
        (
            {},
            {"Content-Type": ""},
            {"Content-Type": "text/plain"},
            {"Content-Type": "application/vnd.apache.parquet"},
            {"Content-Type": "application/json; charset=latin-1"},
            {"Content-Type": "application/json; x=y"},
            {"Content-Type": "APPLICATION/JSON ; charset=UTF-8"},
            {"Content-Type": "x" * 9000},
            json_type | {"Host": "evil.example"},
            json_type | {"Host": ""},
            json_type | {"Host": "[::1"},
            json_type | {"Host": "localhost:99999999"},
            json_type | {"Origin": "http://evil.example"},
            json_type | {"Origin": "null"},
            json_type | {"Content-Encoding": "gzip"},
            json_type | {"Expect": "100-continue"},
            json_type | {"X-Long": "x" * 30_000},
            json_type | {"Upgrade": "websocket", "Connection": "Upgrade"},
        )
    )
    method = rng.choice(("POST", "POST", "POST", "GET", "PUT", "DELETE", "OPTIONS", "PATCH"))
    path = rng.choice(("/invocations",) * 5 + ("/", "/ping", "/%00", "//", "/../etc", "/a" * 999))
    return Request(valid_request().body, headers, method, path)


def _odd_http(rng: random.Random, _: Iterator[bytes]) -> Request:
    body = valid_request().body
    head = b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    size = b"%x\r\n" % len(body)
    raw = rng.choice(
        (
            head + b"Content-Length: -1\r\n\r\n" + body,
            head + b"Content-Length: many\r\n\r\n" + body,
            head + b"Content-Length: 5\r\n\r\n" + body,
            head + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + body,
            head + b"Content-Length: %d\r\n\r\n" % (len(body) + 9) + body,
            head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            chunked + size + body + b"\r\n0\r\n\r\n",
            chunked + size + body + b"\r\n",
            chunked + b"zz\r\n" + body,
            chunked + b"fffffffffffffffff\r\n" + body,
            head + b"\r\n",
            head.replace(b"Host: localhost\r\n", b"") + b"\r\n",
            head.replace(b"HTTP/1.1", b"HTTP/9.9") + b"\r\n",
            head.replace(b"\r\n", b"\n") + b"\n",
            head.replace(b"Host", b"Ho st") + b"\r\n",
            head.replace(b"POST", b"BREW") + b"Content-Length: 0\r\n\r\n",
            b"GET /" + b"a" * 70_000,
            b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + rng.randbytes(200),
            rng.randbytes(500) + b"\r\n\r\n",
            head + b"Content-Length: 0\r\n\r\n" + head + b"Content-Length: 0\r\n\r\n",
        )
    )
    return Request(raw=bytes(flip(bytearray(raw), rng)) if rng.random() < 0.3 else raw)
