"""AVIF and HEIC are decoded in a process of their own, with a limit of memory."""

import io
import threading
import time

import pillow_heif
import pytest
from PIL import Image, ImageCms

from stylefuse.cancellation import Cancellation, Cancelled
from stylefuse.errors import UserError
from stylefuse.images import isolated_decoder
from stylefuse.images.open import open_picture
from tests.unit.images.test_file_checks import directory

pillow_heif.register_heif_opener()
FORMATS = pytest.mark.parametrize("format", ("AVIF", "HEIF"))


def encoded(format: str, size=(64, 48), mode="RGB", **options) -> bytes:
    file = io.BytesIO()
    left = Image.new(mode, (size[0] // 2, size[1]), (200, 30, 30, 90)[: len(mode)])
    picture = Image.new(mode, size, (20, 40, 180, 255)[: len(mode)])
    picture.paste(left)
    picture.save(file, format, quality=90, **options)
    return file.getvalue()


def understating(format: str, size: tuple[int, int]) -> bytes:
    """A file that states 64×48 pixels and codes more."""
    file = encoded(format, size)
    stated = b"".join(side.to_bytes(4) for side in size)
    assert stated in file
    return file.replace(stated, (64).to_bytes(4) + (48).to_bytes(4))


@FORMATS
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_transparency_and_orientation_are_kept(format, mode):
    exif = Image.Exif()
    exif[274] = 6
    picture = open_picture(encoded(format, mode=mode, exif=exif.tobytes()))
    assert (picture.size, picture.mode) == ((48, 64), mode)
    assert picture.info["format"] == format
    upper, lower = picture.getpixel((24, 8)), picture.getpixel((24, 56))
    assert upper == pytest.approx((200, 30, 30, 90)[: len(mode)], abs=6)
    assert lower == pytest.approx((20, 40, 180, 255)[: len(mode)], abs=6)


@FORMATS
def test_the_profile_is_applied(format):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    red, green, blue = open_picture(encoded(format, icc_profile=swapped)).getpixel((8, 8))
    assert blue > red + 100 and abs(green - 30) < 10


@FORMATS
def test_a_file_that_codes_more_pixels_than_it_states_is_refused(format, monkeypatch):
    monkeypatch.setattr(isolated_decoder, "BASE_BYTES", 32 << 20)
    assert open_picture(encoded(format)).size == (64, 48)
    with pytest.raises(UserError, match="damaged"):
        open_picture(understating(format, (5000, 3000)))


def test_tags_that_share_their_values_are_not_read(monkeypatch):
    monkeypatch.setattr(isolated_decoder, "BASE_BYTES", 64 << 20)
    bomb = b"Exif\0\0" + directory(1000, 300_000)
    with pytest.raises(UserError, match="damaged"):
        open_picture(encoded("AVIF", exif=bomb))


@FORMATS
def test_a_picture_that_is_too_large_is_refused_before_it_is_decoded(format):
    with pytest.raises(UserError, match="64×48 pixels, more than the 3,000") as error:
        open_picture(encoded(format), max_pixels=3000)
    assert error.value.code == "picture-too-large"


def test_an_animated_file_is_refused():
    file = io.BytesIO()
    frames = [Image.new("RGB", (64, 48), (level, 0, 0)) for level in (0, 200)]
    frames[0].save(file, "AVIF", save_all=True, append_images=frames[1:])
    with pytest.raises(UserError) as error:
        open_picture(file.getvalue())
    assert error.value.code == "picture-animated"


@FORMATS
def test_a_broken_file_is_refused(format):
    file = encoded(format, (640, 480))
    with pytest.raises(UserError, match="damaged"):
        open_picture(file[: len(file) * 3 // 4])


def test_a_cancelled_request_ends_the_process(monkeypatch, tmp_path):
    child = tmp_path / "child.py"
    child.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(isolated_decoder, "CHILD", child)
    cancellation = Cancellation()
    threading.Timer(0.5, cancellation.cancel).start()
    began = time.monotonic()
    with cancellation.active(), pytest.raises(Cancelled):
        open_picture(encoded("AVIF"))
    assert time.monotonic() - began < 30
