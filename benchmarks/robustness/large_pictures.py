"""Memory of the scoring server under small requests with large pictures.

    python -m benchmarks.robustness.large_pictures

Takes about four minutes on two cores, and needs only the shipped weights.

Files of a few hundred kilobytes hold pictures of up to 40 megapixels, some in the formats that
take most memory to decode. A small request may ask for large answers, and a text may be made to
take more memory than it has bytes. Each request is sent alone; then 32 clients send all of them
again and again, each time as texts that are not in the server's cache. The memory is the largest
that the server's process has held until then; the process that decodes a large picture beside it is
limited to 1,550 MB, and there is one at a time. Expected: below 1,430 MiB; statuses 200, 400,
413, 503 and 504; and a valid request is answered afterwards.
"""

import io
import json
import tempfile
import threading
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tests.support import fuzzing
from tests.support.fuzzing import send
from tests.support.hostile_requests import Request, valid_request
from tests.support.models import encoded, noise
from tests.support.servers import answers, free_port, server

from benchmarks import report
from benchmarks.robustness.project import registered_project

CLIENTS = 32
ROWS, OPTIONS = "rows", "options"  # of a request, beside its pictures
CLIENT_TIMEOUT_S = 180  # more than the server's


def main() -> None:
    arguments = report.parser(__doc__)
    arguments.add_argument("--seconds", type=float, default=60, help="of the 32 clients")
    args = arguments.parse_args()
    fuzzing.TIMEOUT_S = CLIENT_TIMEOUT_S
    requests, rows = _requests(), {}
    with tempfile.TemporaryDirectory() as name:
        folder, port = registered_project(Path(name)), free_port()
        with server("serve", port, folder / "log", folder=folder) as process:
            assert answers(f"http://127.0.0.1:{port}")
            send(port, valid_request())
            rows["before"] = {"MiB": f"{report.peak_mib(process.pid):,.0f}"}
            for title, row in requests.items():
                body = _body(row, 0)
                status, _, seconds = send(port, Request(body))
                rows[title] = {
                    "kB": f"{len(body) / 1000:,.0f}", "status": str(status),
                    "seconds": f"{seconds:.1f}", "MiB": f"{report.peak_mib(process.pid):,.0f}",
                }  # fmt: skip
            statuses = _send_together(port, list(requests.values()), args.seconds)
            status, _, seconds = send(port, valid_request())
            rows[f"{CLIENTS} clients, all of these"] = {
                "status": ", ".join(f"{n} × {s}" for s, n in sorted(statuses.items())),
                "seconds": f"{args.seconds:.0f}", "MiB": f"{report.peak_mib(process.pid):,.0f}",
            }  # fmt: skip
            rows["a valid request afterwards"] = {
                "status": str(status), "seconds": f"{seconds:.1f}"
            }  # fmt: skip
    report.write(
        args.docs, "large-pictures", "Requests with large pictures",
        report.paragraph(__doc__, -1), report.table(rows, "request"),
    )  # fmt: skip


def _requests() -> dict[str, dict]:
    """The rows and options of the requests, by their titles."""
    small, square, strip, long_strip = (
        encoded(Image.new("RGB", size, (80, 80, 80)))
        for size in ((64, 64), (6320, 6320), (610, 65_535), (1, 40_000_000))
    )
    side = 6320
    webp = _file(Image.new("RGBA", (side, side), (80, 90, 100, 128)), "WEBP", lossless=True)
    grey = _file(Image.fromarray(np.full((side, side), 20_000, np.uint16)), "PNG")
    cmyk = _file(Image.new("CMYK", (side, side)), "JPEG", exif=TURNED.tobytes())
    return {
        "a transparent WebP of 6,320 × 6,320": {"content": webp, "style": small},
        "16-bit grey of 6,320 × 6,320": {"content": grey, "style": small},
        "a turned CMYK photograph of 6,320 × 6,320": {"content": cmyk, "style": small},
        "a text of 45 MB, of two letters between spaces": {
            "content": "AB " * 15_000_000, "style": small
        },
        "a text of 45 MB with an emoji": {
            "content": "A" * 45_000_000 + "\N{GRINNING FACE}", "style": small
        },
        "a photograph of 6,320 × 6,320": {"content": square, "style": small},
        "a photograph of 610 × 65,535": {"content": strip, "style": small},
        "16 styles of 6,320 × 6,320": {"content": small, "style": [square] * 16},
        "16 styles of 610 × 65,535": {"content": small, "style": [strip] * 16},
        "16 styles of 1 × 40,000,000": {"content": small, "style": [long_strip] * 16},
        "a fusion of two pictures of 6,320 × 6,320": {"content": square, "other": square},
        "16 answers of 2,048 × 2,048 pixels": {
            "content": encoded(noise(64, 64)), "style": small, ROWS: 16, OPTIONS: {"size": 2048}
        },
    }  # fmt: skip


TURNED = Image.Exif()
TURNED[274] = 6


def _file(picture: Image.Image, format: str, **options: Any) -> str:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return b64encode(file.getvalue()).decode()


def _body(row: dict, number: int) -> bytes:
    """A request; spaces, which decoders ignore, make its texts differ from others'."""

    def differing(value: str | list[str], places: Iterator[int]) -> str | list[str]:
        if isinstance(value, list):
            return [differing(text, places) for text in value]
        return value + " " * (100 * number + next(places))

    places = count()
    pictures = {name: value for name, value in row.items() if name not in (ROWS, OPTIONS)}
    rows = [
        {name: differing(value, places) for name, value in pictures.items()}
        for _ in range(row.get(ROWS, 1))
    ]
    table = {"dataframe_records": rows, "params": row.get(OPTIONS, {})}
    return json.dumps(table, ensure_ascii=False).encode()


def _send_together(port: int, rows: list[dict], duration_s: float) -> Counter:
    statuses: Counter = Counter()
    end, numbers = time.monotonic() + duration_s, count(1)

    def keep_sending() -> None:
        while time.monotonic() < end:
            number = next(numbers)
            status, _, _ = send(port, Request(_body(rows[number % len(rows)], number)))
            statuses[status] += 1

    clients = [threading.Thread(target=keep_sending) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return statuses


if __name__ == "__main__":
    main()
