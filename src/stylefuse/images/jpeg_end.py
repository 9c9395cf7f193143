"""JPEG files that lack their end marker, as some cameras write them."""

import io

from PIL import Image, ImageChops

START, SCAN, END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"  # markers (ITU-T T.81, table B.1)
FILLER = b"\x55" * 4096  # decodes to anything but the grey that libjpeg puts for missing data


def lacks_only_its_end(data: bytes) -> bool:
    """Whether a baseline JPEG file holds its whole picture, but no end marker.

    libjpeg completes cut files with grey, and does not tell. Therefore two ends are tried, of
    which one holds further data: if both give the same picture, nothing of it was missing.

    Args:
        data: the file; its size in pixels was checked.
    """
    if not data.startswith(START) or data.rfind(END) > data.rfind(SCAN):
        return False
    pictures = [
        Image.open(io.BytesIO(data + end), formats=("JPEG",)) for end in (END, FILLER + END)
    ]
    if "progressive" in pictures[0].info:
        return False  # later scans of the whole picture may be missing
    return ImageChops.difference(*pictures).getbbox() is None
