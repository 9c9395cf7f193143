"""What a file says of its colours is applied in the right order; what makes no sense is ignored."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.open import open_picture
from tests.support.picture_files import icc_profile, png, quarters

COLOURS = quarters()
P3 = 0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06
SRGB = 0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06
LINEAR = icc_profile(b"RGB ", 1)


def profile(data: bytes) -> tuple[bytes, bytes]:
    return b"iCCP", b"name\0\0" + zlib.compress(data)


def gamma(exponent: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(exponent * 100_000))


def primaries(*values: float) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in values))


def code_points(*values: int) -> tuple[bytes, bytes]:
    return b"cICP", bytes(values)


def encoded(light: np.ndarray) -> np.ndarray:
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def from_linear(levels: np.ndarray) -> np.ndarray:
    return encoded(levels / 255)


def from_p3(levels: np.ndarray) -> np.ndarray:
    """By the matrix of the CSS colour specification, level 4."""
    matrix = [[1.2249, -0.2247, 0], [-0.042, 1.0419, 0], [-0.0197, -0.0786, 1.0979]]
    levels = levels / 255
    light = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return encoded(light @ np.transpose(matrix))


def unchanged(levels: np.ndarray) -> np.ndarray:
    return levels


CASES = {
    "a linear profile": ([profile(LINEAR)], from_linear),
    "a linear gamma": ([gamma(1)], from_linear),
    "a gamma behind a broken profile": ([gamma(1), profile(b"?" * 200)], from_linear),
    "a gamma behind a grey profile": ([gamma(1), profile(icc_profile(b"GRAY", 2))], from_linear),
    "a profile and a gamma": ([gamma(0.3), profile(LINEAR)], from_linear),
    "sRGB and a gamma": ([gamma(1), (b"sRGB", b"\0")], unchanged),
    "primaries and a gamma": ([gamma(0.45455), primaries(*P3)], from_p3),
    "primaries alone": ([primaries(*P3)], unchanged),
    "primaries of sRGB": ([gamma(0.45455), primaries(*SRGB)], unchanged),
    "primaries of nothing": ([gamma(0.45455), primaries(*[0] * 8)], unchanged),
    "primaries on a line": ([gamma(0.45455), primaries(*[0.3] * 8)], unchanged),
    "primaries that are large": ([gamma(0.45455), primaries(*[9] * 8)], unchanged),
    "code points of sRGB, and a profile": ([code_points(1, 13, 0, 1), profile(LINEAR)], unchanged),
    "code points of P3": ([code_points(12, 13, 0, 1)], from_p3),
    "linear code points": ([code_points(1, 8, 0, 1), (b"sRGB", b"\0")], from_linear),
    "unknown code points": ([code_points(99, 99, 0, 1)], unchanged),
    "code points of YCbCr, and a profile": ([code_points(1, 13, 1, 1), profile(LINEAR)],
                                            from_linear),
    "code points that are cut short": ([code_points(1, 8)], unchanged),
    "a profile that makes all white": ([profile(icc_profile(b"RGB ", 0))], unchanged),
}  # fmt: skip


@pytest.mark.parametrize("kind", CASES)
def test_the_chunks_of_a_png(kind):
    chunks, convert = CASES[kind]
    opened = np.asarray(open_picture(png(COLOURS, *chunks)))
    assert abs(opened - convert(COLOURS)).max() <= 3


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_a_grey_profile_is_applied_to_grey(bits, has_alpha):
    grey = COLOURS[..., :1]
    levels = np.dstack([grey, np.full_like(grey, 99)]) if has_alpha else grey
    if bits == 16:
        levels = levels.astype(np.uint16) * 257
    data = png(levels, profile(icc_profile(b"GRAY", 1)), colour=4 if has_alpha else 0)
    opened = np.asarray(open_picture(data))
    assert abs(opened[..., :3] - from_linear(grey)).max() <= 3
    assert not has_alpha or (opened[..., 3] == 99).all()


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_an_hdr_picture_is_refused_by_name(transfer, name):
    with pytest.raises(UserError, match=f"is an HDR picture \\({name}\\)") as error:
        open_picture(png(COLOURS, code_points(9, transfer, 0, 1)))
    assert error.value.code == "picture-hdr"


@pytest.mark.parametrize(
    ("points", "convert"), [((1, 13), unchanged), ((12, 13), from_p3), ((1, 8), from_linear)]
)
@pytest.mark.parametrize("has_profile", [False, True])
def test_the_code_points_of_an_avif_count_without_a_profile(points, convert, has_profile):
    file = io.BytesIO()
    picture = Image.fromarray(COLOURS)
    options = {"icc_profile": icc_profile(b"RGB ", 2.2)} if has_profile else {}
    picture.save(file, "AVIF", quality=100, subsampling="4:4:4", **options)
    data = bytearray(file.getvalue())
    if not has_profile:
        place = data.index(b"colrnclx") + 8
        data[place : place + 4] = struct.pack(">HH", *points)
    opened = np.asarray(open_picture(bytes(data))).astype(int)
    assert abs(opened - (COLOURS if has_profile else convert(COLOURS))).max() <= 8


@pytest.mark.parametrize("rows", [1, 8, 15])
def test_a_png_that_lacks_rows_is_not_black(rows):
    with pytest.raises(UserError, match="rows of the picture are missing") as error:
        open_picture(png(COLOURS, rows=rows))
    assert error.value.code == "picture-damaged"


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_png_that_is_black_below_is_whole(channels):
    black = np.zeros((16, 24, channels), np.uint8)
    assert open_picture(png(black, colour={1: 0, 3: 2, 4: 6}[channels])).size == (24, 16)


@pytest.mark.parametrize("chunk", [(b"gAMA", b"?"), (b"cHRM", b"?"), (b"tRNS", b"?")])
def test_a_png_with_a_damaged_chunk_is_called_damaged(chunk):
    with pytest.raises(UserError, match="damaged") as error:
        open_picture(png(COLOURS, chunk))
    assert error.value.code == "picture-damaged"
