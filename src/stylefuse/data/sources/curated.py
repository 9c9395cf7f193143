"""Curated lists: text files that name the pictures to take from a source.

Each line is a path in the source; `x y side` after the path cuts that square out of the picture.
Lines that begin with `#` are comments.
"""

import io
import re
from collections import defaultdict
from pathlib import Path, PurePosixPath

from stylefuse.data.sources.picture import SourcePicture
from stylefuse.errors import UserError
from stylefuse.images.open import crop_square, open_picture

LINE = re.compile(r"(?P<path>.+?)(?P<square>(?: -?\d+){3})?")

Square = tuple[int, ...]  # x and y of the upper left corner, side; empty for the whole picture


def read_list(file: Path) -> dict[str, list[Square]]:
    """The squares to take from each picture, by path.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise UserError(message, code="curated-list-unreadable") from None
    squares: dict[str, list[Square]] = defaultdict(list)
    for line in dict.fromkeys(lines):
        if (match := LINE.fullmatch(line)) and not line.startswith("#"):
            squares[match["path"]].append(tuple(map(int, (match["square"] or "").split())))
    return dict(squares)


def format_line(path: str, square: Square) -> str:
    """The line of a curated list."""
    return " ".join([path, *map(str, square)])


def cut(picture: SourcePicture, square: Square, file: Path | None) -> SourcePicture:
    """A square of a picture as PNG, or the picture unchanged where the square is empty.

    Args:
        picture: as the source has it.
        square: to cut out.
        file: the list, for messages.

    Raises:
        UserError: the picture is damaged, or the square is not in it.
    """
    if not square:
        return picture
    where = f"{file}: {format_line(picture.path, square)}"
    opened = open_picture(picture.read(), where)
    try:
        result = crop_square(opened, *square)
    except ValueError as error:
        raise UserError(f"{where}: {error}", code="curated-square-outside") from None
    png = io.BytesIO()
    result.save(png, "PNG")
    path = PurePosixPath(picture.path)
    name = format_line(path.stem, square) + ".png"
    return picture._replace(path=str(path.with_name(name)), data=png.getvalue())
