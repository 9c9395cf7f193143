"""Opening pictures: whatever a file holds, it comes out upright, in sRGB, with 8 bits; or a
`UserError` says what is wrong with it."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from stylefuse.errors import UserError
from stylefuse.images.open import BACKGROUND, FORMATS, cut_square, flatten, open_picture

ORIENTATION = 0x0112
FLIPS = Image.Transpose


def encoded(picture, kind="PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def gradient(width=48, height=32):
    """Red grows to the right, green downwards."""
    y, x = np.indices((height, width))
    levels = np.stack([x * 5, y * 7, np.full_like(x, 60)], -1)
    return Image.fromarray(levels.astype(np.uint8))


def values(picture):
    return np.asarray(picture).astype(int)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM"])
def test_every_format_opens(kind):
    opened = open_picture(encoded(gradient(), kind))
    assert (opened.mode, opened.size) == ("RGB", (48, 32))
    assert opened.info["format"] == kind
    assert abs(values(opened) - values(gradient())).mean() < 10


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [(1, None), (2, FLIPS.FLIP_LEFT_RIGHT), (3, FLIPS.ROTATE_180), (4, FLIPS.FLIP_TOP_BOTTOM),
     (5, FLIPS.TRANSPOSE), (6, FLIPS.ROTATE_90), (7, FLIPS.TRANSVERSE), (8, FLIPS.ROTATE_270)],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_pictures_are_turned_upright(orientation, stored, kind):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    turned = gradient() if stored is None else gradient().transpose(stored)
    opened = open_picture(encoded(turned, kind, exif=exif))
    assert opened.size == (48, 32)
    assert abs(values(opened) - values(gradient())).mean() < 6


def test_alpha_is_kept_and_flattened_over_mid_grey():
    picture = gradient().convert("RGBA")
    picture.putalpha(0)
    opened = open_picture(encoded(picture))
    assert opened.mode == "RGBA"
    assert (values(flatten(opened)) == BACKGROUND).all()
    assert flatten(gradient()).tobytes() == gradient().tobytes()


def test_a_palette_with_a_see_through_entry():
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.putdata([0, 1])
    opened = open_picture(encoded(picture, transparency=1))
    assert opened.mode == "RGBA"
    assert opened.info == {"format": "PNG", "mode": "P"}
    assert values(flatten(opened))[0].tolist() == [[255, 0, 0], list(BACKGROUND)]


@pytest.mark.parametrize(("mode", "colour"), [("L", 0), ("RGB", (0, 0, 0))])
def test_a_see_through_colour(mode, colour):
    opened = open_picture(encoded(Image.new(mode, (2, 2)), transparency=colour))
    assert opened.getpixel((0, 0)) == (0, 0, 0, 0)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_grey_is_scaled_not_cut_off(kind):
    levels = np.array([[0, 257, 32896, 65535]], np.uint16)
    opened = open_picture(encoded(Image.fromarray(levels), kind))
    assert opened.mode == "RGB"
    assert values(opened)[0, :, 0].tolist() == [0, 1, 128, 255]


def test_grey_with_alpha_and_one_bit():
    assert open_picture(encoded(Image.new("LA", (2, 2), (9, 0)))).mode == "RGBA"
    assert open_picture(encoded(Image.new("1", (2, 2), 1))).getpixel((0, 0)) == (255, 255, 255)


def test_floating_point_values_are_refused():
    with pytest.raises(UserError, match="floating-point"):
        open_picture(encoded(Image.new("F", (2, 2)), "TIFF"))


def test_a_cmyk_jpeg_has_its_colours():
    data = encoded(Image.new("RGB", (16, 16), (200, 40, 60)).convert("CMYK"), "JPEG", quality=95)
    opened = open_picture(data)
    assert opened.info["mode"] == "CMYK"
    assert abs(values(opened)[8, 8] - (200, 40, 60)).max() < 8


LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def wide_gamut() -> bytes:
    """sRGB's profile with red and green exchanged: a transform that cannot go unnoticed."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ", 128), profile.index(b"gXYZ", 128)
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_colour_profile_is_applied(mode):
    red = Image.new("RGBA", (4, 4), (255, 0, 0, 77)).convert("RGB" if mode == "P" else mode)
    opened = open_picture(encoded(red.convert(mode), icc_profile=wide_gamut()))
    assert abs(values(opened)[0, 0, :3] - (0, 255, 0)).max() < 6
    if mode == "RGBA":
        assert opened.getpixel((0, 0))[3] == 77


@pytest.mark.parametrize("profile", [b"not a profile", LAB, wide_gamut()[:200]])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P"])
def test_a_profile_that_does_not_fit_is_passed_over(mode, profile):
    picture = gradient().convert(mode)
    opened = open_picture(encoded(picture, icc_profile=profile))
    assert abs(values(flatten(opened)) - values(flatten(picture.convert("RGBA")))).max() <= 1


def test_the_first_picture_of_an_mpo_is_the_photograph():
    data = encoded(gradient(), "MPO", save_all=True, append_images=[gradient(8, 8)])
    opened = open_picture(data)
    assert opened.info["format"] == "MPO"
    assert opened.size == (48, 32)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animations_and_pages_are_refused(kind):
    data = encoded(gradient(), kind, save_all=True, append_images=[gradient().rotate(180)])
    with pytest.raises(UserError, match=r"animated or has several pages \(2\)"):
        open_picture(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
def test_a_file_cut_short_is_named(kind, tmp_path):
    path = tmp_path / "half.jpg"
    whole = encoded(gradient(200, 200), kind)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"half\.jpg"):
        open_picture(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", r"is empty \(0 bytes\)"), (b"just words\n", "is not a picture that can be read"),
     (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is not a picture")],
)  # fmt: skip
def test_what_is_no_picture_is_named(content, complaint, tmp_path):
    path = tmp_path / "notes.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"notes\.png {complaint}"):
        open_picture(path)


def test_missing_files_and_folders_are_named(tmp_path):
    for path in (tmp_path, tmp_path / "none.png"):
        with pytest.raises(UserError, match="cannot be read"):
            open_picture(path)
    with pytest.raises(UserError, match="upload 3 is empty"):
        open_picture(b"", name="upload 3")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_too_many_pixels_are_refused_before_decoding(monkeypatch):
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(UserError, match="40000×40000 pixels, more than the 100,000,000"):
        open_picture(bomb)


def test_the_limit_on_pixels_is_the_callers():
    assert open_picture(encoded(gradient()), most_pixels=48 * 32).size == (48, 32)
    with pytest.raises(UserError, match="scale it down"):
        open_picture(encoded(gradient()), most_pixels=48 * 32 - 1)


STARTS = [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe1", b"GIF89a", b"II*\x00", b"MM\x00*", b"BM",
          b"P6\n", b"RIFF\x20\x00\x00\x00WEBPVP8X"]  # fmt: skip


@settings(max_examples=150)
@given(st.binary(max_size=200), st.sampled_from(STARTS))
def test_random_bytes_raise_nothing_but_user_errors(noise, start):
    opens_or_complains(start + noise)


@st.composite
def broken_files(draw):
    """A real file of any format with some bytes overwritten and its end cut off."""
    kind = draw(st.sampled_from([*FORMATS]))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    options = {"exif": exif} if kind in ("PNG", "JPEG", "WEBP", "TIFF") else {}
    data = bytearray(encoded(gradient(), kind, **options))
    places = st.integers(0, len(data) - 1)
    for place, value in draw(st.dictionaries(places, st.integers(0, 255), max_size=8)).items():
        data[place] = value
    return bytes(data[: draw(st.integers(1, len(data)))])


@settings(max_examples=300)
@given(broken_files())
def test_broken_files_raise_nothing_but_user_errors(data):
    opens_or_complains(data)


def opens_or_complains(data):
    try:
        picture = open_picture(data, "the file", most_pixels=1_000_000)
    except UserError as error:
        assert str(error).startswith("the file ")
    else:
        assert picture.mode in ("RGB", "RGBA")
        assert picture.width * picture.height <= 1_000_000


@given(x=st.integers(-60, 60), y=st.integers(-60, 60), side=st.integers(-2, 60))
def test_a_square_is_what_a_grey_wall_around_the_picture_would_show(x, y, side):
    picture = gradient()
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    if side <= 0 or not (-side < x < 48 and -side < y < 32):
        with pytest.raises(ValueError, match="48×32"):
            cut_square(picture, x, y, side)
        return
    wall = Image.new("RGB", (248, 232), BACKGROUND)
    wall.paste(flatten(picture), (100, 100))
    square = cut_square(picture, x, y, side)
    assert square.mode == "RGB"
    assert square == wall.crop((100 + x, 100 + y, 100 + x + side, 100 + y + side))
