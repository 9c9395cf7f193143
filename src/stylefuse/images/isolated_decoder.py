"""Opening AVIF and HEIC in a process of its own, with a limit of memory.

Such a file may code many more pixels than it states, its tags are read when it is opened, and its
decoders do not ask whether to stop.
"""

import base64
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, NamedTuple

from PIL import Image

from stylefuse.cancellation import check_cancelled
from stylefuse.images import decode_child

BRANDS = {  # of the box "ftyp" at the beginning of a file → Pillow's name of the format
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"), "HEIF"),
}
CHILD = Path(decode_child.__file__)
BASE_BYTES = 256 << 20  # of Python and the decoders
BYTES_PER_PIXEL = 24  # three planes of 16 bits, and copies with 8 bits in four channels
MAX_MESSAGE_BYTES = 300
POLL_S = 0.1  # how often it is checked whether the request for the picture was cancelled


def isolated_format(data: bytes) -> str | None:
    """The format of a file that is opened by `open_isolated`: "AVIF" or "HEIF"; else None."""
    return BRANDS.get(data[8:12]) if data[4:8] == b"ftyp" else None


class IsolatedFile(NamedTuple):
    """What `open_isolated` finds in a file.

    Attributes:
        size: width and height that the file states, in pixels.
        is_animated: whether it has several frames.
        picture: with the file's profile and EXIF block in `info`. It has no pixels if the file is
            animated or too large.
    """

    size: tuple[int, int]
    is_animated: bool
    picture: Image.Image


def open_isolated(data: bytes, max_pixels: int) -> IsolatedFile:
    """Open and decode a picture file.

    Args:
        data: the file, of which `isolated_format` knows the format.
        max_pixels: a larger picture is not decoded.

    Raises:
        ValueError: the file is broken, or takes more memory than a picture of its size can.
        Cancelled: the active cancellation was cancelled; the process is killed.
    """
    format = isolated_format(data)
    arguments = [format, max_pixels, BASE_BYTES, BYTES_PER_PIXEL]
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as result:
        source.write(data)
        source.seek(0)
        status = _run([sys.executable, "-P", str(CHILD), *map(str, arguments)], source, result)
        result.seek(0)
        if status:
            raise ValueError(result.read(MAX_MESSAGE_BYTES).decode() or "the decoder failed")
        header = json.loads(result.readline())
        width, height = header["size"]
        is_decoded = header["is_decoded"]
        picture = Image.frombytes(
            header["mode"], (width, height) if is_decoded else (0, 0), result.read()
        )
    picture.format = format
    picture.info = {name: base64.b64decode(value) for name, value in header["info"].items()}
    return IsolatedFile((width, height), header["is_animated"], picture)


def _run(command: list[str], source: IO[bytes], result: IO[bytes]) -> int:
    """Run a command until it ends or the active cancellation is cancelled; its exit status."""
    with subprocess.Popen(
        command, stdin=source, stdout=result, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while True:
                check_cancelled()
                try:
                    return process.wait(POLL_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            process.kill()  # does nothing once it has ended
