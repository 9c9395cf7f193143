"""Files whose values are easily misread are opened with the right ones, or refused by kind."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from stylefuse.errors import UserError
from stylefuse.images.normalise import UPRIGHT
from stylefuse.images.open import flatten, open_picture

SIZE = WIDTH, HEIGHT = 12, 8
PROFILES = {
    "none": None,
    "sRGB": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
}


def png(pixels: bytes, depth: int, colour: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of `SIZE` from packed rows."""
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, 0)
    row = len(pixels) // HEIGHT
    rows = b"".join(b"\0" + pixels[i : i + row] for i in range(0, len(pixels), row))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )


def tiff(data: bytes, bits: int, samples: int, photometric: int, *more: tuple[int, int]) -> bytes:
    """A TIFF of `SIZE` in one strip, with more tags."""
    tags = {256: WIDTH, 257: HEIGHT, 259: 1, 262: photometric, 273: 8, 277: samples, 278: HEIGHT,
            279: len(data), **dict(more)}  # fmt: skip
    entries = [(tag, 4, 1, value) for tag, value in tags.items()]
    end = 8 + len(data)
    entries.append((258, 3, samples, bits if samples == 1 else end))
    if samples == 2:
        entries[-1] = (258, 3, 2, bits | bits << 16)
    values = struct.pack(f"<{samples}H", *[bits] * samples) if samples > 2 else b""
    directory = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    table = struct.pack("<H", len(entries)) + directory + bytes(4)
    return b"II*\0" + struct.pack("<I", end + len(values)) + data + values + table


def grey_levels(depth: int) -> np.ndarray:
    """Levels from 0 to the largest, `[HEIGHT, WIDTH]`."""
    return np.linspace(0, 2**depth - 1, WIDTH * HEIGHT).astype(int).reshape(HEIGHT, WIDTH)


def packed(levels: np.ndarray, depth: int) -> bytes:
    if depth == 16:
        return levels.astype(">u2").tobytes()
    bits = (levels[..., None] >> np.arange(depth)[::-1]) & 1
    return np.packbits(bits.reshape(HEIGHT, -1), axis=1).tobytes()


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_one_grey_level_of_a_png_is_transparent(depth):
    levels = grey_levels(depth)
    chosen = int(levels[3, 5])
    opened = open_picture(
        png(packed(levels, depth), depth, 0, (b"tRNS", struct.pack(">H", chosen)))
    )
    assert opened.mode == "RGBA"
    pixels = np.asarray(opened)
    np.testing.assert_array_equal(pixels[..., 3], np.where(levels == chosen, 0, 255))
    assert abs(pixels[..., 0] - levels * (255 / (2**depth - 1))).max() <= 1


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("depth", [8, 16])
def test_one_colour_of_a_png_is_transparent(depth, profile):
    levels = np.stack([grey_levels(8)] * 3, -1)
    stored = levels * 257 if depth == 16 else levels
    chunks = [(b"tRNS", struct.pack(">HHH", *map(int, stored[2, 2])))]
    if PROFILES[profile]:
        chunks.insert(0, (b"iCCP", b"p\0\0" + zlib.compress(PROFILES[profile])))
    data = stored.astype(">u2" if depth == 16 else "u1").tobytes()
    pixels = np.asarray(open_picture(png(data, depth, 2, *chunks)))
    is_chosen = (levels == levels[2, 2]).all(-1)
    np.testing.assert_array_equal(pixels[..., 3], np.where(is_chosen, 0, 255))
    assert abs(pixels[..., :3].astype(int) - levels).max() <= 1


def saved(picture: Image.Image, format: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def gradient(mode: str) -> Image.Image:
    y, x = np.indices((HEIGHT, WIDTH))
    levels = np.stack([x * 20, y * 30, 255 - x * 10, np.where(x < 4, 0, 255)], -1)
    picture = Image.fromarray(levels.astype(np.uint8), "RGBA")
    return picture.convert("RGB").convert("P") if mode == "P" else picture.convert(mode)


CONTAINERS = {
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA"],
    "WEBP": ["RGB", "RGBA"],
    "TIFF": ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"],
    "BMP": ["1", "L", "P", "RGB"],
    "GIF": ["1", "L", "P"],
}


CASES = [
    (format, mode, profile, orientation)
    for format, modes in CONTAINERS.items()
    for mode in modes
    for profile in PROFILES
    for orientation in (1, *UPRIGHT)
    # BMP and GIF hold neither, and the profiles are none of CMYK
    if (format not in ("BMP", "GIF") or (not PROFILES[profile] and orientation == 1))
    and not (mode == "CMYK" and PROFILES[profile])
]


@pytest.mark.parametrize(("format", "mode", "profile", "orientation"), CASES)
def test_every_mode_of_every_container(format, mode, profile, orientation):
    """With and without a profile and an orientation, as far as the container holds them."""
    picture, options = gradient(mode), {}
    if format == "WEBP":
        options["lossless"] = True
    if PROFILES[profile]:
        options["icc_profile"] = PROFILES[profile]
    if orientation > 1:
        exif = Image.Exif()
        exif[274] = orientation
        options["exif"] = exif
    opened = open_picture(saved(picture, format, **options))
    turn = UPRIGHT.get(orientation)
    expected = picture.convert("RGBA") if turn is None else picture.convert("RGBA").transpose(turn)
    assert opened.size == expected.size
    assert opened.mode == ("RGBA" if expected.getextrema()[3][0] < 255 else "RGB")
    difference = np.asarray(flatten(opened), int) - np.asarray(flatten(expected), int)
    assert abs(difference).max() <= 1


@pytest.mark.parametrize("gamma", [1.0, 0.7, 1 / 2.2, 2.0])
def test_the_gamma_of_a_png_is_applied(gamma):
    levels = grey_levels(8)
    data = png(packed(levels, 8), 8, 0, (b"gAMA", struct.pack(">I", round(gamma * 100_000))))
    light = (levels / 255) ** (1 / gamma)
    shown = light ** (1 / 2.2) * 255  # sRGB but for the darkest levels
    bright = light > 0.03
    assert abs(np.asarray(open_picture(data))[..., 0] - shown)[bright].max() <= 6


@pytest.mark.parametrize(
    "chunk", [(b"sRGB", b"\0"), (b"iCCP", b"p\0\0" + zlib.compress(PROFILES["sRGB"]))]
)
def test_a_profile_overrules_the_gamma(chunk):
    levels = grey_levels(8)
    rgb = np.stack([levels] * 3, -1).astype(np.uint8).tobytes()
    data = png(rgb, 8, 2, chunk, (b"gAMA", struct.pack(">I", 100_000)))
    assert abs(np.asarray(open_picture(data))[..., 0] - levels).max() <= 1


@pytest.mark.parametrize("gamma", [0, 1, 2**31 - 1, 45_455, 55_556])
def test_a_senseless_gamma_is_ignored(gamma):
    levels = grey_levels(8)
    data = png(packed(levels, 8), 8, 0, (b"gAMA", struct.pack(">I", gamma)))
    assert abs(np.asarray(open_picture(data))[..., 0] - levels).max() <= 1


@pytest.mark.parametrize("photometric", [0, 1])
def test_grey_of_16_bits(photometric):
    levels = grey_levels(16)
    opened = open_picture(tiff(levels.astype("<u2").tobytes(), 16, 1, photometric))
    expected = levels / 257 if photometric else 255 - levels / 257
    assert abs(np.asarray(opened)[..., 0] - expected).max() <= 1


@pytest.mark.parametrize(
    ("bits", "samples", "photometric", "more"),
    [
        (16, 3, 2, [(284, 2)]), (32, 1, 1, []), (32, 3, 2, []), (32, 3, 2, [(339, 3)]),
        (16, 2, 1, [(338, 2)]), (8, 5, 5, [(338, 2)]),
    ],
)  # fmt: skip
def test_kinds_of_tiff_are_refused_by_name(bits, samples, photometric, more):
    data = bytes(WIDTH * HEIGHT * samples * bits // 8)
    with pytest.raises(UserError, match="is a TIFF file") as error:
        open_picture(tiff(data, bits, samples, photometric, *more), "scan.tif")
    assert error.value.code == "picture-tiff-unsupported"
    assert "save it" in str(error.value)


@pytest.mark.parametrize(("side", "is_preview"), [((6, 4), True), ((3, 2), True), ((6, 6), False)])
def test_the_preview_of_a_tiff_is_no_second_page(side, is_preview):
    pages = [gradient("RGB").resize(side)]
    data = saved(gradient("RGB"), "TIFF", save_all=True, append_images=pages)
    if is_preview:
        assert open_picture(data).size == SIZE
    else:
        with pytest.raises(UserError, match="several pages"):
            open_picture(data)


@pytest.mark.parametrize("tag", [282, 296, 33434, 37380, 37121, 41486])
@pytest.mark.parametrize("value", ["text", 65_535, (1, 0), b"\xff\xff"])
def test_odd_tags_beside_the_orientation_are_nobodys_concern(tag, value):
    exif = Image.Exif()
    exif[274] = 6
    try:
        exif[tag] = value
        data = saved(gradient("RGB"), "JPEG", quality=95, exif=exif)
    except Exception:
        pytest.skip("Pillow cannot write this tag")
    assert open_picture(data).size == (HEIGHT, WIDTH)


def test_an_alpha_channel_of_zeros_in_a_bmp_is_not_used():
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    pixels = bytes([10, 20, 30, 0]) * (WIDTH * HEIGHT)
    info = struct.pack("<IiiHHIIiiII", 108, WIDTH, HEIGHT, 1, 32, 3, len(pixels), 0, 0, 0, 0)
    header = info + masks + bytes(108 - len(info) - len(masks))
    start = 14 + len(header)
    data = b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + pixels
    opened = open_picture(data)
    assert opened.mode == "RGB"
    assert opened.getpixel((0, 0)) == (30, 20, 10)
