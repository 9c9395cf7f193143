"""Reads the picture puzzles of GCompris and assembles each from its pieces.

A `.rcc` file is a Qt resource container. A puzzle's board (`board/*.qml`) names the background and
gives each piece's centre as a fraction of the board's size.
"""

import io
import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image

MAX_TOTAL_BYTES = 500_000_000  # of all files of a container, unpacked
MAX_BOARD_BYTES = 100_000
MAX_PIXELS = 100_000_000  # of a puzzle's background and pieces together
MAX_DEPTH = 32  # of nested folders
FORMATS = ("WEBP", "PNG", "JPEG")
FRAME = 2  # width in pixels of a puzzle's partly transparent edge

DIRECTORY, COMPRESSED = 2, 1  # flags of a container's entry


class Puzzle(NamedTuple):
    """An assembled puzzle.

    Attributes:
        name: of its first piece, without suffix.
        title: "painter, work - year".
        base: its folder in the container.
        picture: mode "RGB".
    """

    name: str
    title: str
    base: str
    picture: Image.Image


def read_container(data: bytes) -> dict[str, bytes]:
    """All files of a Qt resource container (format 1 to 3), by path.

    Raises:
        ValueError: the bytes are not a container, or it is damaged or too large.
    """
    try:
        return _read_container(data)
    except (struct.error, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"it is damaged: {error}") from None


def _read_container(data: bytes) -> dict[str, bytes]:
    if data[:4] != b"qres":
        raise ValueError("it is not a Qt resource container")
    version, tree, bodies, names = struct.unpack_from(">4I", data, 4)
    entry_size = 14 if version < 2 else 22
    files: dict[str, bytes] = {}
    visited: set[int] = set()
    bytes_left = MAX_TOTAL_BYTES

    def walk(index: int, folder: str, depth: int) -> None:
        nonlocal bytes_left
        if index in visited or depth > MAX_DEPTH:
            raise ValueError("its folders form a circle or are nested too deep")
        visited.add(index)
        entry = tree + index * entry_size
        name_at, flags = struct.unpack_from(">IH", data, entry)
        path = folder
        if index:
            length = struct.unpack_from(">H", data, names + name_at)[0]
            start = names + name_at + 6
            name = data[start : start + 2 * length].decode("utf-16-be")
            path = f"{folder}/{name}" if folder else name
        if flags & DIRECTORY:
            count, first = struct.unpack_from(">II", data, entry + 6)
            for child in range(first, first + count):
                walk(child, path, depth + 1)
            return
        body_at = bodies + struct.unpack_from(">I", data, entry + 10)[0]
        length = struct.unpack_from(">I", data, body_at)[0]
        body = data[body_at + 4 : body_at + 4 + length]
        files[path] = _decompress(body[4:], bytes_left) if flags & COMPRESSED else body
        bytes_left -= len(files[path])
        if bytes_left < 0:
            raise ValueError(f"it holds more than {MAX_TOTAL_BYTES:,} bytes")

    walk(0, "", 0)
    return files


def _decompress(body: bytes, max_bytes: int) -> bytes:
    """Decompress a file; the result of a larger file is cut at `max_bytes + 1` bytes."""
    decompressor = zlib.decompressobj()
    data = decompressor.decompress(body, max_bytes + 1)
    if len(data) <= max_bytes and not decompressor.eof:
        raise ValueError("it is damaged: a file is cut short")
    return data


def read_puzzles(container: bytes) -> Iterator[Puzzle]:
    """Every picture puzzle of an activity's container, assembled.

    Raises:
        ValueError: the bytes are not such a container, or one of its puzzles is damaged.
    """
    files = read_container(container)
    for board in sorted(path for path in files if "/board/" in path and path.endswith(".qml")):
        try:
            puzzle = _read_board(files, board)
        except Exception as error:  # an incomplete board can raise anything
            raise ValueError(f"{board} is damaged: {error!r}") from None
        if puzzle:
            yield puzzle


def _read_board(files: dict[str, bytes], board: str) -> Puzzle | None:
    """The puzzle of a board, or None where the board is not a picture puzzle."""
    if len(files[board]) > MAX_BOARD_BYTES:
        raise ValueError(f"it has more than {MAX_BOARD_BYTES:,} bytes")
    text = files[board].decode()
    base = board.split("/board/")[0] + "/"
    levels = re.findall(r"\{(.*?)\}", text[text.index("levels") : text.rfind("}") + 1], re.DOTALL)
    items = [dict(re.findall(r'"(\w+)"\s*:\s*"?([^",\n]+)"?', level)) for level in levels]
    backgrounds = [item for item in items if item.get("type") == "SHAPE_BACKGROUND_IMAGE"]
    pieces = [i for i in items if "x" in i and i["pixmapfile"].endswith(".webp")]
    if not backgrounds or not pieces:
        return None
    title = re.search(r'qsTr\("(.*?)"\)', text)
    first = pieces[0]["pixmapfile"]
    return Puzzle(
        name=first.rsplit("/", 1)[-1].removesuffix(".webp"),
        title=title[1] if title else "",
        base=base + first.rsplit("/", 1)[0],
        picture=_assemble(files, base, backgrounds[0], pieces),
    )


def _assemble(
    files: dict[str, bytes], base: str, background: dict, pieces: list[dict]
) -> Image.Image:
    pixels_left = MAX_PIXELS

    def count(width: int, height: int) -> None:
        nonlocal pixels_left
        pixels_left -= width * height
        if pixels_left < 0:
            raise ValueError(f"it has more than {MAX_PIXELS:,} pixels")

    def decode(item: dict) -> Image.Image:
        file = io.BytesIO(files[base + item["pixmapfile"]])
        with Image.open(file, formats=FORMATS) as picture:
            count(*picture.size)
            return picture.convert("RGBA")

    if background["pixmapfile"].endswith(".svg"):  # an empty frame
        size = int(background["width"]), int(background["height"])
        count(*size)
        board = Image.new("RGBA", size)
    else:
        board = decode(background)
    width = float(background.get("width", board.width))
    height = float(background.get("height", board.height))
    for item in pieces:
        piece = decode(item)
        x = round(float(item["x"]) * width - piece.width / 2)
        y = round(float(item["y"]) * height - piece.height / 2)
        visible = piece.crop((max(0, -x), max(0, -y), piece.width, piece.height))
        board.alpha_composite(visible, (max(0, x), max(0, y)))
    picture = board.crop(board.getbbox())
    inner = (FRAME, FRAME, picture.width - FRAME - 1, picture.height - FRAME - 1)
    return picture.crop(inner).convert("RGB")
