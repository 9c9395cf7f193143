"""Each kind of TIFF file is opened with the values that were written, or refused by name."""

import zlib

import numpy as np
import pytest

from stylefuse.errors import UserError
from stylefuse.images.open import open_picture
from tests.support.picture_files import quarters, tiff

COLOURS = quarters()
HEIGHT, WIDTH = COLOURS.shape[:2]
GREY = COLOURS[..., 1]
ALPHA = np.dstack([COLOURS, np.full((HEIGHT, WIDTH), 99, np.uint8)])
PLANES = [COLOURS[..., channel].tobytes() for channel in range(3)]
INDICES = 2 * (np.indices(GREY.shape)[0] >= 8) + (np.indices(GREY.shape)[1] >= 12)
PALETTE = COLOURS[[0, 0, 15, 15], [0, 23, 0, 23]]
TILES = {322: 16, 323: 16}


def tags(photometric: int | None, samples: int, bits: int = 8, **more) -> dict[int, int]:
    known = {256: WIDTH, 257: HEIGHT, 258: [bits] * samples, 259: 1, 277: samples}
    return (
        known
        | ({} if photometric is None else {262: photometric})
        | {int(tag[1:]): value for tag, value in more.items()}
    )


def packed(levels: np.ndarray, bits: int) -> bytes:
    digits = (levels.reshape(HEIGHT, -1, 1) >> np.arange(bits)[::-1]) & 1
    return np.packbits(digits.reshape(HEIGHT, -1), axis=1).tobytes()


def tiles(levels: np.ndarray) -> list[bytes]:
    padded = np.pad(levels, [(0, 0), (0, 8), (0, 0)])
    return [padded[:, x : x + 16].tobytes() for x in (0, 16)]


def colour_map(size: int, factor: int) -> list[int]:
    entries = np.zeros((size, 3), int)
    entries[: min(size, 4)] = PALETTE[:size]
    return (factor * entries.T).ravel().tolist()


BYTES = COLOURS.tobytes()
DIFFERENCES = np.diff(COLOURS.astype(int), axis=1, prepend=0).astype(np.uint8)
REVERSED = np.array([int(f"{level:08b}"[::-1], 2) for level in range(256)], np.uint8)
READ = {
    "strips": ([COLOURS[y : y + 5].tobytes() for y in range(0, HEIGHT, 5)], tags(2, 3, _278=5)),
    "planes": (PLANES, tags(2, 3, _284=2)),
    "planes with alpha": (
        [ALPHA[..., channel].tobytes() for channel in range(4)],
        tags(2, 4, _284=2, _338=2),
    ),
    "tiles": (tiles(COLOURS), tags(2, 3) | TILES),
    "tiles of planes": (
        [tile for channel in range(3) for tile in tiles(COLOURS[..., channel : channel + 1])],
        tags(2, 3, _284=2) | TILES,
    ),
    "deflate": ([zlib.compress(BYTES)], tags(2, 3, _259=8)),
    "predictor 2": ([zlib.compress(DIFFERENCES.tobytes())], tags(2, 3, _259=8, _317=2)),
    "predictor without compression": ([BYTES], tags(2, 3, _317=2)),
    "inverted bits": ([REVERSED[COLOURS].tobytes()], tags(2, 3, _266=2)),
    "16 bits": ([(COLOURS.astype("<u2") * 257).tobytes()], tags(2, 3, bits=16)),
    "alpha": ([ALPHA.tobytes()], tags(2, 4, _338=2)),
    "no alpha in a fourth sample": ([ALPHA.tobytes()], tags(2, 4, _338=0)),
    "CMYK": ([np.dstack([255 - COLOURS, 0 * GREY]).tobytes()], tags(5, 4)),
    "an endless number of rows": ([BYTES], tags(2, 3, _278=2**32 - 1)),
} | {
    f"palette of {bits} bits, {factor}": (
        [packed(INDICES, bits)],
        tags(3, 1, bits, _320=colour_map(2**bits, factor)),
    )
    for bits in (2, 4, 8)
    for factor in (1, 257)
}


@pytest.mark.parametrize("kind", READ)
def test_a_kind_is_read_with_its_values(kind):
    opened = np.asarray(open_picture(tiff(*READ[kind])))
    expected = ALPHA if "alpha" in kind and "no alpha" not in kind else COLOURS
    np.testing.assert_array_equal(opened, expected)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize("white_is_zero", [False, True])
def test_grey_of_few_bits(bits, is_compressed, white_is_zero):
    largest = 2**bits - 1
    levels = np.rint(GREY / 255 * largest).astype(int)
    data = packed(largest - levels if white_is_zero else levels, bits)
    photometric = 0 if white_is_zero else 1
    strip, compression = (zlib.compress(data), 8) if is_compressed else (data, 1)
    opened = open_picture(tiff([strip], tags(photometric, 1, bits, _259=compression)))
    assert abs(np.asarray(opened)[..., 0] - levels * 255 / largest).max() <= 1


YCBCR = bytes(WIDTH * HEIGHT * 3)
REFUSED = {
    "no photometric interpretation": ([GREY.tobytes()], tags(None, 1)),
    "signed values, 8 bits": ([GREY.tobytes()], tags(1, 1, _339=2)),
    "signed values, 16 bits": ([bytes(2 * GREY.size)], tags(1, 1, 16, _339=2)),
    "Lab in planes": (PLANES, tags(8, 3, _284=2)),
    "grey and alpha in planes": (PLANES[:2], tags(1, 2, _284=2, _338=2)),
    "premultiplied planes": ([*PLANES, PLANES[0]], tags(2, 4, _284=2, _338=1)),
    "16 bits in planes": ([2 * plane for plane in PLANES], tags(2, 3, 16, _284=2)),
    "six inks": ([ALPHA.tobytes()], tags(5, 4, _332=2)),
    "uncompressed YCbCr": ([YCBCR], tags(6, 3, _530=[1, 1])),
    "32 bits": ([bytes(4 * GREY.size)], tags(1, 1, 32)),
    "64 bits": ([bytes(8 * GREY.size)], tags(1, 1, 64, _339=3)),
    "complex numbers": ([bytes(8 * GREY.size)], tags(1, 1, 64, _339=6)),
    "14 bits": ([packed(GREY.astype(int), 14)], tags(1, 1, 14)),
    "three samples of 4 bits": ([packed(COLOURS.astype(int) >> 4, 4)], tags(2, 3, 4)),
    "five samples": ([bytes(5 * GREY.size)], tags(1, 5, _338=[0] * 4)),
    "raw data of a camera": ([GREY.tobytes()], tags(32803, 1)),
    "LERC": ([b"?" * 50], tags(2, 3, _259=34887)),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_kind_is_refused_by_name(kind):
    with pytest.raises(UserError, match=r"^scan\.tif is a TIFF file ") as error:
        open_picture(tiff(*REFUSED[kind]), "scan.tif")
    assert error.value.code == "picture-tiff-unsupported"


@pytest.mark.parametrize(
    ("parts", "more"),
    [
        ([COLOURS[:5].tobytes(), COLOURS[5:10].tobytes()], {278: 5}),
        ([zlib.compress(COLOURS[:5].tobytes())], {278: 5, 259: 8}),
        (tiles(COLOURS)[:1], TILES),
        (PLANES[:2], {284: 2}),
        ([COLOURS[:9].tobytes()], {}),
    ],
)
def test_missing_parts_are_not_black(parts, more):
    with pytest.raises(UserError, match="damaged or cut short") as error:
        open_picture(tiff(parts, tags(2, 3) | more))
    assert error.value.code == "picture-damaged"
