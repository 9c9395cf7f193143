"""Opening picture files. Every part of the project opens pictures with `open_picture`."""

import errno
import importlib.util
import io
import logging
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from stylefuse.cancellation import check_cancelled
from stylefuse.errors import UserError, printable
from stylefuse.images import jpeg_end
from stylefuse.images.code_points import find_code_points
from stylefuse.images.file_checks import GIF_START, JPEG_START, PNG_START, TIFF_ORDERS, check_file
from stylefuse.images.isolated_decoder import isolated_format, open_isolated
from stylefuse.images.normalise import normalise
from stylefuse.images.png_rows import lacks_rows
from stylefuse.images.srgb import CODE_POINTS

SUFFIXES = {
    ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".avif", ".heic",
    ".heif",
}  # fmt: skip
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM")  # JPEG opens MPO, too
KNOWN_STARTS = PNG_START, JPEG_START, GIF_START
MAX_BYTES = 1 << 30  # of a file; 16 bits in four channels are 800 MB at most
MAX_PIXELS = 100_000_000
MAX_SIDE = 65_535  # JPEG's own limit; Pillow needs memory for each row, however narrow
MAX_PREVIEWS = 4  # pages of a TIFF file
NEW_SUBFILE_TYPE = 254  # a tag of TIFF
SLOW_CODECS = {"ppm", "ppm_plain", "bmp_rle"}
MAX_SLOW = 300_000  # bytes of the file, and pixels
LARGE_PIXELS = 16_000_000
POLL_S = 0.1  # how often a thread that waits checks whether its request was cancelled
BACKGROUND = (128, 128, 128)  # of transparent pictures, in training, evaluation and use

Colour = tuple[int, int, int]  # red, green and blue, 0…255

_decoding_large = threading.Lock()
logger = logging.getLogger(__name__)
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
            with _open_checked(data, name, max_pixels) as picture, _one_large_at_a_time(picture):
                result = normalise(picture, name)
                if picture.format == "PNG" and lacks_rows(data, picture):
                    raise EOFError("rows of the picture are missing")
                result.info = {"format": picture.format, "mode": picture.mode}
                return result
    except UnidentifiedImageError:
        if data[:4] in TIFF_ORDERS:
            raise UserError(
                f"{name} is a TIFF file of a kind that cannot be opened; save it as RGB or grey "
                "with 8 or 16 bits per channel",
                code="picture-tiff-unsupported",
            ) from None
        if data.startswith(KNOWN_STARTS):
            raise UserError(
                f"{name} is damaged: its beginning cannot be read", code="picture-damaged"
            ) from None
        raise UserError(
            f"{name} is not a picture file that can be opened; use PNG, JPEG, WebP, AVIF, HEIC, "
            "TIFF, BMP or GIF",
            code="picture-format-unsupported",
        ) from None
    except UserError:
        raise
    except Exception as error:  # decoders raise errors of every kind for broken files
        reason = f" ({error})" if str(error) else ""
        raise UserError(f"{name} is damaged or cut short{reason}", code="picture-damaged") from None


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


def _open_checked(data: bytes, name: str, max_pixels: int) -> Image.Image:
    """An opened file that is decoded within limits of memory and time."""
    if isolated_format(data):
        _require_codecs(data, name)
        with _alone():
            size, is_animated, picture = open_isolated(data, max_pixels)
        _check_size_and_frames(size, is_animated, name, max_pixels)
        picture.info[CODE_POINTS] = find_code_points(data, picture)
        return picture
    check_file(data, name)
    file = Image.open(_CancellableFile(data), formats=FORMATS)
    _check_size_and_frames(file.size, _is_animated(file), name, max_pixels)
    _refuse_slow_codecs(file, len(data), name)
    if file.format == "PNG":
        file.info[CODE_POINTS] = find_code_points(data, file)
    if jpeg_end.lacks_only_its_end(data):
        logger.warning("%s lacks its end marker, and nothing else", printable(name))
        return Image.open(io.BytesIO(data + jpeg_end.END), formats=("JPEG",))
    return file


@contextmanager
def _one_large_at_a_time(picture: Image.Image) -> Iterator[None]:
    """Wait while another thread decodes a large picture, if this one is large, too: decoding takes
    several times the memory of the result."""
    with _alone() if picture.width * picture.height > LARGE_PIXELS else nullcontext():
        yield


@contextmanager
def _alone() -> Iterator[None]:
    while not _decoding_large.acquire(timeout=POLL_S):
        check_cancelled()
    try:
        yield
    finally:
        _decoding_large.release()


def open_header(path: Path) -> Image.Image:
    """A file whose pixels are not needed.

    Returns:
        As Pillow opens it, with `info`.

    Raises:
        UserError: the file cannot be read, or would exhaust whoever opens it.
        Exception: Pillow's errors of every kind; the file is not a picture.
    """
    data = _read(path, str(path))
    if isolated_format(data):
        return open_isolated(data, max_pixels=0).picture
    check_file(data, str(path))
    return Image.open(io.BytesIO(data), formats=FORMATS)


def _require_codecs(data: bytes, name: str) -> None:
    if isolated_format(data) == "HEIF" and importlib.util.find_spec("pillow_heif") is None:
        raise UserError(
            f"{name} is a HEIC picture, for which pillow-heif is missing; run "
            "`pip install pillow-heif`, or save it as a JPEG file",
            code="package-missing",
        )


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


def _check_size_and_frames(
    size: tuple[int, int], is_animated: bool, name: str, max_pixels: int
) -> None:
    width, height = size
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
    if is_animated:
        raise UserError(
            f"{name} is animated or has several pages; save the one you want as a separate picture",
            code="picture-animated",
        )


def _is_animated(file: Image.Image) -> bool:
    """Whether a file has several pictures; counting them would read all."""
    if file.format == "MPO":  # a photograph with its own preview
        return False
    return getattr(file, "is_animated", False) and not _has_only_previews(file)


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
