"""Every picture file is opened upright, in sRGB, with 8 bits per channel; or a `UserError` says
what is wrong with it."""

import io
import os
import struct
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from stylefuse.cancellation import Cancellation, Cancelled
from stylefuse.errors import UserError
from stylefuse.images import open as open_module
from stylefuse.images.file_checks import MAX_SCANS
from stylefuse.images.open import (
    BACKGROUND,
    FORMATS,
    MAX_BYTES,
    MAX_SIDE,
    SUFFIXES,
    crop_square,
    flatten,
    open_picture,
)
from tests.support.hostile_pictures import scan_bomb

ORIENTATION = 0x0112
FLIPS = Image.Transpose


def encoded(picture, format="PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def gradient(width=48, height=32):
    """Red grows to the right, green downwards."""
    y, x = np.indices((height, width))
    levels = np.stack([x * 5, y * 7, np.full_like(x, 60)], -1)
    return Image.fromarray(levels.astype(np.uint8))


def values(picture):
    return np.asarray(picture).astype(int)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_every_suffix_opens(suffix, tmp_path):
    pillow_heif.register_heif_opener()
    path = tmp_path / f"picture{suffix}"
    gradient().save(path)
    opened = open_picture(path)
    assert (opened.mode, opened.size) == ("RGB", (48, 32))
    assert opened.info["format"] in (*FORMATS, "AVIF", "HEIF")
    assert abs(values(opened) - values(gradient())).mean() < 10


def test_a_heic_picture_without_its_codecs_says_what_to_install(monkeypatch):
    pillow_heif.register_heif_opener()
    data = encoded(gradient(), "HEIF")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(UserError, match="pip install pillow-heif") as error:
        open_picture(data)
    assert error.value.code == "package-missing"


@pytest.mark.parametrize("format", FORMATS)
def test_the_content_decides_not_the_suffix(format, tmp_path):
    path = tmp_path / "picture.data"
    path.write_bytes(encoded(gradient(), format))
    opened = open_picture(path)
    assert opened.info == {"format": format, "mode": "P" if format == "GIF" else "RGB"}


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [(1, None), (2, FLIPS.FLIP_LEFT_RIGHT), (3, FLIPS.ROTATE_180), (4, FLIPS.FLIP_TOP_BOTTOM),
     (5, FLIPS.TRANSPOSE), (6, FLIPS.ROTATE_90), (7, FLIPS.TRANSVERSE), (8, FLIPS.ROTATE_270)],
)  # fmt: skip
@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_pictures_are_rotated_upright(orientation, stored, format):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    rotated = gradient() if stored is None else gradient().transpose(stored)
    opened = open_picture(encoded(rotated, format, exif=exif))
    assert opened.size == (48, 32)
    assert abs(values(opened) - values(gradient())).mean() < 6


def test_alpha_is_kept_and_flattened_over_mid_grey():
    picture = gradient().convert("RGBA")
    picture.putalpha(0)
    opened = open_picture(encoded(picture))
    assert opened.mode == "RGBA"
    assert (values(flatten(opened)) == BACKGROUND).all()
    assert flatten(gradient()).tobytes() == gradient().tobytes()


def test_a_palette_with_a_transparent_entry():
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.putdata([0, 1])
    opened = open_picture(encoded(picture, transparency=1))
    assert opened.mode == "RGBA"
    assert opened.info == {"format": "PNG", "mode": "P"}
    assert values(flatten(opened))[0].tolist() == [[255, 0, 0], list(BACKGROUND)]


@pytest.mark.parametrize(("mode", "colour"), [("L", 0), ("RGB", (0, 0, 0))])
def test_a_transparent_colour(mode, colour):
    opened = open_picture(encoded(Image.new(mode, (2, 2)), transparency=colour))
    assert opened.getpixel((0, 0)) == (0, 0, 0, 0)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_is_scaled_not_clipped(format):
    levels = np.array([[0, 257, 32896, 65535]], np.uint16)
    opened = open_picture(encoded(Image.fromarray(levels), format))
    assert opened.mode == "RGB"
    assert values(opened)[0, :, 0].tolist() == [0, 1, 128, 255]


def test_grey_with_alpha_and_one_bit():
    assert open_picture(encoded(Image.new("LA", (2, 2), (9, 0)))).mode == "RGBA"
    assert open_picture(encoded(Image.new("1", (2, 2), 1))).getpixel((0, 0)) == (255, 255, 255)


def test_floating_point_values_are_refused():
    with pytest.raises(UserError, match="floating-point") as error:
        open_picture(encoded(Image.new("F", (2, 2)), "TIFF"))
    assert error.value.code == "picture-floating-point"


def test_a_cmyk_jpeg_keeps_its_colours():
    data = encoded(Image.new("RGB", (16, 16), (200, 40, 60)).convert("CMYK"), "JPEG", quality=95)
    opened = open_picture(data)
    assert opened.info["mode"] == "CMYK"
    assert abs(values(opened)[8, 8] - (200, 40, 60)).max() < 8


LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def exchanged_profile() -> bytes:
    """sRGB's profile with red and green exchanged, so that applying it has a visible effect."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ", 128), profile.index(b"gXYZ", 128)
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_colour_profile_is_applied(mode):
    red = Image.new("RGBA", (4, 4), (255, 0, 0, 77)).convert("RGB" if mode == "P" else mode)
    opened = open_picture(encoded(red.convert(mode), icc_profile=exchanged_profile()))
    assert abs(values(opened)[0, 0, :3] - (0, 255, 0)).max() < 6
    if mode == "RGBA":
        assert opened.getpixel((0, 0))[3] == 77


@pytest.mark.parametrize("profile", [b"not a profile", LAB, exchanged_profile()[:200]])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P"])
def test_an_unusable_profile_is_ignored(mode, profile):
    picture = gradient().convert(mode)
    opened = open_picture(encoded(picture, icc_profile=profile))
    assert abs(values(flatten(opened)) - values(flatten(picture.convert("RGBA")))).max() <= 1


def test_the_first_picture_of_an_mpo_is_the_photograph():
    data = encoded(gradient(), "MPO", save_all=True, append_images=[gradient(8, 8)])
    opened = open_picture(data)
    assert opened.info["format"] == "MPO"
    assert opened.size == (48, 32)


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animations_and_several_pages_are_refused(format):
    data = encoded(gradient(), format, save_all=True, append_images=[gradient().rotate(180)])
    with pytest.raises(UserError, match="animated or has several pages") as error:
        open_picture(data)
    assert error.value.code == "picture-animated"


def test_pipes_devices_folders_and_huge_files_are_refused_unread(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    for path, message in {
        tmp_path / "pipe": "pipe is not a file, but a pipe or a device",
        Path("/dev/zero"): "/dev/zero is not a file, but a pipe or a device",
        tmp_path: "cannot be read: Is a directory",
        tmp_path / "huge.png": "has 1,073,741,825 bytes, more than the 1,073,741,824 allowed",
        tmp_path / "missing": "cannot be read: No such file or directory",
    }.items():
        with pytest.raises(UserError) as error:
            open_picture(path)
        assert message in str(error.value)


def test_a_jpeg_of_too_many_scans_is_refused_before_it_is_decoded(monkeypatch):
    data = scan_bomb(MAX_SCANS - 1, 32, 24)  # and the first one, of the average levels
    assert open_picture(data).size == (32, 24)
    monkeypatch.setattr(open_module, "normalise", None)
    with pytest.raises(UserError, match="a JPEG of more than 64 scans") as error:
        open_picture(scan_bomb(MAX_SCANS, 32, 24))
    assert error.value.code == "picture-too-many-scans"


def test_markers_in_other_segments_are_no_scans():
    preview = encoded(gradient(16, 16), "JPEG")
    data = encoded(
        gradient(), "JPEG", progressive=True, exif=b"Exif\0\0" + 90 * b"\xff\xda" + preview
    )
    assert open_picture(data + 90 * b"\xff\xda").size == (48, 32)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
def test_a_truncated_file_is_named(format, tmp_path):
    path = tmp_path / "half.jpg"
    data = encoded(gradient(200, 200), format)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match=r"half\.jpg") as error:
        open_picture(path)
    assert error.value.code == "picture-damaged"


@pytest.mark.parametrize(
    ("content", "message", "code"),
    [
        (b"", "is empty (0 bytes)", "picture-empty"),
        (
            b"just words\n",
            "is not a picture file that can be opened; use PNG, JPEG, WebP, AVIF, HEIC, "
            "TIFF, BMP or GIF",
            "picture-format-unsupported",
        ),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "is not a picture file that can be opened; use PNG, JPEG, WebP, AVIF, HEIC, "
            "TIFF, BMP or GIF",
            "picture-format-unsupported",
        ),
    ],
)
def test_a_file_that_is_not_a_picture_is_named(content, message, code, tmp_path):
    path = tmp_path / "notes.png"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        open_picture(path)
    assert str(error.value) == f"{path} {message}"
    assert error.value.code == code


def test_missing_files_and_folders_are_named(tmp_path):
    for path in (tmp_path, tmp_path / "none.png"):
        with pytest.raises(UserError, match=f"{path} cannot be read: ") as error:
            open_picture(path)
        assert error.value.code == "picture-not-readable"
    with pytest.raises(UserError, match="upload 3 is empty"):
        open_picture(b"", name="upload 3")


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def test_too_many_pixels_are_refused_before_decoding(monkeypatch):
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header), png_chunk(b"IDAT", b""), png_chunk(b"IEND", b"")
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(UserError, match="40000×40000 pixels, more than the 100,000,000") as error:
        open_picture(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    assert error.value.code == "picture-too-large"


def test_the_caller_may_limit_the_pixels():
    assert open_picture(encoded(gradient()), max_pixels=48 * 32).size == (48, 32)
    with pytest.raises(UserError, match="scale it down"):
        open_picture(encoded(gradient()), max_pixels=48 * 32 - 1)


@pytest.mark.parametrize("size", [(1, MAX_SIDE + 1), (MAX_SIDE + 1, 1)])
def test_a_side_is_limited_however_narrow_the_picture(size):
    with pytest.raises(UserError, match="more than the 65,535 allowed along a side") as error:
        open_picture(encoded(Image.new("L", size)))
    assert error.value.code == "picture-too-large"


STARTS = [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe1", b"GIF89a", b"II*\x00", b"MM\x00*", b"BM",
          b"P6\n", b"RIFF\x20\x00\x00\x00WEBPVP8X"]  # fmt: skip


@settings(max_examples=150)
@given(st.binary(max_size=200), st.sampled_from(STARTS))
def test_random_bytes_raise_nothing_but_user_errors(noise, start):
    open_or_refuse(start + noise)


@st.composite
def broken_files(draw):
    """A real file of any format with some bytes overwritten and its end cut off."""
    format = draw(st.sampled_from([*FORMATS]))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    options = {"exif": exif} if format in ("PNG", "JPEG", "WEBP", "TIFF") else {}
    data = bytearray(encoded(gradient(), format, **options))
    places = st.integers(0, len(data) - 1)
    for place, value in draw(st.dictionaries(places, st.integers(0, 255), max_size=8)).items():
        data[place] = value
    return bytes(data[: draw(st.integers(1, len(data)))])


@settings(max_examples=300)
@given(broken_files())
def test_broken_files_raise_nothing_but_user_errors(data):
    open_or_refuse(data)


def open_or_refuse(data):
    try:
        picture = open_picture(data, "the file", max_pixels=1_000_000)
    except UserError as error:
        assert str(error).startswith("the file ")
    else:
        assert picture.mode in ("RGB", "RGBA")
        assert picture.width * picture.height <= 1_000_000


@given(x=st.integers(-60, 60), y=st.integers(-60, 60), side=st.integers(-2, 60))
def test_a_square_shows_the_picture_on_a_grey_background(x, y, side):
    picture = gradient()
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    if side <= 0 or not (-side < x < 48 and -side < y < 32):
        with pytest.raises(ValueError, match="48×32"):
            crop_square(picture, x, y, side)
        return
    background = Image.new("RGB", (248, 232), BACKGROUND)
    background.paste(flatten(picture), (100, 100))
    square = crop_square(picture, x, y, side)
    assert square.mode == "RGB"
    assert square == background.crop((100 + x, 100 + y, 100 + x + side, 100 + y + side))


def test_large_pictures_are_decoded_one_at_a_time_and_small_ones_beside_them(monkeypatch):
    monkeypatch.setattr(open_module, "LARGE_PIXELS", 100)
    at_once, most, lock = [], [], threading.Lock()
    original = open_module.normalise

    def normalise(picture, name):
        with lock:
            at_once.append(picture.size)
            most.append(len(at_once))
        time.sleep(0.05)
        with lock:
            at_once.remove(picture.size)
        return original(picture, name)

    monkeypatch.setattr(open_module, "normalise", normalise)
    for size, expected in (((20, 20), 1), ((10, 10), 4)):
        most.clear()
        data = encoded(gradient(*size))
        with ThreadPoolExecutor(4) as pool:
            assert len(list(pool.map(open_picture, [data] * 4))) == 4
        assert max(most) == expected


def test_a_large_picture_that_waits_can_be_cancelled(monkeypatch):
    monkeypatch.setattr(open_module, "LARGE_PIXELS", 100)
    cancellation = Cancellation()
    threading.Timer(0.2, cancellation.cancel).start()
    with open_module._decoding_large, cancellation.active(), pytest.raises(Cancelled):
        open_picture(encoded(gradient(20, 20)))
    assert open_picture(encoded(gradient(20, 20))).size == (20, 20)
