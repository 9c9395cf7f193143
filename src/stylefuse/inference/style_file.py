"""Learned styles as files: one JSON document, with numbers and pictures in base64.

Such a file comes from anywhere. Nothing in it is run; its size, its checksum and the range of
everything in it are checked before it is used.
"""

import base64
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from stylefuse.errors import UserError, printable
from stylefuse.fileio import write_text_atomically
from stylefuse.images.open import flatten, open_picture

SUFFIX = ".style"
START = '{"stylefuse style": '  # of every such file, and of no picture
BASE64_START = base64.b64encode(START.encode()[:18]).decode()
VERSION = 1
MAX_BYTES = 1 << 20  # of a file
MAX_PICTURES = 8
MAX_PIXELS = 256 * 1024  # of a picture; `TransferPredictor` makes none larger of a painting
MAX_TEXT = 300  # characters of a name, a licence or a source
MAX_NUMBERS, LARGEST = 100_000, 1000.0  # of a code
NUMBER = np.dtype("<f4")
WEBP: dict[str, Any] = {"format": "WEBP", "quality": 70, "method": 6}


@dataclass(frozen=True)
class LearnedStyle:
    """A style whose code was learned for one network.

    Attributes:
        name: what to call it.
        licence: of the paintings.
        source: where they come from.
        weights: SHA-256 of the network's weights.
        code: float32 `[n]`.
        pictures: the paintings, "RGB", with strokes of the size that was learned.
    """

    name: str
    licence: str
    source: str
    weights: str
    code: np.ndarray
    pictures: Sequence[Image.Image]


def save_style(style: LearnedStyle, path: Path) -> None:
    """Write a file, atomically; the same style gives the same bytes.

    Raises:
        UserError: it cannot be written.
    """
    content = {
        "name": style.name,
        "licence": style.licence,
        "source": style.source,
        "weights": style.weights,
        "code": _base64(np.asarray(style.code, NUMBER).tobytes()),
        "pictures": [_base64(_webp(picture)) for picture in style.pictures],
    }
    document = {"stylefuse style": VERSION, "sha256": _checksum(content), **content}
    write_text_atomically(path, json.dumps(document) + "\n")


def open_style(path: Path) -> LearnedStyle:
    """Read a file.

    Raises:
        UserError: see `parse_style`; or the file cannot be read.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # it may never end
            raise UserError(
                f"{path} is not a file, but a pipe or a device", code="style-not-readable"
            )
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}", code="style-not-readable"
        ) from None
    return parse_style(data, str(path))


def parse_style(data: bytes, name: str) -> LearnedStyle:
    """A learned style from the bytes of its file.

    Args:
        data: of the file.
        name: of the file in messages.

    Raises:
        UserError: the bytes are no learned style, or were damaged or made to harm.
    """
    if not data.startswith(START.encode()) or len(data) > MAX_BYTES:
        raise UserError(
            f"{name} is not a learned style; `stylefuse style learn` makes one of paintings",
            code="style-file-foreign",
        )
    try:
        document = json.loads(data)
        if document.pop("stylefuse style") != VERSION:
            raise UserError(
                f"{name} was written by another version of stylefuse; learn the style again",
                code="style-file-version",
            )
        if document.pop("sha256") != _checksum(document):
            raise ValueError("its checksum is wrong")
        return _parsed(document, name)
    except UserError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = printable(str(error)).partition("\n")[0][:100]
        raise UserError(
            f"{name} is damaged ({reason}); get it or learn it again", code="style-file-damaged"
        ) from None


def decode_style(text: str, name: str) -> LearnedStyle:
    """A learned style from its file in base64; see `parse_style`."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise UserError(
            f"{name} is not valid base64; send the bytes of a file in base64", code="base64-invalid"
        ) from None
    return parse_style(data, name)


def is_short_text(text: object) -> bool:
    """Whether a file can hold a text as a name, a licence or a source."""
    return isinstance(text, str) and len(text) <= MAX_TEXT and text.isprintable()


def _parsed(document: dict[str, Any], name: str) -> LearnedStyle:
    texts = {key: document[key] for key in ("name", "licence", "source", "weights")}
    for key, text in texts.items():
        if not is_short_text(text):
            raise ValueError(f"its {key} is no short text")
    code = np.frombuffer(_bytes(document["code"]), NUMBER)
    if not (0 < len(code) <= MAX_NUMBERS and np.all(np.abs(code) <= LARGEST)):  # nor NaN
        raise ValueError("its code is out of range")
    files = document["pictures"]
    if not (isinstance(files, list) and 1 <= len(files) <= MAX_PICTURES):
        raise ValueError("it holds no picture, or too many")
    pictures = [
        flatten(open_picture(_webp_file(file), f"a picture in {name}", MAX_PIXELS))
        for file in files
    ]
    return LearnedStyle(**texts, code=code.astype(np.float32), pictures=pictures)


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _webp(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, **WEBP)
    return file.getvalue()


def _webp_file(text: str) -> bytes:
    """The bytes of a picture; of other formats, some take a process each to be decoded."""
    data = _bytes(text)
    if not (data.startswith(b"RIFF") and data[8:12] == b"WEBP"):
        raise ValueError("a picture in it is no WebP")
    return data


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
