"""Decoding AVIF and HEIC in a process of its own, with a limit of memory.

Such a file may code many more pixels than it states, and their decoders do not ask whether to stop.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from PIL import Image

from stylefuse.cancellation import check_cancelled
from stylefuse.images import decode_child

FORMATS = ("AVIF", "HEIF")
CHILD = Path(decode_child.__file__)
BASE_BYTES = 256 << 20  # of Python and the decoders
BYTES_PER_PIXEL = 24  # three planes of 16 bits, and copies with 8 bits in four channels
MAX_MESSAGE_BYTES = 300
POLL_S = 0.1  # how often it is checked whether the request for the picture was cancelled


def decode_isolated(data: bytes, picture: Image.Image) -> Image.Image:
    """Decode a picture file.

    Args:
        data: the file.
        picture: the same, opened but not loaded.

    Returns:
        The pixels, with the format and the metadata of `picture`.

    Raises:
        ValueError: the file is broken, or takes more memory than a picture of its size can.
        Cancelled: the active cancellation was cancelled; the process is killed.
    """
    limit = BASE_BYTES + BYTES_PER_PIXEL * picture.width * picture.height
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as result:
        source.write(data)
        source.seek(0)
        arguments = [str(picture.format), str(limit)]
        status = _run([sys.executable, "-P", str(CHILD), *arguments], source, result)
        result.seek(0)
        if status:
            raise ValueError(result.read(MAX_MESSAGE_BYTES).decode() or "the decoder failed")
        mode, width, height = result.readline().decode().split()
        decoded = Image.frombytes(mode, (int(width), int(height)), result.read())
    decoded.format, decoded.info = picture.format, picture.info
    return decoded


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
