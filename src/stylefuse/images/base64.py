"""Pictures as base64 text, which is how they travel inside JSON."""

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
from stylefuse.images.metadata import PictureOrigin, generation_metadata
from stylefuse.images.open import MAX_PIXELS, flatten, open_picture
from stylefuse.images.statistics import statistics

FORMS: dict[str, dict[str, Any]] = {  # how Pillow saves what travels
    # 2 % larger than Pillow's own choice, in a third of the time
    "png": {"format": "PNG", "compress_level": 1, "compress_type": zlib.Z_RLE},
    "jpeg": {"format": "JPEG", "quality": 95},
    "webp": {"format": "WEBP", "quality": 95},
}
HELD = 64 << 20  # bytes of pictures that are kept decoded
DATA_URI = re.compile(r"\s*data:[\w.+/-]*;base64,", re.ASCII)


def decode(text: str, name: str = "the picture", most_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode a picture from base64, with or without a `data:` prefix; line breaks are allowed.

    Args:
        text: a picture file's bytes in base64 (RFC 4648, with padding).
        name: what messages call it.
        most_pixels: a larger picture is refused before it is decoded.

    Returns:
        An upright sRGB picture of mode "RGB", or "RGBA" where it has transparency.

    Raises:
        UserError: no base64, or no picture that `data.pictures.open_picture` takes.
    """
    prefix = DATA_URI.match(text)
    body = "".join(text[prefix.end() if prefix else 0 :].split())
    try:
        data = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise UserError(
            f"{name} is not valid base64; send the bytes of a picture file in base64"
        ) from None
    return open_picture(data, name, most_pixels)


@dataclass(frozen=True)
class Sent:
    """A picture that came in a request."""

    picture: Image.Image

    @cached_property
    def figures(self) -> dict[str, float]:
        """See `monitoring.statistics`."""
        return statistics(self.picture)


@cached(
    LRUCache(HELD, getsizeof=lambda sent: 4 * sent.picture.width * sent.picture.height),
    key=lambda text, _, most: (hashlib.sha256(text.encode(errors="surrogatepass")).digest(), most),
    lock=threading.Lock(),
)
def decode_cached(text: str, name: str, most_pixels: int) -> Sent:
    """`decode`, but only of what has not been decoded lately: a slider is moved over one picture.
    Nobody may change it."""
    return Sent(decode(text, name, most_pixels))


def encode(picture: Image.Image, origin: PictureOrigin | None = None, form: str = "png") -> str:
    """A picture as the base64 text of a file, which says what made it where a model did.

    Args:
        picture: "RGB" or "RGBA"; JPEG lays what is see-through over mid-grey.
        origin: the model that made it, for the file's metadata.
        form: one of `FORMS`.

    Raises:
        UserError: there is no such format.
    """
    if form not in FORMS:
        raise UserError(f"format must be one of {', '.join(FORMS)}, not {form!r}")
    how = FORMS[form]
    file, kind = io.BytesIO(), str(how["format"])
    shown = flatten(picture) if kind == "JPEG" else picture
    shown.save(file, **how, **(generation_metadata(origin, kind) if origin else {}))
    return base64.b64encode(file.getvalue()).decode("ascii")
