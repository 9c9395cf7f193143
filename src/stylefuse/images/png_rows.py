"""PNG files that lack rows of their picture, which Pillow fills with black without a word."""

import zlib
from collections.abc import Iterator

from PIL import Image

from stylefuse.cancellation import check_cancelled
from stylefuse.images.file_checks import PNG_CHUNK_BYTES, PNG_START

HEADER, DATA = b"IHDR", b"IDAT"  # names of chunks
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the header's type of colour
# of Adam7: first column and row, distance of columns and rows
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
          (0, 1, 1, 2))  # fmt: skip
CHUNK_BYTES = 1 << 20


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and data of each chunk of a PNG file; the last one may be cut short."""
    position = len(PNG_START)
    while position + PNG_CHUNK_BYTES <= len(png):
        size = int.from_bytes(png[position : position + 4])
        start = position + 8
        yield png[position + 4 : start], png[start : start + size]
        position += PNG_CHUNK_BYTES + size


def lacks_rows(png: bytes, picture: Image.Image) -> bool:
    """Whether rows are missing in a file that Pillow has decoded.

    The data is decompressed once more, but only where the last row is black or the picture is
    interlaced.

    Args:
        png: the file.
        picture: as Pillow opened it, loaded.
    """
    width, height = picture.size
    last_row = picture.crop((0, height - 1, width, height))
    if not picture.info.get("interlace") and any(last_row.tobytes()):
        return False
    try:
        header = next(data for name, data in chunks(png) if name == HEADER)
        return _inflated_bytes(png) < _expected_bytes(header)
    except (StopIteration, IndexError, KeyError, zlib.error):
        return False  # Pillow has found what it needs


def _inflated_bytes(png: bytes) -> int:
    total, inflater = 0, zlib.decompressobj()
    for name, data in chunks(png):
        while name == DATA and data and not inflater.eof:
            check_cancelled()
            total += len(inflater.decompress(data, CHUNK_BYTES))
            data = inflater.unconsumed_tail
    return total + len(inflater.flush())


def _expected_bytes(header: bytes) -> int:
    """The size of all rows, each with the byte that names its filter."""
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    bits = header[8] * CHANNELS[header[9]]
    passes = PASSES if header[12] else ((0, 0, 1, 1),)
    sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in passes]
    return sum(rows * (1 + -(-columns * bits // 8)) for columns, rows in sizes if columns > 0)
