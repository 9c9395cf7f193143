"""Photographs are turned upright whatever else is in their EXIF blocks."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from stylefuse.images.open import open_picture
from tests.support.picture_files import exif, jpeg_segment, png_chunk, quarters

UPRIGHT = Image.fromarray(quarters(32, 16))
TURNED = UPRIGHT.transpose(Image.Transpose.ROTATE_90)  # orientation 6 turns it back
MAKE, ORIENTATION, DESCRIPTION, ARTIST, NOTE = 271, 274, 270, 315, 37500
SIX = ORIENTATION, 3, 1, b"\6\0"
XMP = b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><rdf:Description tiff:Orientation="%d"/>'


def jpeg(picture: Image.Image, *segments: bytes) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=95, subsampling=0)
    return file.getvalue()[:2] + b"".join(segments) + file.getvalue()[2:]


def app1(block: bytes) -> bytes:
    return jpeg_segment(0xE1, b"Exif\0\0" + block)


def is_upright(data: bytes) -> bool:
    opened = open_picture(data)
    return opened.size == UPRIGHT.size and (
        abs(np.asarray(opened).astype(int) - np.asarray(UPRIGHT)).mean() < 4
    )


SEGMENTS = {
    "a byte": app1(exif((ORIENTATION, 1, 1, b"\6"))),
    "a long": app1(exif((ORIENTATION, 4, 1, b"\6"))),
    "a signed short": app1(exif((ORIENTATION, 8, 1, b"\6"))),
    "undefined": app1(exif((ORIENTATION, 7, 1, b"\6"))),
    "text": app1(exif((ORIENTATION, 2, 2, b"6"))),
    "a float": app1(exif((ORIENTATION, 11, 1, struct.pack("<f", 6)))),
    "two values": app1(exif((ORIENTATION, 3, 2, b"\6\0\3\0"))),
    "behind a value past the end": app1(exif((MAKE, 2, 200, b"\xff\xff"), SIX)),
    "behind a huge value": app1(exif((DESCRIPTION, 2, 2**32 - 1, b"\x20"), SIX)),
    "behind an unknown type": app1(exif((MAKE, 99, 5, b"\x20"), SIX)),
    "unsorted": app1(exif((ARTIST, 2, 2, b"A"), SIX)),
    "twice": app1(exif(SIX, (ORIENTATION, 3, 1, b"\3"))),
    "in the first of two blocks": app1(exif(SIX)) + app1(exif((ORIENTATION, 3, 1, b"\3"))),
    "beside a large note": app1(exif(SIX, (NOTE, 7, 60_000, b"\x26")) + b"\xff\xd8" * 30_000),
    "cut short behind it": app1(exif(SIX)[:-4]),
    "of more tags than there are": app1(exif(SIX).replace(b"\x08\0\0\0\1\0", b"\x08\0\0\0\xf0\0")),
    "in XMP alone": jpeg_segment(0xE1, XMP % 6),
    "in XMP behind a block without": app1(exif((MAKE, 2, 2, b"A"))) + jpeg_segment(0xE1, XMP % 6),
    "another one in XMP": jpeg_segment(0xE1, XMP % 3) + app1(exif(SIX)),
}


@pytest.mark.parametrize("kind", SEGMENTS)
def test_an_orientation_of_a_jpeg(kind):
    assert is_upright(jpeg(TURNED, SEGMENTS[kind]))


@pytest.mark.parametrize(
    "entry",
    [
        (ORIENTATION, 3, 1, b"\0"),
        (ORIENTATION, 3, 1, b"\x09"),
        (ORIENTATION, 3, 0, b"\6"),
        (ORIENTATION, 11, 1, struct.pack("<f", float("nan"))),
        (ORIENTATION, 11, 1, struct.pack("<f", float("inf"))),
        (ORIENTATION, 11, 1, struct.pack("<f", 6.7)),
        (ORIENTATION, 2, 4, b"top"),
        (ORIENTATION, 5, 1, b"\xff\xff"),
    ],
)
def test_a_senseless_orientation_is_ignored(entry):
    assert is_upright(jpeg(UPRIGHT, app1(exif(entry))))


@pytest.mark.parametrize("length", [0, 1, 4, 8, 9, 12, 17])
def test_a_block_that_is_cut_short_is_ignored(length):
    assert is_upright(jpeg(UPRIGHT, app1(exif(SIX)[:length])))


@pytest.mark.parametrize("name", ["exif", "APP1"])
def test_the_raw_profile_of_a_png(name):
    file = io.BytesIO()
    TURNED.save(file, "PNG")
    block = b"Exif\0\0" + exif(SIX)
    text = f"\n{name}\n{len(block):8}\n{block.hex()}\n".encode()
    chunk = png_chunk(b"zTXt", f"Raw profile type {name}".encode() + b"\0\0" + zlib.compress(text))
    assert is_upright(file.getvalue()[:33] + chunk + file.getvalue()[33:])
