"""Picture files, opened the one way in which every part of the project opens them."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from stylefuse.cancellation import check_cancelled
from stylefuse.errors import UserError

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm"}
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM")  # JPEG opens MPO too
MAX_PIXELS = 100_000_000
PROGRESSIVE_BLOCK = 1024  # bytes of a progressive JPEG that are decoded at a time
BACKGROUND = (128, 128, 128)  # what training and judging lay under see-through pictures

Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before decoding, and says what to do


def open_picture(
    source: Path | bytes, name: str | None = None, most_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Decode a picture: upright, in sRGB, with 8 bits per channel.

    Args:
        source: a file's path or its bytes.
        name: what messages call it; the path where it has one.
        most_pixels: a larger picture is refused before it is decoded.

    Returns:
        A loaded picture of mode "RGBA" where the file has transparency, else "RGB"; its `info`
        holds the file's own `format` and `mode` and nothing else.

    Raises:
        UserError: no picture, damaged, empty, animated or too large.
    """
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    try:
        data = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise UserError(f"{name} cannot be read: {error.strerror}") from None
    if not data:
        raise UserError(f"{name} is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd EXIF blocks and palettes are no one's concern
            with Image.open(_CancellableFile(data), formats=FORMATS) as picture:
                _refuse_unsuitable(picture, name, most_pixels)
                result = _normalise(picture, name)
                result.info = {"format": picture.format, "mode": picture.mode}
                return result
    except UnidentifiedImageError:
        raise UserError(
            f"{name} is not a picture that can be read; PNG, JPEG, WebP, TIFF, BMP and GIF can"
        ) from None
    except UserError:
        raise
    except Exception as error:  # decoders meet broken files with errors of every kind
        raise UserError(f"{name} is damaged or cut short ({error})") from None


class _CancellableFile(io.BytesIO):
    """A picture file in memory whose decoding stops when the request for it is cancelled."""

    def read(self, size: int | None = -1, /) -> bytes:
        check_cancelled()
        return super().read(size)


def flatten(picture: Image.Image) -> Image.Image:
    """Lay a picture over mid-grey where it is see-through; the result is "RGB"."""
    if picture.mode == "RGB":
        return picture
    ground = Image.new("RGBA", picture.size, (*BACKGROUND, 255))
    return Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")


def cut_square(picture: Image.Image, x: int, y: int, side: int) -> Image.Image:
    """Cut a square that may reach outside of the picture; there, too, it is mid-grey.

    Args:
        picture: as `open_picture` gives it.
        x, y: the upper left corner, which may be negative.
        side: of the square; all in pixels.

    Returns:
        "RGB", `side` × `side`.

    Raises:
        ValueError: no part of the square is in the picture, or it is larger than a picture may be.
    """
    inside = -side < x < picture.width and -side < y < picture.height
    if not inside or side <= 0 or side**2 > MAX_PIXELS:
        raise ValueError(f"no such square is in a picture of {picture.width}×{picture.height}")
    return flatten(picture.convert("RGBA").crop((x, y, x + side, y + side)))


def _refuse_unsuitable(picture: Image.Image, name: str, most_pixels: int) -> None:
    width, height = picture.size
    if width * height > most_pixels:
        raise UserError(
            f"{name} has {width}×{height} pixels, more than the {most_pixels:,} allowed; "
            "scale it down first"
        )
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and picture.format != "MPO":  # MPO: a photograph with its own preview
        raise UserError(
            f"{name} is animated or has several pages ({frames}); save the one you want "
            "as a picture of its own"
        )


def _normalise(picture: Image.Image, name: str) -> Image.Image:
    if picture.info.get("progressive"):  # a few bytes of it can hold a scan of the whole picture
        picture.decodermaxblock = PROGRESSIVE_BLOCK  # type: ignore[attr-defined]
    picture.load()
    profile = picture.info.get("icc_profile")
    turned = ImageOps.exif_transpose(picture)
    if turned.mode == "F":
        raise UserError(f"{name} holds floating-point values; save it with 8 or 16 bits a channel")
    if turned.mode.startswith("I"):  # 16 bits in one grey channel
        levels = np.asarray(turned).astype(np.float64) / 257
        turned = Image.fromarray(np.rint(np.clip(levels, 0, 255)).astype(np.uint8))
    mode = "RGBA" if turned.has_transparency_data else "RGB"
    if profile:
        if turned.mode not in ("RGB", "CMYK", "L"):
            turned = turned.convert(mode)
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                turned, source, ImageCms.createProfile("sRGB"), outputMode=mode
            )
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile: the plain conversion is the best that is left
    return turned.convert(mode)
