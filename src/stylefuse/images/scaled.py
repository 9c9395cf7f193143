"""Opening pictures of which only a scaled copy is kept, in a server whose memory is limited.

To decode and convert a picture takes up to 27 bytes per pixel: of 40 megapixels, a gigabyte. A
large one is therefore decoded and scaled by a process of its own, which ends when the request for
it is cancelled. Of those that are not small, one is decoded at a time.
"""

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple

from PIL import Image

from stylefuse.cancellation import check_cancelled
from stylefuse.errors import UserError
from stylefuse.images.file_checks import check_file
from stylefuse.images.isolated_decoder import isolated_format
from stylefuse.images.open import FORMATS, open_picture
from stylefuse.images.resize import limit_side

SMALL_PIXELS = 4_000_000
IN_PROCESS_PIXELS = 12_500_000  # as most telephones take them: starting a process takes a moment
CHILD = "stylefuse.images.scaled_child"
BASE_BYTES, BYTES_PER_PIXEL = 256 << 20, 32  # of the process
REFUSED = 3  # exit status of a process that tells why; Python itself ends with 1 or 2
POLL_S = 0.1  # how often a thread that waits checks whether its request was cancelled

_decoding = threading.Lock()


class ScaledPicture(NamedTuple):
    """A picture, and the width and height of the one in the file."""

    picture: Image.Image
    size: tuple[int, int]


def open_scaled(data: bytes, name: str, max_pixels: int, max_side: int) -> ScaledPicture:
    """`open_picture`, scaled down if a side has more than `max_side` pixels.

    Raises:
        UserError: see `open_picture`.
        Cancelled: the active cancellation was cancelled.
    """
    pixels = _stated_pixels(data, name, max_pixels)
    if pixels <= SMALL_PIXELS:
        return scale(data, name, max_pixels, max_side)
    with _alone():
        if pixels <= IN_PROCESS_PIXELS:
            return scale(data, name, max_pixels, max_side)
        return _scale_in_child(data, name, max_pixels, max_side)


def scale(data: bytes, name: str, max_pixels: int, max_side: int) -> ScaledPicture:
    """`open_scaled` in this process, at once."""
    picture = open_picture(data, name, max_pixels)
    return ScaledPicture(limit_side(picture, max_side), picture.size)


def _stated_pixels(data: bytes, name: str, max_pixels: int) -> float:
    """How many pixels a file says that it has; infinitely many if that takes a process to find
    out, and none if `open_picture` refuses it unread."""
    if isolated_format(data):
        return float("inf")
    try:
        check_file(data, name)
        with Image.open(io.BytesIO(data), formats=FORMATS) as file:
            pixels = file.width * file.height
            return pixels if pixels <= max_pixels else 0
    except Exception:  # `open_picture` says what is wrong
        return 0


@contextmanager
def _alone() -> Iterator[None]:
    while not _decoding.acquire(timeout=POLL_S):
        check_cancelled()
    try:
        yield
    finally:
        _decoding.release()


def _scale_in_child(data: bytes, name: str, max_pixels: int, max_side: int) -> ScaledPicture:
    arguments = _arguments(name, max_pixels, max_side)
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as result:
        source.write(data)
        source.seek(0)
        status = _run([sys.executable, "-P", "-m", CHILD, *arguments], source, result)
        result.seek(0)
        header = json.loads(result.readline()) if status in (0, REFUSED) else {}
        if status == REFUSED:
            raise UserError(header["message"], code=header["code"])
        if status:
            raise UserError(
                f"{name} takes more memory to decode than its size suggests; save it again",
                code="picture-damaged",
            )
        width, height = header["size"]
        picture = Image.frombytes(header["mode"], (width, height), result.read())
    picture.info = header["info"]
    return ScaledPicture(picture, tuple(header["file_size"]))


def _arguments(name: str, max_pixels: int, max_side: int) -> list[str]:
    max_bytes = BASE_BYTES + BYTES_PER_PIXEL * max_pixels
    return [name, *map(str, (max_pixels, max_side, max_bytes))]


def _run(command: list[str], source: IO[bytes], result: IO[bytes]) -> int:
    """Run a command until it ends or the active cancellation is cancelled; its exit status."""
    with subprocess.Popen(command, stdin=source, stdout=result, process_group=0) as process:
        try:
            while True:
                check_cancelled()
                try:
                    return process.wait(POLL_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.poll() is None:  # it may have started one more, for AVIF and HEIC
                os.killpg(process.pid, signal.SIGKILL)
