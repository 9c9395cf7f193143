"""How long a cancelled request keeps its slot for painting.

    python -m benchmarks.robustness.slots

Takes about three minutes on two cores, and needs only the shipped weights of the transfer model.

Requests take all slots. After two seconds their clients disconnect, and the time until a slot is
free is measured. Without cancellation a slot is free when its picture is finished. Expected: less
than two seconds with cancellation, whatever the picture.
"""

import tempfile
import threading
import time
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from statistics import median

from tests.support.hostile_pictures import scan_bomb
from tests.support.models import encoded, noise

from benchmarks import report
from stylefuse.cancellation import Cancellation, Cancelled
from stylefuse.config import load_params
from stylefuse.images.file_checks import MAX_SCANS
from stylefuse.paths import BASE_MODELS
from stylefuse.registry.package import write_package
from stylefuse.serving.pyfunc import MAX_PICTURES_AT_ONCE, PaintService

DISCONNECT_S = 2.0  # after the requests have taken the slots
REPETITIONS = 3


def main() -> None:
    args = report.parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "package"
        write_package(BASE_MODELS / "transfer", load_params().serve, {}, package)
        service = PaintService(package)
    style = encoded(noise(256, 256, seed=1))
    contents = {
        f"a JPEG of 40 megapixels in {MAX_SCANS} scans": lambda n: b64encode(
            scan_bomb(MAX_SCANS - 1, 6320, 6320 - n)
        ).decode(),
        "a photograph of 2,048 × 2,048 pixels": lambda n: encoded(noise(2048, 2048, seed=n)),
    }
    rows, seed = {}, 0
    for name, content in contents.items():
        waits: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(REPETITIONS):
            for cancel, seconds in waits.items():
                seed += MAX_PICTURES_AT_ONCE  # other pictures each time: none is cached
                requests = [
                    {"content": content(seed + i), "style": style}
                    for i in range(MAX_PICTURES_AT_ONCE)
                ]
                seconds.append(_seconds_until_free(service, requests, cancel))
        rows[name] = {
            "without cancellation": f"{median(waits[False]):.2f} s",
            "with cancellation": f"{median(waits[True]):.2f} s",
            "slowest with it": f"{max(waits[True]):.2f} s",
        }
    report.write(
        args.docs, "slots", "Slots of cancelled requests",
        report.paragraph(__doc__, -1),
        report.table(rows, f"time until one of {MAX_PICTURES_AT_ONCE} slots is free"),
    )  # fmt: skip


def _seconds_until_free(service: PaintService, requests: list, cancel: bool) -> float:
    """Take all slots, disconnect, and wait for a free slot; at the end all slots are free."""
    cancellations = [Cancellation() for _ in requests]
    threads = [
        threading.Thread(target=_paint, args=(service, request, cancellation))
        for request, cancellation in zip(requests, cancellations, strict=True)
    ]
    for thread in threads:
        thread.start()
    time.sleep(DISCONNECT_S)
    start = time.perf_counter()
    if cancel:
        for cancellation in cancellations:
            cancellation.cancel()
    with service.slots.take():
        seconds = time.perf_counter() - start
    for thread in threads:
        thread.join()
    return seconds


def _paint(service: PaintService, request: dict, cancellation: Cancellation) -> None:
    with cancellation.active(), suppress(Cancelled):
        service.answer([request], {})


if __name__ == "__main__":
    main()
