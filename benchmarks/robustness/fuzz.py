"""Hostile pictures to the decoder, and hostile requests to a real server: does anything give way?

    python -m benchmarks.robustness.fuzz

takes about 2 minutes. Expected: no fault of any kind; every 50th request is a good one, and is
answered with the same picture each time; the server's memory grows by less than 5 % between its
first 2,000 requests and its last. (TensorFlow keeps something for each size of picture that it has
met: pictures of one size leave the memory where it is.) The same seed sends the same input.
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
from tests.support.hostile import Request, pictures, requests, valid_request
from tests.support.models import make_project
from tests.support.servers import answers, free_port, stop, wait_for

from benchmarks import report

LAP = 2000  # requests
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
    seconds = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        sent, memory, attacks, took = _serve(Path(folder), args.requests, args.seed)
    rows = {
        "pictures": _row(decoded, seconds),
        "requests": _row(sent, took),
    }
    report.write(
        args.docs, "fuzz", "Hostile input", __doc__.split("\n\n")[0], report.table(rows, "input"),
        "## What was answered", report.table({
            "pictures": {str(k): f"{n:,}" for k, n in sorted(decoded.answers.items())},
        }), report.table({
            "requests": {_status(k): f"{n:,}" for k, n in sorted(sent.answers.items())},
        }), "## Memory of the server", report.table({"MiB": memory}),
        "## Single attacks", report.table(attacks, "sent"),
        *[f"- {fault}" for fault in (decoded.faults + sent.faults)[:50]],
    )  # fmt: skip
    if decoded.faults or sent.faults:
        sys.exit(1)


def _row(found: Outcome, seconds: float) -> dict[str, str]:
    broken = [n for status, n in found.answers.items() if isinstance(status, int) and status >= 500]
    return {
        "tried": f"{found.answers.total():,}", "faults": str(len(found.faults)),
        "5xx": str(sum(broken)), "slowest (s)": f"{found.slowest_s:.2f}",
        "took (s)": f"{seconds:.0f}",
    }  # fmt: skip


def _status(status: int) -> str:
    return "closed" if status == CLOSED else str(status)


def _serve(folder: Path, count: int, seed: int) -> tuple:
    """Send requests to a tiny model's server in laps, and look at its memory between them."""
    make_project(folder, "transfer")
    subprocess.run([PROGRAM, "register", "transfer"], cwd=folder, check=True, capture_output=True)
    port = free_port()
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [PROGRAM, "serve", "--port", str(port)], cwd=folder, stdout=log, stderr=log
        )
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}"), server)
        broken, found, memory = requests(seed), Outcome(), {}
        start = time.perf_counter()
        for sent in range(LAP, count + 1, LAP):
            found.add(send_all(port, islice(broken, LAP)))
            memory[f"after {sent:,}"] = f"{_rss(server):.0f}"
        took = time.perf_counter() - start
        attacks = _attacks(port, server)
        assert server.poll() is None, "the server has ended"
        return found, memory, attacks, took
    finally:
        stop(server)


def _rss(server: subprocess.Popen) -> float:
    return float(psutil.Process(server.pid).memory_info().rss / MIB)


def _attacks(port: int, server: subprocess.Popen) -> dict[str, dict[str, str]]:
    """One request of each kind that MLflow's own server takes badly, then a good one."""
    table = b'{"inputs": {"content": ["%s"], "style": ["%s"]}}'
    bomb = base64.b64encode(_bomb(13_000))
    large = base64.b64encode(_bomb(6_000))
    given = {
        "a PNG of 13,000 × 13,000 pixels in 500 kB": Request(table % (bomb, bomb)),
        "two of 6,000 × 6,000, which are allowed": Request(table % (large, large)),
        "100 MB in one string": Request(table % (b"A" * 100_000_000, b"")),
        "60 MB in one string": Request(table % (b"A" * 60_000_000, b"")),
        "60 MB of empty lists": Request(b'{"inputs": [' + b"[]," * 20_000_000 + b"1]}"),
        "60 MB of empty strings": Request(b"[" + b'"",' * 20_000_000 + b"1]"),
        "100,000 levels of lists": Request(b"[" * 100_000),
        "2 MB of no JSON": Request(b"x" * 2_000_000),
        "no Content-Type": Request(valid_request().body, {}),
        "another name in Host": Request(valid_request().body, JSON | {"Host": "evil.example"}),
        "another site's Origin": Request(
            valid_request().body, JSON | {"Origin": "http://evil.example"}
        ),
    }
    rows = {}
    for name, request in given.items():
        status, body, seconds = send(port, request)
        good, _, _ = send(port, valid_request())
        told = json.loads(body).get("error", "a picture") if body else ""
        rows[name] = {
            "status": _status(status), "bytes": f"{len(body):,}", "seconds": f"{seconds:.2f}",
            "then MiB": f"{_rss(server):.0f}", "a good one after it": str(good), "told": told,
        }  # fmt: skip
    return rows


def _bomb(side: int) -> bytes:
    """A black picture as PNG, packed without ever being held."""
    packer = zlib.compressobj(9)
    line = bytes(1 + 3 * side)
    packed = b"".join(packer.compress(line) for _ in range(side)) + packer.flush()
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", packed),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


if __name__ == "__main__":
    main()
