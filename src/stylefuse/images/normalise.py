"""What a picture file stores, as an upright sRGB picture with 8 bits per channel."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from stylefuse.errors import UserError
from stylefuse.images.exif import orientation

# tags of TIFF and EXIF
BITS_PER_SAMPLE, PHOTOMETRIC_INTERPRETATION = 258, 262
SAMPLES_PER_PIXEL, PLANAR_CONFIGURATION = 277, 284
TILE_WIDTH, TILE_LENGTH = 322, 323
MAX_TILE, TILE_MARGIN = 1024, 256  # pixels: a side of any picture's tiles, and beyond the picture
WHITE_IS_ZERO = 0  # a photometric interpretation
UPRIGHT = {  # orientation → what turns the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
LEVEL_FACTORS = {"L;2": 85, "L;4": 17}  # raw mode of a PNG → by what Pillow multiplies its levels
MAX_PROFILE_BYTES = 4 << 20  # printers' profiles have two megabytes
PROCESSING_ELEMENTS = b"mpet"  # of a profile: a few bytes may hold a hundred thousand of them
SRGB_GAMMA = 1 / 2.2
GAMMA_TOLERANCE = 0.12  # also 1/1.8: programs on old Macintoshes wrote it whatever the levels were
MIN_GAMMA, MAX_GAMMA = 0.1, 10
PROGRESSIVE_BLOCK = 1024  # bytes of a progressive JPEG that are decoded at a time


def normalise(picture: Image.Image, name: str) -> Image.Image:
    """Load a file and convert its values.

    Args:
        picture: as Pillow opens it.
        name: of the picture in messages.

    Returns:
        "RGBA" if the file has transparency, else "RGB".

    Raises:
        UserError: the kind of file is one that Pillow would open with wrong values.
    """
    if picture.format == "TIFF":
        _refuse_tiff_kinds(picture, name)
    if picture.format == "PNG":
        _scale_transparent_level(picture)
    if picture.info.get("progressive"):  # a few bytes of it can hold a scan of the whole picture
        picture.decodermaxblock = PROGRESSIVE_BLOCK  # type: ignore[attr-defined]
    picture.load()
    turn = UPRIGHT.get(orientation(picture))
    upright = picture if turn is None else picture.transpose(turn)
    alpha = _alpha(upright)
    colours = _convert_to_srgb(_with_8_bits(upright, picture, name), picture.info)
    if alpha is not None:
        colours.putalpha(alpha)
    return colours


def _refuse_tiff_kinds(picture: Image.Image, name: str) -> None:
    """Refuse what Pillow would open with wrong values."""
    tags = picture.tag_v2  # type: ignore[attr-defined]
    bits = max(tags.get(BITS_PER_SAMPLE, (1,)))
    separate_planes = tags.get(PLANAR_CONFIGURATION) == 2 and tags.get(SAMPLES_PER_PIXEL, 1) > 1
    if picture.mode != "F" and (bits > 16 or (bits > 8 and separate_planes)):
        kind = f"{bits} bits per channel" + (" in separate planes" if separate_planes else "")
        raise UserError(
            f"{name} is a TIFF file with {kind}; save it with 8 or 16 bits per channel, channels "
            "side by side",
            code="picture-tiff-unsupported",
        )
    tile = tags.get(TILE_WIDTH, 0), tags.get(TILE_LENGTH, 0)
    largest = [max(side + TILE_MARGIN, MAX_TILE) for side in picture.size]
    if tile[0] > largest[0] or tile[1] > largest[1]:
        raise UserError(
            f"{name} is a TIFF file whose tiles of {tile[0]}×{tile[1]} pixels are much larger than "
            "the picture; save it again",
            code="picture-tiff-unsupported",
        )


def _scale_transparent_level(picture: Image.Image) -> None:
    """Give the transparent colour of a PNG as many bits as Pillow gives its pixels."""
    transparent = picture.info.get("transparency")
    raw_mode = next((tile.args for tile in getattr(picture, "tile", ())), None)
    if isinstance(transparent, int) and raw_mode in LEVEL_FACTORS:
        picture.info["transparency"] = transparent * LEVEL_FACTORS[raw_mode]
    elif isinstance(transparent, tuple) and raw_mode == "RGB;16B":
        picture.info["transparency"] = tuple(level >> 8 for level in transparent)


def _alpha(picture: Image.Image) -> Image.Image | None:
    """The opacity of each pixel, "L"; None if the picture is opaque."""
    if not picture.has_transparency_data:
        return None
    if picture.mode.startswith("I"):
        opaque = np.asarray(picture) != picture.info["transparency"]
        return Image.fromarray(opaque.astype(np.uint8) * 255)
    alpha = picture.convert("RGBA").getchannel("A")
    if picture.format == "BMP" and alpha.getextrema() == (0, 0):
        return None  # the channel is not used
    return alpha


def _with_8_bits(picture: Image.Image, file: Image.Image, name: str) -> Image.Image:
    """The picture with 8 bits per channel; `file` is the one that was opened."""
    if picture.mode == "F":
        raise UserError(
            f"{name} holds floating-point values; save it with 8 or 16 bits per channel",
            code="picture-floating-point",
        )
    if not picture.mode.startswith("I"):  # 16 bits in one grey channel
        return picture
    tags = getattr(file, "tag_v2", {})
    levels = np.asarray(picture) * (255 / (2 ** max(tags.get(BITS_PER_SAMPLE, (16,))) - 1))
    if tags.get(PHOTOMETRIC_INTERPRETATION) == WHITE_IS_ZERO:
        levels = 255 - levels
    return Image.fromarray(np.rint(np.clip(levels, 0, 255)).astype(np.uint8))


def _convert_to_srgb(picture: Image.Image, info: dict[str | tuple[int, int], Any]) -> Image.Image:
    """A picture of mode "RGB", perhaps the same one.

    Args:
        picture: 8 bits per channel.
        info: of the file, which may have a profile, or the exponent of its levels.
    """
    profile = info.get("icc_profile")
    if profile and len(profile) <= MAX_PROFILE_BYTES and PROCESSING_ELEMENTS not in profile:
        source = picture if picture.mode in ("RGB", "CMYK", "L") else picture.convert("RGB")
        try:
            converted = ImageCms.profileToProfile(
                source,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            pass  # the profile is broken: convert without it
    elif not profile and "srgb" not in info and (exponent := info.get("gamma")):
        return _apply_gamma(picture.convert("RGB"), float(exponent))
    return picture if picture.mode == "RGB" else picture.convert("RGB")  # a copy takes memory


def _apply_gamma(picture: Image.Image, exponent: float) -> Image.Image:
    """An "RGB" picture with levels light^exponent (PNG's chunk gAMA), as sRGB (IEC 61966-2-1)."""
    if not MIN_GAMMA < exponent < MAX_GAMMA or abs(exponent - SRGB_GAMMA) < GAMMA_TOLERANCE:
        return picture
    light = np.linspace(0, 1, 256) ** (1 / exponent)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return picture.point([round(255 * level) for level in encoded] * 3)
