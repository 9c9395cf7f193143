"""Small files that would take much memory or time are refused, or their metadata ignored."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from stylefuse.errors import UserError
from stylefuse.images.file_checks import MAX_COMMENTS, MAX_SEGMENTS, has_plausible_tags
from stylefuse.images.open import open_picture


def encoded(format, **options):
    file = io.BytesIO()
    Image.new("RGB", (8, 6), (10, 200, 30)).save(file, format, **options)
    return file.getvalue()


def directory(tags: int, size: int, *entries: tuple[int, int, int, int], order="<") -> bytes:
    """A TIFF whose many tags all name the same bytes."""
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    shared = 8 + 2 + 12 * (tags + len(entries)) + 4
    every = [*entries, *((1000 + number, 7, size, shared) for number in range(tags))]
    table = struct.pack(order + "H", len(every)) + b"".join(
        struct.pack(order + "HHII", *entry) for entry in sorted(every)
    )
    return start + table + bytes(4) + bytes(size)


PICTURE = (
    (256, 4, 1, 8), (257, 4, 1, 6), (258, 4, 1, 8), (259, 4, 1, 1), (262, 4, 1, 1), (273, 4, 1, 8),
    (277, 4, 1, 1), (278, 4, 1, 6), (279, 4, 1, 48),
)  # fmt: skip


@pytest.mark.parametrize("order", ["<", ">"])
def test_tags_that_share_their_values_are_refused_unread(order):
    assert open_picture(directory(2, 1000, *PICTURE, order=order)).size == (8, 6)
    with pytest.raises(UserError, match="tags that are larger than the file"):
        open_picture(directory(4000, 300_000, *PICTURE, order=order))


def test_such_exif_of_a_jpeg_is_refused_and_of_a_png_ignored():
    bomb = directory(300, 60_000, (274, 3, 1, 6))
    chunk = struct.pack(">I", len(bomb)) + b"eXIf" + bomb
    png = encoded("PNG")
    png = png[:33] + chunk + struct.pack(">I", zlib.crc32(chunk[4:])) + png[33:]
    assert open_picture(png).size == (8, 6)
    payload = b"Exif\0\0" + bomb[:65_000]
    segment = b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload
    jpeg = encoded("JPEG")
    with pytest.raises(UserError, match="EXIF tags"):
        open_picture(jpeg[:2] + segment + jpeg[2:])


def test_a_few_tags_of_senseless_length_are_no_obstacle():
    exif = Image.Exif()
    exif[274] = 6
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    count = struct.unpack_from(">H", block, 8)[0]
    senseless = struct.pack(">HHII", 37_500, 7, 2**31, 99)
    entries = block[10 : 10 + 12 * count] + senseless
    block = block[:8] + struct.pack(">H", count + 1) + entries + bytes(4)
    assert has_plausible_tags(block)
    assert open_picture(encoded("JPEG", exif=b"Exif\0\0" + block)).size == (6, 8)


def test_directories_that_form_a_circle_are_read_once():
    circle = directory(1, 10)
    position = 8 + 2 + 12
    assert has_plausible_tags(circle[:position] + struct.pack("<I", 8) + circle[position + 4 :])


def test_very_many_segments_or_comments_are_refused():
    jpeg, gif = encoded("JPEG"), encoded("GIF")
    with pytest.raises(UserError, match="segments"):
        open_picture(jpeg[:2] + b"\xff\xfe\0\2" * (MAX_SEGMENTS + 1) + jpeg[2:])
    with pytest.raises(UserError, match="comments"):
        open_picture(gif[:-1] + b"\x21\xfe\1x\0" * (MAX_COMMENTS + 1) + gif[-1:])


@pytest.mark.parametrize("head", [b"P3\n1200 1000\n255\n", b"P5\n1200 1000\n254\n"])
def test_large_pictures_in_slow_codecs_are_refused(head):
    with pytest.raises(UserError, match="save it as a PNG file"):
        open_picture(head + b"5 " * 1_200_000)
    assert open_picture(head.replace(b"1200 1000", b"2 1") + b"5 5 5 5 5 5 ").size == (2, 1)


def test_a_profile_with_processing_elements_is_not_used():
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile += b"mpet" + bytes(60)
    profile[:4] = struct.pack(">I", len(profile))
    pixels = np.asarray(open_picture(encoded("PNG", icc_profile=bytes(profile))))
    np.testing.assert_array_equal(pixels, np.broadcast_to((10, 200, 30), (6, 8, 3)))
