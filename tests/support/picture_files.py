"""Writers of PNG, TIFF and EXIF structures that Pillow would not write."""

import struct
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

Tags = Mapping[int, int | Sequence[int]]


def quarters(width: int = 24, height: int = 16) -> np.ndarray:
    """A picture of four colours, so that every turn and exchange of channels shows."""
    y, x = np.indices((height, width))
    colours = np.array([[200, 40, 40], [40, 180, 60], [50, 60, 200], [230, 230, 220]], np.uint8)
    return colours[2 * (y >= height // 2) + (x >= width // 2)]


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(levels: np.ndarray, *chunks: tuple[bytes, bytes], colour: int = 2, rows: int = 0) -> bytes:
    """A PNG of levels `[height, width, channels]`, uint8 or uint16, with chunks before the data.

    Args:
        levels: the picture.
        chunks: name and data.
        colour: type of colour of the header.
        rows: how many are written; 0 writes all.
    """
    height, width = levels.shape[:2]
    depth = 8 * levels.itemsize
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    stored = levels.astype(levels.dtype.newbyteorder(">"))[: rows or None]
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in stored))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in parts)


def tiff(parts: Sequence[bytes], tags: Tags) -> bytes:
    """A little-endian TIFF of strips, or of tiles if a tag says so; all tags are LONG."""
    data, offsets = bytearray(b"II*\0" + bytes(4)), []
    for part in parts:
        offsets.append(len(data))
        data += part + bytes(len(part) % 2)
    places = (324, 325) if 322 in tags else (273, 279)
    all_tags = {**tags, places[0]: offsets, places[1]: [len(part) for part in parts]}
    entries = []
    for tag, value in sorted(all_tags.items()):
        values = [value] if isinstance(value, int) else list(value)
        stored = struct.pack(f"<{len(values)}I", *values)
        if len(values) > 1:
            place = len(data)
            data += stored
            stored = struct.pack("<I", place)
        entries.append(struct.pack("<HHI", tag, 4, len(values)) + stored)
    struct.pack_into("<I", data, 4, len(data))
    return bytes(data) + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)


def exif(*entries: tuple[int, int, int, bytes]) -> bytes:
    """An EXIF block of a directory of tag, type, count and value or offset."""
    body = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3].ljust(4, b"\0") for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + bytes(4)


def jpeg_segment(marker: int, data: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def icc_profile(colour_space: bytes, exponent: float) -> bytes:
    """A small profile with levels light^(1/exponent); "RGB " has sRGB's colours."""

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * value) for value in values))

    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(256 * exponent))
    tags = {b"wtpt": xyz(0.9642, 1, 0.8249)}
    if colour_space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        tags |= {b"rXYZ": xyz(0.4361, 0.2225, 0.0139), b"gXYZ": xyz(0.3851, 0.7169, 0.0971),
                 b"bXYZ": xyz(0.1431, 0.0606, 0.7141), b"rTRC": curve, b"gTRC": curve,
                 b"bTRC": curve}  # fmt: skip
    start = 132 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += struct.pack(">4sII", name, start + len(data), len(value))
        data += value
    size = start + len(data)
    header = struct.pack(">I4xI4s4s4s", size, 0x02400000, b"mntr", colour_space, b"XYZ ")
    header += struct.pack(">6H4s", 2020, 1, 1, 0, 0, 0, b"acsp")
    illuminant = struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    return header.ljust(68, b"\0") + illuminant.ljust(60, b"\0") + table + data
