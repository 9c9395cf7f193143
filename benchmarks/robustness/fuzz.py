"""Fuzzing of the picture decoder and of a running server.

    python -m benchmarks.robustness.fuzz

Malformed pictures are sent to the decoder, and malformed requests to a server of a small model. The
same seed sends the same input. Takes about two minutes.

Expected: no faults. Every 50th request is valid and is answered with the same picture each time.
The server's memory grows by less than 5 % between its first 2,000 requests and its last.
(TensorFlow caches something for each size of picture, so memory is constant only for pictures of
one size.)
"""

import base64
import json
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from itertools import islice
from pathlib import Path

import psutil
from tests.support.fuzzing import CLOSED, Outcome, open_all, send, send_all
from tests.support.hostile_pictures import pictures
from tests.support.hostile_requests import Request, requests, valid_request
from tests.support.models import make_project
from tests.support.servers import answers, free_port, stop, wait_for

from benchmarks import report

REQUESTS_PER_ROW = 2000  # of the table of memory
PROGRAM = Path(sys.executable).parent / "stylefuse"
JSON = {"Content-Type": "application/json"}
MIB = 2**20


def main() -> None:
    parser = report.parser(__doc__)
    parser.add_argument("--pictures", type=int, default=50_000)
    parser.add_argument("--requests", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()

    start = time.perf_counter()
    texts = (base64.b64encode(data).decode() for data in pictures(args.seed))
    decoded = open_all(islice(texts, args.pictures), 40_000_000)
    decoding_s = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        sent, memory, attacks, sending_s = _serve(Path(folder), args.requests, args.seed)
    rows = {
        "pictures": _row(decoded, decoding_s),
        "requests": _row(sent, sending_s),
    }
    report.write(
        args.docs, "fuzz", "Malformed input", report.paragraph(__doc__, 2),
        report.table(rows, "input"),
        "## Answers", report.table({
            "pictures": {str(k): f"{n:,}" for k, n in sorted(decoded.answers.items())},
        }), report.table({
            "requests": {_status(k): f"{n:,}" for k, n in sorted(sent.answers.items())},
        }), "## Memory of the server", report.table({"MiB": memory}),
        "## Single attacks", report.table(attacks, "request"),
        *[f"- {fault}" for fault in (decoded.faults + sent.faults)[:50]],
    )  # fmt: skip
    if decoded.faults or sent.faults:
        sys.exit(1)


def _row(outcome: Outcome, seconds: float) -> dict[str, str]:
    server_errors = [
        count
        for status, count in outcome.answers.items()
        if isinstance(status, int) and status >= 500
    ]
    return {
        "inputs": f"{outcome.answers.total():,}", "faults": str(len(outcome.faults)),
        "5xx": str(sum(server_errors)), "slowest, s": f"{outcome.slowest_s:.2f}",
        "duration, s": f"{seconds:.0f}",
    }  # fmt: skip


def _status(status: int) -> str:
    return "closed" if status == CLOSED else str(status)


def _serve(folder: Path, count: int, seed: int) -> tuple:
    """Send requests to a server of a small model, and measure its memory in between."""
    make_project(folder, "transfer")
    subprocess.run([PROGRAM, "register", "transfer"], cwd=folder, check=True, capture_output=True)
    port = free_port()
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [PROGRAM, "serve", "--port", str(port)], cwd=folder, stdout=log, stderr=log
        )
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}"), server)
        series, outcome, memory = requests(seed), Outcome(), {}
        start = time.perf_counter()
        for sent in range(REQUESTS_PER_ROW, count + 1, REQUESTS_PER_ROW):
            outcome.add(send_all(port, islice(series, REQUESTS_PER_ROW)))
            memory[f"after {sent:,}"] = f"{_rss(server):.0f}"
        seconds = time.perf_counter() - start
        attacks = _attacks(port, server)
        assert server.poll() is None, "the server has ended"
        return outcome, memory, attacks, seconds
    finally:
        stop(server)


def _rss(server: subprocess.Popen) -> float:
    return float(psutil.Process(server.pid).memory_info().rss / MIB)


def _attacks(port: int, server: subprocess.Popen) -> dict[str, dict[str, str]]:
    """Send single requests that MLflow's own server does not withstand, each followed by a valid
    one."""
    table = b'{"inputs": {"content": ["%s"], "style": ["%s"]}}'
    bomb = base64.b64encode(_bomb(13_000))
    large = base64.b64encode(_bomb(6_000))
    attacks = {
        "a PNG of 13,000 × 13,000 pixels in 500 kB": Request(table % (bomb, bomb)),
        "two PNGs of 6,000 × 6,000 pixels, which is allowed": Request(table % (large, large)),
        "100 MB in one string": Request(table % (b"A" * 100_000_000, b"")),
        "60 MB in one string": Request(table % (b"A" * 60_000_000, b"")),
        "60 MB of empty lists": Request(b'{"inputs": [' + b"[]," * 20_000_000 + b"1]}"),
        "60 MB of empty strings": Request(b"[" + b'"",' * 20_000_000 + b"1]"),
        "100,000 levels of lists": Request(b"[" * 100_000),
        "2 MB that are not JSON": Request(b"x" * 2_000_000),
        "no Content-Type": Request(valid_request().body, {}),
        "another name in Host": Request(valid_request().body, JSON | {"Host": "evil.example"}),
        "another site's Origin": Request(
            valid_request().body, JSON | {"Origin": "http://evil.example"}
        ),
    }
    rows = {}
    for name, request in attacks.items():
        status, body, seconds = send(port, request)
        next_status, _, _ = send(port, valid_request())
        message = json.loads(body).get("error", "a picture") if body else ""
        rows[name] = {
            "status": _status(status), "bytes": f"{len(body):,}", "seconds": f"{seconds:.2f}",
            "MiB after it": f"{_rss(server):.0f}", "valid request after it": str(next_status),
            "message": message,
        }  # fmt: skip
    return rows


def _bomb(side: int) -> bytes:
    """A black PNG picture, compressed row by row, so that it is never in memory as a whole."""
    compressor = zlib.compressobj(9)
    line = bytes(1 + 3 * side)
    data = b"".join(compressor.compress(line) for _ in range(side)) + compressor.flush()
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", data),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


if __name__ == "__main__":
    main()
