"""Pictures as base64 text, as JSON requests and answers carry them."""

import base64
import binascii
import hashlib
import io
import re
import threading
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cachetools import LRUCache, cached
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.metadata import PictureOrigin
from stylefuse.images.open import MAX_PIXELS, open_picture
from stylefuse.images.save import write_picture
from stylefuse.images.scaled import open_scaled
from stylefuse.images.statistics import statistics

ENCODE_OPTIONS: dict[str, dict[str, Any]] = {  # format → arguments of Pillow's `save`
    # 2 % larger than Pillow's default, in a third of the time
    "png": {"format": "PNG", "compress_level": 1, "compress_type": zlib.Z_RLE},
    "jpeg": {"format": "JPEG", "quality": 95},
    "webp": {"format": "WEBP", "quality": 95},
}
MAX_CACHED_BYTES = 64 << 20  # of decoded pictures
SPACES = b" \t\r\n\v\f"
DATA_URI = re.compile(
    r"\s*data:[\w.+/-]*(?:;\s*[\w.-]+\*?=(?:\"[^\"]*\"|[^;,]*+))*+;\s*base64\s*,",
    re.ASCII | re.IGNORECASE,
)


def decode(text: str, name: str = "the picture", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode a picture from base64, with or without a `data:` prefix; line breaks are allowed.

    Args:
        text: a picture file's bytes in base64 (RFC 4648, with padding).
        name: of the picture in messages.
        max_pixels: a larger picture is refused before it is decoded.

    Returns:
        An upright sRGB picture of mode "RGB", or "RGBA" if it has transparency.

    Raises:
        UserError: the text is not base64, or `open_picture` refuses the bytes.
    """
    return open_picture(_file_bytes(text, name), name, max_pixels)


def _file_bytes(text: str, name: str) -> bytes:
    prefix = DATA_URI.match(text)
    try:
        # as bytes: of text, what is between many spaces would take fifty times its size
        body = text[prefix.end() if prefix else 0 :].encode("ascii").translate(None, SPACES)
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise UserError(
            f"{name} is not valid base64; send the bytes of a picture file in base64",
            code="base64-invalid",
        ) from None


@dataclass(frozen=True)
class DecodedPicture:
    """A picture of a request, and its statistics, computed when they are first used.

    Attributes:
        picture: scaled down if it was larger than allowed.
        size: that it was sent with.
    """

    picture: Image.Image
    size: tuple[int, int]

    @cached_property
    def statistics(self) -> dict[str, float]:
        """See `stylefuse.images.statistics`."""
        return statistics(self.picture)


def _cache_key(text: str, _name: str, max_pixels: int, max_side: int) -> tuple[bytes, int, int]:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest(), max_pixels, max_side


@cached(
    LRUCache(
        MAX_CACHED_BYTES,
        getsizeof=lambda decoded: 4 * decoded.picture.width * decoded.picture.height,
    ),
    key=_cache_key,
    lock=threading.Lock(),
)
def decode_cached(text: str, name: str, max_pixels: int, max_side: int) -> DecodedPicture:
    """`decode`, with a cache of recent pictures: a user who moves a slider sends the same picture
    again. The result must not be changed.

    Pictures are scaled down to `max_side` at once, so that no request holds several large ones.
    """
    return DecodedPicture(*open_scaled(_file_bytes(text, name), name, max_pixels, max_side))


def encode(picture: Image.Image, origin: PictureOrigin | None = None, format: str = "png") -> str:
    """Encode a picture as a file in base64.

    Args:
        picture: "RGB" or "RGBA"; JPEG composites transparent pixels over mid-grey.
        origin: the model that made it, for the file's metadata.
        format: one of `ENCODE_OPTIONS`.

    Raises:
        UserError: the format is unknown.
    """
    if format not in ENCODE_OPTIONS:
        raise UserError(
            f"format must be one of {', '.join(ENCODE_OPTIONS)}, not {format!r}",
            code="option-invalid",
        )
    file = io.BytesIO()
    write_picture(picture, file, ENCODE_OPTIONS[format], origin)
    return base64.b64encode(file.getvalue()).decode("ascii")
