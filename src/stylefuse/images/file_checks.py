"""Refuses picture files that take much more memory or time to decode than their size suggests.

The checks look at the bytes alone: Pillow reads tags and metadata when it opens a file.
"""

import re
import struct
import sys

from stylefuse.errors import UserError

MAX_SCANS = 64  # of a progressive JPEG; cameras and programs write up to 20
MAX_SEGMENTS = 2000  # of a JPEG: a large profile or preview is in a few hundred
FREE_BLOCKS, BYTES_PER_BLOCK = 1000, 64  # PNG and GIF: blocks of each file, and bytes for each more
MAX_COMMENT_BYTES = 1 << 18  # of a GIF: Pillow joins its comments piece by piece
MAX_COMMENT_LINES = 1000  # of a PPM, also read one by one
JPEG_START, JPEG_SCAN, JPEG_END, JPEG_APP1 = b"\xff\xd8", b"\xda", b"\xd9", b"\xe1"
JPEG_MARKER = re.compile(rb"\xff+([^\x00\x01\xd0-\xd7\xff])")  # of a segment with a length
JPEG_APP2, MPF_START = b"\xe2", b"MPF\0"  # further pictures in the file
JPEG_ARITHMETIC = {bytes([marker]) for marker in (0xC9, 0xCA, 0xCB, 0xCC, 0xCD, 0xCE, 0xCF)}
EXIF_START = b"Exif\0\0"
PNG_START, PNG_CHUNK_BYTES = b"\x89PNG\r\n\x1a\n", 12  # of a chunk without data
GIF_START, GIF_IMAGE, GIF_EXTENSION, GIF_END, GIF_COMMENT = b"GIF8", 0x2C, 0x21, 0x3B, 0xFE
PLAIN_PPM = re.compile(rb"P[1-3]\s")  # numbers as text
TIFF_ORDERS = {b"II*\0": "<", b"MM\0*": ">", b"II+\0": "<", b"MM\0+": ">"}  # with +: BigTIFF
MAX_SHARING, FREE_BYTES = 8, 1 << 16  # bytes of values, for each byte and for each file
MAX_DIRECTORIES = 16  # that are looked at; Pillow reads fewer
MAX_TAGS = 10_000  # of a directory; files have a hundred
MAX_NUMBERS = 150_000  # of a directory, as strips of 65,535 rows have; each becomes an object
TEXT_TYPES = {1, 2, 6, 7}  # whose values stay bytes
PART_TAGS = {273, 279, 324, 325}  # where the strips and tiles are: of each Pillow makes an object
INNER_DIRECTORIES = {34665, 34853, 40965}  # tags: EXIF, GPS and interoperability
TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
              16: 8, 17: 8, 18: 8}  # fmt: skip


def check_file(data: bytes, name: str) -> None:
    """Check a picture file before it is opened.

    Args:
        data: its bytes.
        name: of the picture in messages.

    Raises:
        UserError: the file is made to exhaust whoever opens it.
    """
    if data.startswith(JPEG_START):
        _check_jpeg(data, name)
    elif data[:4] in TIFF_ORDERS and not has_plausible_tags(data):
        raise UserError(
            f"{name} has tags that are larger than the file; save it again",
            code="picture-damaged",
        )
    elif (
        (data.startswith(PNG_START) and _has_small_chunks(data))
        or (data.startswith(GIF_START) and _has_small_blocks(data))
        or (PLAIN_PPM.match(data) and data.count(b"#") > MAX_COMMENT_LINES)
    ):
        raise UserError(
            f"{name} consists of very many small parts; save it again",
            code="picture-too-many-segments",
        )


def has_plausible_tags(tiff: bytes) -> bool:
    """Whether the values of all tags of a TIFF file or an EXIF block take about its own size.

    Each tag may name the same bytes, so that a small file holds gigabytes of values. A few tags
    with senseless lengths, as some cameras write, are no obstacle.
    """
    order, is_big = TIFF_ORDERS.get(tiff[:4]), tiff[2:4] in (b"+\0", b"\0+")
    if order is None:
        return True  # Pillow does not read it either
    offset_form = "Q" if is_big else "I"
    pending = _values(tiff, 8 if is_big else 4, order + offset_form)
    seen: set[int] = set()
    total = 0
    while pending and len(seen) < MAX_DIRECTORIES:
        position = pending.pop()
        if position and position not in seen:
            seen.add(position)
            size, further = _directory(tiff, position, order, is_big)
            total += size
            pending += further
    return total <= MAX_SHARING * len(tiff) + FREE_BYTES


def _directory(tiff: bytes, position: int, order: str, is_big: bool) -> tuple[int, list[int]]:
    """The bytes of all values of a directory of tags, and the positions of the next directory and
    of those inside it."""
    count_form, entry_form, offset_form = ("Q", "HHQQ", "Q") if is_big else ("H", "HHII", "I")
    entry_bytes = struct.calcsize(order + entry_form)
    (count,) = _values(tiff, position, order + count_form) or [0]
    if count > MAX_TAGS:
        return sys.maxsize, []
    first = position + struct.calcsize(order + count_form)
    count = min(count, max(0, len(tiff) - first) // entry_bytes)  # cut short: no more is read
    total, numbers, inner = 0, 0, []
    for index in range(count):
        tag, kind, values, value = struct.unpack_from(
            order + entry_form, tiff, first + index * entry_bytes
        )
        total += min(TYPE_BYTES.get(kind, 1) * values, len(tiff))
        numbers += values * (kind not in TEXT_TYPES or tag in PART_TAGS)
        if numbers > MAX_NUMBERS:
            return sys.maxsize, []
        if tag in INNER_DIRECTORIES:
            inner.append(value)
    return total, [*_values(tiff, first + count * entry_bytes, order + offset_form), *inner]


def _values(data: bytes, position: int, form: str) -> list[int]:
    """The numbers at a position; none if the data is cut short there."""
    try:
        return list(struct.unpack_from(form, data, position))
    except struct.error:
        return []


def _max_blocks(data: bytes) -> int:
    return FREE_BLOCKS + len(data) // BYTES_PER_BLOCK


def _has_small_chunks(png: bytes) -> bool:
    """Whether a PNG file has so many chunks that Pillow would take seconds to read them."""
    position, limit = len(PNG_START), _max_blocks(png)
    for _ in range(limit):
        if position >= len(png):
            return False
        position += PNG_CHUNK_BYTES + int.from_bytes(png[position : position + 4])
    return True


def _has_small_blocks(gif: bytes) -> bool:
    """Whether a GIF file has so many blocks, or such long comments, that Pillow would take seconds
    to read them. A second image is not looked at: animations are not opened."""
    position, blocks, comments = 13 + _colour_table_bytes(gif[10:11]), 0, 0
    images, limit = 0, _max_blocks(gif)
    while position < len(gif) and images < 2:
        kind, position, blocks = gif[position], position + 1, blocks + 1
        is_comment = gif[position : position + 1] == bytes([GIF_COMMENT])
        if kind == GIF_END:
            break
        if kind == GIF_IMAGE:
            position += 10 + _colour_table_bytes(gif[position + 8 : position + 9])
            images += 1
        elif kind == GIF_EXTENSION:
            position += 1
        elif blocks <= limit:
            continue  # Pillow looks for a block at the next byte
        while blocks <= limit and position < len(gif) and (size := gif[position]):
            position, blocks = position + 1 + size, blocks + 1
            comments += size * (kind == GIF_EXTENSION and is_comment)
        position += 1
        if blocks > limit or comments > MAX_COMMENT_BYTES:
            return True
    return False


def _colour_table_bytes(flags: bytes) -> int:
    """The size of the colour table that a GIF's flags announce; `flags` may be cut short."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _check_jpeg(data: bytes, name: str) -> None:
    """Refuse very many scans, of which each may be of the whole picture in a few bytes, very many
    segments, and implausible EXIF blocks."""
    scans = segments = 0
    position, exif = len(JPEG_START), bytearray()
    while (marker := JPEG_MARKER.search(data, position)) and marker[1] != JPEG_END:
        scans, segments = scans + (marker[1] == JPEG_SCAN), segments + 1
        if scans > MAX_SCANS:
            raise UserError(
                f"{name} is a JPEG of more than {MAX_SCANS} scans; save it again",
                code="picture-too-many-scans",
            )
        if segments > MAX_SEGMENTS:
            raise UserError(
                f"{name} is a JPEG of more than {MAX_SEGMENTS} segments; save it again",
                code="picture-too-many-segments",
            )
        length = int.from_bytes(data[marker.end() : marker.end() + 2])
        segment = data[marker.end() + 2 : marker.end() + length]
        if marker[1] in JPEG_ARITHMETIC:
            raise UserError(
                f"{name} is a JPEG with arithmetic coding, which takes long to decode; save it "
                "with Huffman coding, as usual",
                code="picture-format-unsupported",
            )
        if marker[1] == JPEG_APP2 and segment.startswith(MPF_START):
            _check_tags(segment[len(MPF_START) :], name)
        if marker[1] == JPEG_APP1 and segment.startswith(EXIF_START):
            exif += segment[len(EXIF_START) :]
        position = marker.end() + length
    _check_tags(bytes(exif), name)


def _check_tags(tiff: bytes, name: str) -> None:
    if not has_plausible_tags(tiff):
        raise UserError(
            f"{name} has EXIF tags that are larger than the file; save it without them",
            code="picture-damaged",
        )
