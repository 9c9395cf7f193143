"""Conversion of a picture to sRGB (IEC 61966-2-1), by what its file says of its colours.

What counts first in a PNG file (third edition, 13.2): code points, a profile, the chunk sRGB, and
gAMA with cHRM. What is broken or senseless is ignored, and the next one counts.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageCms

from stylefuse.images.code_points import D65, EXPONENTS, PRIMARIES, CodePoints, refuse_hdr

CODE_POINTS = "code_points"  # key of a picture's `info`
MAX_PROFILE_BYTES = 4 << 20  # printers' profiles have two megabytes
PROCESSING_ELEMENTS = b"mpet"  # of a profile: a few bytes may hold a hundred thousand of them
MIN_CONTRAST = 64  # levels between a profile's white and its black; printers' have 200
SRGB_GAMMA = 1 / 2.2
GAMMA_TOLERANCE = 0.12  # also 1/1.8: programs on old Macintoshes wrote it whatever the levels were
MIN_GAMMA, MAX_GAMMA = 0.1, 10
SRGB_CHROMATICITIES = (*D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)  # of white, red, green and blue
MATRIX_TOLERANCE, MAX_MATRIX = 0.02, 4  # of the elements; the widest colour space in use has 2.1
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
ROWS = 64  # that are converted at a time


def to_srgb(picture: Image.Image, info: Mapping[Any, Any], name: str) -> Image.Image:
    """A picture of mode "RGB", perhaps the same one.

    Args:
        picture: 8 bits per channel.
        info: of the file, as Pillow opens it, with its code points.
        name: of the picture in messages.

    Raises:
        UserError: the picture is HDR.
    """
    points: CodePoints | None = info.get(CODE_POINTS)
    if points:
        refuse_hdr(points, name)
        return _from_light(
            picture, EXPONENTS.get(points.transfer, SRGB_GAMMA), PRIMARIES.get(points.primaries)
        )
    if (profile := info.get("icc_profile")) and (converted := _from_profile(picture, profile)):
        return converted
    if "srgb" not in info and (exponent := info.get("gamma")):
        return _from_light(picture, float(exponent), info.get("chromaticity"))
    return _rgb(picture)


def _rgb(picture: Image.Image) -> Image.Image:
    return picture if picture.mode == "RGB" else picture.convert("RGB")  # a copy takes memory


def _from_profile(picture: Image.Image, profile: bytes) -> Image.Image | None:
    """None if the profile is broken, or one of another kind of picture."""
    if len(profile) > MAX_PROFILE_BYTES or PROCESSING_ELEMENTS in profile:
        return None
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        is_grey = opened.profile.xcolor_space.strip() == "GRAY"
        source = _grey(picture) if is_grey else picture
        if source.mode not in ("RGB", "CMYK", "L"):
            source = source.convert("RGB")
        transform = ImageCms.buildTransform(
            opened, ImageCms.createProfile("sRGB"), source.mode, "RGB"
        )
        if source.mode != "CMYK" and not _has_contrast(transform, source.mode):
            return None
        return ImageCms.applyTransform(source, transform)
    except (ImageCms.PyCMSError, OSError):
        return None


def _grey(picture: Image.Image) -> Image.Image:
    """A picture of one channel, if that is all that it needs: Pillow opens grey with alpha and 16
    bits as colours."""
    if picture.mode in ("CMYK", "L"):
        return picture
    red, *others = _rgb(picture).split()
    is_grey = not any(ImageChops.difference(red, other).getbbox() for other in others)
    return red if is_grey else picture


def _has_contrast(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    black, white = (
        ImageCms.applyTransform(Image.new(mode, (1, 1), colour), transform)
        for colour in ("black", "white")
    )
    assert black and white
    levels = [int(picture.convert("L").tobytes()[0]) for picture in (black, white)]
    return levels[1] - levels[0] >= MIN_CONTRAST


def _from_light(
    picture: Image.Image, exponent: float, chromaticities: Sequence[float] | None
) -> Image.Image:
    """A picture of levels light^exponent.

    Args:
        picture: 8 bits per channel.
        exponent: about 1/2.2 is taken for sRGB's curve; senseless ones are ignored.
        chromaticities: x and y of white, red, green and blue; None and senseless ones are sRGB's.
    """
    rgb = _rgb(picture)
    if not MIN_GAMMA < exponent < MAX_GAMMA:
        return rgb
    levels = np.linspace(0, 1, 256)
    is_srgb = abs(exponent - SRGB_GAMMA) < GAMMA_TOLERANCE
    light = _srgb_to_light(levels) if is_srgb else levels ** (1 / exponent)
    matrix = None if chromaticities is None else _matrix_to_srgb(chromaticities)
    if matrix is not None:
        return _through_matrix(rgb, light.astype(np.float32), matrix.astype(np.float32))
    return rgb if is_srgb else rgb.point(_to_levels(light).tolist() * 3)


def _through_matrix(rgb: Image.Image, light: np.ndarray, matrix: np.ndarray) -> Image.Image:
    pixels, converted = np.asarray(rgb), np.empty((rgb.height, rgb.width, 3), np.uint8)
    for start in range(0, rgb.height, ROWS):
        rows = slice(start, start + ROWS)
        converted[rows] = _to_levels(np.clip(light[pixels[rows]] @ matrix.T, 0, 1))
    return Image.fromarray(converted)


def _srgb_to_light(levels: np.ndarray) -> np.ndarray:
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def _to_levels(light: np.ndarray) -> np.ndarray:
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * encoded).astype(np.uint8)


def _matrix_to_srgb(chromaticities: Sequence[float]) -> np.ndarray | None:
    """From linear values of a colour space to those of sRGB; None if it is the same or makes no
    sense."""
    try:
        matrix = np.linalg.inv(_matrix_to_xyz(SRGB_CHROMATICITIES)) @ _matrix_to_xyz(chromaticities)
    except (np.linalg.LinAlgError, ValueError, ZeroDivisionError):
        return None
    is_same = np.abs(matrix - np.eye(3)).max() < MATRIX_TOLERANCE
    return None if is_same or not np.abs(matrix).max() < MAX_MATRIX else matrix


def _matrix_to_xyz(chromaticities: Sequence[float]) -> np.ndarray:
    """From linear RGB to XYZ relative to D65, whatever the white is (Bradford's adaptation)."""
    white, *primaries = (
        np.array([x / y, 1, (1 - x - y) / y])
        for x, y in zip(chromaticities[::2], chromaticities[1::2], strict=True)
    )
    columns = np.stack(primaries, axis=1)
    to_white = columns * np.linalg.solve(columns, white)
    x, y = D65
    cones = BRADFORD @ [x / y, 1, (1 - x - y) / y] / (BRADFORD @ white)
    return np.linalg.inv(BRADFORD) @ np.diag(cones) @ BRADFORD @ to_white
