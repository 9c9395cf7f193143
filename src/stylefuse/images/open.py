"""Opening picture files. Every part of the project opens pictures with `open_picture`."""

import errno
import io
import os
import stat
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from stylefuse.cancellation import check_cancelled
from stylefuse.errors import UserError
from stylefuse.images.file_checks import EXIF_START, TIFF_ORDERS, check_file, has_plausible_tags

SUFFIXES = {
    ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".avif", ".heic",
    ".heif",
}  # fmt: skip
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF")  # JPEG opens MPO, too
HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"}  # of an ftyp box
MAX_BYTES = 1 << 30  # of a file; 16 bits in four channels are 800 MB at most
MAX_PIXELS = 100_000_000
MAX_SIDE = 65_535  # JPEG's own limit; Pillow needs memory for each row, however narrow
MAX_PREVIEWS = 4  # pages of a TIFF file
# tags of TIFF and EXIF
NEW_SUBFILE_TYPE, BITS_PER_SAMPLE, PHOTOMETRIC_INTERPRETATION = 254, 258, 262
ORIENTATION, SAMPLES_PER_PIXEL, PLANAR_CONFIGURATION = 274, 277, 284
WHITE_IS_ZERO = 0  # a photometric interpretation
UPRIGHT = {  # orientation → what turns the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
LEVEL_FACTORS = {"L;2": 85, "L;4": 17}  # raw mode of a PNG → by what Pillow multiplies its levels
MAX_PROFILE_BYTES = 4 << 20  # printers' profiles have two megabytes
PROCESSING_ELEMENTS = b"mpet"  # of a profile: a few bytes may hold a hundred thousand of them
SLOW_CODECS = {"ppm", "ppm_plain", "bmp_rle"}
MAX_SLOW = 1_000_000  # bytes of the file, and pixels
SRGB_GAMMA = 1 / 2.2
GAMMA_TOLERANCE = 0.12  # also 1/1.8: programs on old Macintoshes wrote it whatever the levels were
MIN_GAMMA, MAX_GAMMA = 0.1, 10
PROGRESSIVE_BLOCK = 1024  # bytes of a progressive JPEG that are decoded at a time
BACKGROUND = (128, 128, 128)  # of transparent pictures, in training, evaluation and use

Colour = tuple[int, int, int]  # red, green and blue, 0…255

Image.MAX_IMAGE_PIXELS = None  # `open_picture` checks its own limit before it decodes


def open_picture(
    source: Path | bytes, name: str | None = None, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Decode a picture: upright, in sRGB, with 8 bits per channel.

    Args:
        source: a file's path or its bytes.
        name: of the picture in messages; the path by default.
        max_pixels: a larger picture is refused before it is decoded.

    Returns:
        A loaded picture of mode "RGBA" if the file has transparency, else "RGB". Its `info` holds
        the file's own `format` and `mode` and nothing else.

    Raises:
        UserError: the file is not a picture, or it is damaged, empty, animated or too large.
    """
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    data = _read(source, name) if isinstance(source, Path) else source
    if not data:
        raise UserError(f"{name} is empty (0 bytes)", code="picture-empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd EXIF blocks and palettes
            formats = _heif_formats(name) if _is_heif(data) else FORMATS
            check_file(data, name)
            with Image.open(_CancellableFile(data), formats=formats) as picture:
                _check_size_and_frames(picture, name, max_pixels)
                _refuse_slow_codecs(picture, len(data), name)
                result = _normalise(picture, name)
                result.info = {"format": picture.format, "mode": picture.mode}
                return result
    except UnidentifiedImageError:
        if data[:4] in TIFF_ORDERS:
            raise UserError(
                f"{name} is a TIFF file of a kind that cannot be opened; save it as RGB or grey "
                "with 8 or 16 bits per channel",
                code="picture-tiff-unsupported",
            ) from None
        raise UserError(
            f"{name} is not a picture file that can be opened; use PNG, JPEG, WebP, AVIF, HEIC, "
            "TIFF, BMP or GIF",
            code="picture-format-unsupported",
        ) from None
    except UserError:
        raise
    except Exception as error:  # decoders raise errors of every kind for broken files
        raise UserError(
            f"{name} is damaged or cut short ({error})", code="picture-damaged"
        ) from None


def _read(path: Path, name: str) -> bytes:
    """A file's bytes; pipes and devices, which may never end, are refused."""
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_BYTES:
            return path.read_bytes()
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        message = f"{name} cannot be read: {error.strerror}"
        raise UserError(message, code="picture-not-readable") from None
    if stat.S_ISREG(status.st_mode):
        raise UserError(
            f"{name} has {status.st_size:,} bytes, more than the {MAX_BYTES:,} allowed",
            code="picture-too-large",
        )
    raise UserError(f"{name} is not a file, but a pipe or a device", code="picture-not-readable")


class _CancellableFile(io.BytesIO):
    """A picture file in memory whose decoding stops when the request for it is cancelled."""

    def read(self, size: int | None = -1, /) -> bytes:
        check_cancelled()
        return super().read(size)


def _is_heif(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS


def _heif_formats(name: str) -> tuple[str, ...]:
    """Pillow's name of the format, once its plugin is registered."""
    try:
        import pillow_heif
    except ImportError:
        raise UserError(
            f"{name} is a HEIC picture, for which pillow-heif is missing; run "
            "`pip install pillow-heif`, or save it as a JPEG file",
            code="package-missing",
        ) from None
    pillow_heif.register_heif_opener()
    return ("HEIF",)


def flatten(picture: Image.Image, background: Colour = BACKGROUND) -> Image.Image:
    """Composite a transparent picture over a colour, mid-grey by default; the result is "RGB"."""
    if picture.mode == "RGB":
        return picture
    canvas = Image.new("RGBA", picture.size, (*background, 255))
    return Image.alpha_composite(canvas, picture.convert("RGBA")).convert("RGB")


def crop_square(picture: Image.Image, x: int, y: int, side: int) -> Image.Image:
    """Crop a square that may reach beyond the picture; there it is mid-grey.

    Args:
        picture: as `open_picture` returns it.
        x: left edge in pixels; may be negative.
        y: upper edge in pixels; may be negative.
        side: of the square, in pixels.

    Returns:
        "RGB", `side` × `side`.

    Raises:
        ValueError: the square does not overlap the picture, or it has more than `MAX_PIXELS`.
    """
    overlaps = -side < x < picture.width and -side < y < picture.height
    if not overlaps or side <= 0 or side**2 > MAX_PIXELS:
        raise ValueError(
            f"a picture of {picture.width}×{picture.height} has no square of {side}² at ({x}, {y})"
        )
    return flatten(picture.convert("RGBA").crop((x, y, x + side, y + side)))


def _check_size_and_frames(picture: Image.Image, name: str, max_pixels: int) -> None:
    width, height = picture.size
    if width * height > max_pixels:
        raise UserError(
            f"{name} has {width}×{height} pixels, more than the {max_pixels:,} allowed; "
            "scale it down first",
            code="picture-too-large",
        )
    if max(width, height) > MAX_SIDE:
        raise UserError(
            f"{name} has {width}×{height} pixels, more than the {MAX_SIDE:,} allowed along a side; "
            "scale it down first",
            code="picture-too-large",
        )
    # counting the frames would read all of them; MPO: a photograph with its own preview
    is_animated = getattr(picture, "is_animated", False) and picture.format != "MPO"
    if is_animated and not _has_only_previews(picture):
        raise UserError(
            f"{name} is animated or has several pages; save the one you want as a separate picture",
            code="picture-animated",
        )


def _refuse_slow_codecs(picture: Image.Image, size: int, name: str) -> None:
    """Refuse large pictures in codecs that Pillow has written in Python."""
    codecs = {tile.codec_name for tile in getattr(picture, "tile", ())}
    is_large = max(size, picture.width * picture.height) > MAX_SLOW
    if is_large and codecs & SLOW_CODECS:
        raise UserError(
            f"{name} is large, and in a variant of {picture.format} that takes long to decode; "
            "save it as a PNG file",
            code="picture-too-large",
        )


def _has_only_previews(picture: Image.Image) -> bool:
    """Whether all further pages of a TIFF file, a few at most, are its own reduced picture: they
    say so, or have the same shape and at most half of the size."""
    if picture.format != "TIFF":
        return False
    width, height = picture.size
    try:
        for page in range(1, MAX_PREVIEWS + 1):
            picture.seek(page)
            is_reduced = picture.tag_v2.get(NEW_SUBFILE_TYPE, 0) & 1  # type: ignore[attr-defined]
            has_same_shape = abs(picture.width * height - picture.height * width) < max(
                width, height
            )
            if not is_reduced and not (has_same_shape and 2 * picture.width <= width):
                return False
    except EOFError:
        return True
    finally:
        picture.seek(0)
    return False


def _normalise(picture: Image.Image, name: str) -> Image.Image:
    """The opened file as an upright sRGB picture."""
    if picture.format == "TIFF":
        _refuse_tiff_kinds(picture, name)
    if picture.format == "PNG":
        _scale_transparent_level(picture)
    if picture.info.get("progressive"):  # a few bytes of it can hold a scan of the whole picture
        picture.decodermaxblock = PROGRESSIVE_BLOCK  # type: ignore[attr-defined]
    picture.load()
    turn = UPRIGHT.get(_orientation(picture))
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


def _scale_transparent_level(picture: Image.Image) -> None:
    """Give the transparent colour of a PNG as many bits as Pillow gives its pixels."""
    transparent = picture.info.get("transparency")
    raw_mode = next((tile.args for tile in getattr(picture, "tile", ())), None)
    if isinstance(transparent, int) and raw_mode in LEVEL_FACTORS:
        picture.info["transparency"] = transparent * LEVEL_FACTORS[raw_mode]
    elif isinstance(transparent, tuple) and raw_mode == "RGB;16B":
        picture.info["transparency"] = tuple(level >> 8 for level in transparent)


def _orientation(picture: Image.Image) -> int:
    """EXIF's, from 1 to 8; 1 if it cannot be read."""
    exif = picture.info.get("exif")
    if isinstance(exif, bytes) and not has_plausible_tags(exif.removeprefix(EXIF_START)):
        return 1
    try:
        return int(picture.getexif().get(ORIENTATION, 1))
    except Exception:  # nobody needs a broken EXIF block
        return 1


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
    """A new picture of mode "RGB".

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
    return picture.convert("RGB")


def _apply_gamma(picture: Image.Image, exponent: float) -> Image.Image:
    """An "RGB" picture with levels light^exponent (PNG's chunk gAMA), as sRGB (IEC 61966-2-1)."""
    if not MIN_GAMMA < exponent < MAX_GAMMA or abs(exponent - SRGB_GAMMA) < GAMMA_TOLERANCE:
        return picture
    light = np.linspace(0, 1, 256) ** (1 / exponent)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return picture.point([round(255 * level) for level in encoded] * 3)
