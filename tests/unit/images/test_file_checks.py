"""Small files that would take much memory or time are refused, or their metadata ignored."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from stylefuse.errors import UserError
from stylefuse.images.file_checks import has_plausible_tags
from stylefuse.images.metadata import kept_metadata
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
    png = encoded("PNG")
    assert open_picture(png[:33] + chunk(b"eXIf", bomb) + png[33:]).size == (8, 6)
    payload = b"Exif\0\0" + bomb[:65_000]
    segment = b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload
    jpeg = encoded("JPEG")
    with pytest.raises(UserError, match="EXIF tags"):
        open_picture(jpeg[:2] + segment + jpeg[2:])


def test_such_tags_in_a_text_of_a_png_are_not_read():
    bomb = directory(300, 60_000, (274, 3, 1, 6))
    text = f"\nexif\n{len(bomb):8}\n{bomb.hex()}\n".encode()
    png = encoded("PNG")
    picture = (
        png[:33] + chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text)) + png[33:]
    )
    assert open_picture(picture).size == (8, 6)


def test_the_orientation_in_a_text_of_a_png_is_followed():
    block = b"Exif\0\0" + directory(0, 0, (274, 3, 1, 6))
    text = f"\nexif\n{len(block):8}\n{block.hex()}\n".encode()
    png = encoded("PNG")
    picture = png[:33] + chunk(b"tEXt", b"Raw profile type exif\0" + text) + png[33:]
    assert open_picture(picture).size == (6, 8)


@pytest.mark.parametrize("tag", [34_665, 34_853, 40_965])
def test_directories_inside_a_directory_are_checked_too(tag):
    inner = directory(300, 60_000)[8:]
    outer = b"II*\0" + struct.pack("<IHHHII", 8, 1, tag, 4, 1, 26) + bytes(4)
    shared = struct.pack("<I", 8 + 2 + 12 * 300 + 4)
    moved = inner.replace(shared, struct.pack("<I", struct.unpack("<I", shared)[0] + 18))
    assert not has_plausible_tags(outer + moved)
    assert has_plausible_tags(outer + directory(2, 100)[8:])


def test_very_many_tags_are_not_plausible():
    assert not has_plausible_tags(directory(20_000, 1))


@pytest.mark.parametrize("exif", [b"Exif\0\0" + directory(300, 60_000)])
def test_metadata_that_is_kept_is_checked(exif, tmp_path):
    path = tmp_path / "a.png"
    png = encoded("PNG")
    path.write_bytes(png[:33] + chunk(b"eXIf", exif.removeprefix(b"Exif\0\0")) + png[33:])
    assert kept_metadata(path) == {}


def with_segment(marker: bytes, payload: bytes) -> bytes:
    jpeg = encoded("JPEG")
    return jpeg[:2] + marker + struct.pack(">H", len(payload) + 2) + payload + jpeg[2:]


def test_tags_of_further_pictures_in_a_jpeg_are_checked():
    bomb = b"MPF\0" + directory(3000, 20_000)
    with pytest.raises(UserError, match="tags that are larger"):
        open_picture(with_segment(b"\xff\xe2", bomb))
    assert open_picture(with_segment(b"\xff\xe2", b"MPF\0" + directory(2, 10))).size == (8, 6)


@pytest.mark.parametrize("marker", [0xC9, 0xCA, 0xCC])
def test_a_jpeg_with_arithmetic_coding_is_refused(marker):
    with pytest.raises(UserError, match="arithmetic coding"):
        open_picture(with_segment(bytes([0xFF, marker]), bytes(15)))


def test_very_many_strips_or_numbers_are_not_plausible():
    assert has_plausible_tags(directory(0, 200_000, (273, 1, 100_000, 26)))
    assert not has_plausible_tags(directory(0, 200_000, (273, 1, 200_000, 26)))  # a byte each
    assert has_plausible_tags(directory(0, 1_600_000, (50_000, 7, 1_600_000, 26)))
    assert not has_plausible_tags(directory(0, 1_600_000, (50_000, 5, 200_000, 26)))


@pytest.mark.parametrize("tile", [(16_384, 16), (16, 16_384)])
def test_tiles_much_larger_than_the_picture_are_refused(tile):
    tags = (
        (256, 4, 1, 8), (257, 4, 1, 6), (258, 4, 1, 8), (259, 4, 1, 1), (262, 4, 1, 1),
        (277, 4, 1, 1), (322, 4, 1, tile[0]), (323, 4, 1, tile[1]), (324, 4, 1, 8),
        (325, 4, 1, tile[0] * tile[1]),
    )  # fmt: skip
    with pytest.raises(UserError, match="tiles of"):
        open_picture(directory(0, tile[0] * tile[1], *tags))


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


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """Of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_parts(format: str, part: bytes, count: int) -> bytes:
    """A picture with further chunks or blocks before its pixels."""
    if format == "PPM":
        return b"P3\n" + part * count + b"2 1\n255\n" + b"5 " * 6
    file = encoded(format)
    start = {"JPEG": 2, "PNG": 33, "GIF": file.find(b",")}[format]
    return file[:start] + part * count + file[start:]


SMALL_PARTS = {
    "JPEG segments": ("JPEG", b"\xff\xfe\0\2"),
    "PNG texts": ("PNG", chunk(b"tEXt", b"a\0b")),
    "PNG unknown chunks": ("PNG", chunk(b"abCd")),
    "PNG data": ("PNG", chunk(b"IDAT")),
    "GIF comments": ("GIF", b"\x21\xfe\1x\0"),
    "GIF extensions": ("GIF", b"\x21\xf0\1x\1y\0"),
    "PPM comments": ("PPM", b"#\n"),
}


@pytest.mark.parametrize("format, part", SMALL_PARTS.values(), ids=SMALL_PARTS.keys())
def test_a_picture_of_very_many_small_parts_is_refused(format, part):
    assert open_picture(with_parts(format, part, 20)).mode == "RGB"
    with pytest.raises(UserError, match=r"segments|small parts"):
        open_picture(with_parts(format, part, 20_000))


def test_a_gif_of_small_blocks_long_comments_or_bytes_between_its_blocks_is_refused():
    gif = encoded("GIF")
    image = gif.index(b",")
    pixels = gif.rindex(b"\0;")
    for position, inserted in (
        (image, b"\x21\xfe" + (b"\xff" + bytes(255)) * 2000 + b"\0"),
        (image, b"\x21\xf0" + b"\1a" * 20_000 + b"\0"),
        (image, b"a" * 20_000),
        (pixels, b"\1a" * 20_000),
    ):
        with pytest.raises(UserError, match="small parts"):
            open_picture(gif[:position] + inserted + gif[position:])


def test_large_pictures_in_the_usual_blocks_are_opened():
    noise = np.random.default_rng(0).integers(0, 256, (700, 700, 3), np.uint8)
    for format in ("PNG", "GIF"):
        file = io.BytesIO()
        Image.fromarray(noise).save(file, format)
        assert open_picture(file.getvalue()).size == (700, 700)


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
