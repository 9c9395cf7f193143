"""Picture puzzles of GCompris, put together again from their pieces.

A `.rcc` file is a Qt resource container. A puzzle's board (`board/*.qml`) names the background and
gives each piece's centre as a share of the board's size.
"""

import io
import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image

MOST_IN_ALL = 500_000_000  # bytes of all files of a container, unpacked
MOST_OF_BOARD = 100_000  # bytes of text
MAX_PIXELS = 100_000_000  # of a puzzle's ground and pieces together
DEEPEST = 32  # folders in one another
FORMATS = ("WEBP", "PNG", "JPEG")
FRAME = 2  # the outermost pixels of a puzzle are partly see-through

DIRECTORY, COMPRESSED = 2, 1  # flags of a container's entry


class Puzzle(NamedTuple):
    name: str  # of its first piece, without suffix
    title: str  # "painter, work - year"
    base: str  # its folder inside the container
    picture: Image.Image  # RGB


def read_container(data: bytes) -> dict[str, bytes]:
    """All files of a Qt resource container (format 1 to 3), by path.

    Raises:
        ValueError: the bytes are no such container, or it is damaged or larger than one should be.
    """
    try:
        return _read_container(data)
    except (struct.error, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(f"it is damaged: {error}") from None


def _read_container(data: bytes) -> dict[str, bytes]:
    if data[:4] != b"qres":
        raise ValueError("no Qt resource container")
    version, tree, bodies, names = struct.unpack_from(">4I", data, 4)
    entry_size = 14 if version < 2 else 22
    files: dict[str, bytes] = {}
    seen: set[int] = set()
    left = MOST_IN_ALL

    def walk(index: int, folder: str, depth: int) -> None:
        nonlocal left
        if index in seen or depth > DEEPEST:
            raise ValueError("its folders lead back into each other, or too deep")
        seen.add(index)
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
        files[path] = _unpacked(body[4:], left) if flags & COMPRESSED else body
        left -= len(files[path])
        if left < 0:
            raise ValueError(f"it holds more than {MOST_IN_ALL:,} bytes")

    walk(0, "", 0)
    return files


def _unpacked(body: bytes, most: int) -> bytes:
    """Unpack a file; one of more than `most` bytes comes with one more than that, and no more."""
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(body, most + 1)
    if len(unpacked) <= most and not unpacker.eof:
        raise ValueError("it is damaged: a file is cut short")
    return unpacked


def read_puzzles(container: bytes) -> Iterator[Puzzle]:
    """Every picture puzzle of an activity's container, assembled.

    Raises:
        ValueError: it is no such container, or one of its puzzles cannot be put together.
    """
    files = read_container(container)
    for board in sorted(path for path in files if "/board/" in path and path.endswith(".qml")):
        try:
            puzzle = _read_board(files, board)
        except Exception as error:  # what a board lacks is met with errors of every kind
            raise ValueError(f"{board} is damaged: {error!r}") from None
        if puzzle:
            yield puzzle


def _read_board(files: dict[str, bytes], board: str) -> Puzzle | None:
    """The puzzle of a board; None where it is none of pictures."""
    if len(files[board]) > MOST_OF_BOARD:
        raise ValueError(f"it has more than {MOST_OF_BOARD:,} bytes")
    text = files[board].decode()
    base = board.split("/board/")[0] + "/"
    levels = re.findall(r"\{(.*?)\}", text[text.index("levels") : text.rfind("}") + 1], re.DOTALL)
    items = [dict(re.findall(r'"(\w+)"\s*:\s*"?([^",\n]+)"?', level)) for level in levels]
    grounds = [item for item in items if item.get("type") == "SHAPE_BACKGROUND_IMAGE"]
    pieces = [i for i in items if "x" in i and i["pixmapfile"].endswith(".webp")]
    if not grounds or not pieces:
        return None
    title = re.search(r'qsTr\("(.*?)"\)', text)
    first = pieces[0]["pixmapfile"]
    return Puzzle(
        name=first.rsplit("/", 1)[-1].removesuffix(".webp"),
        title=title[1] if title else "",
        base=base + first.rsplit("/", 1)[0],
        picture=_assemble(files, base, grounds[0], pieces),
    )


def _assemble(files: dict[str, bytes], base: str, ground: dict, pieces: list[dict]) -> Image.Image:
    left = MAX_PIXELS

    def take(width: int, height: int) -> None:
        nonlocal left
        left -= width * height
        if left < 0:
            raise ValueError(f"it has more than {MAX_PIXELS:,} pixels")

    def opened(item: dict) -> Image.Image:
        file = io.BytesIO(files[base + item["pixmapfile"]])
        with Image.open(file, formats=FORMATS) as picture:
            take(*picture.size)
            return picture.convert("RGBA")

    if ground["pixmapfile"].endswith(".svg"):  # an empty frame
        size = int(ground["width"]), int(ground["height"])
        take(*size)
        board = Image.new("RGBA", size)
    else:
        board = opened(ground)
    width, height = (
        float(ground.get("width", board.width)),
        float(ground.get("height", board.height)),
    )
    for item in pieces:
        piece = opened(item)
        x = round(float(item["x"]) * width - piece.width / 2)
        y = round(float(item["y"]) * height - piece.height / 2)
        inside = piece.crop((max(0, -x), max(0, -y), piece.width, piece.height))
        board.alpha_composite(inside, (max(0, x), max(0, y)))
    whole = board.crop(board.getbbox())
    frame = (FRAME, FRAME, whole.width - FRAME - 1, whole.height - FRAME - 1)
    return whole.crop(frame).convert("RGB")
