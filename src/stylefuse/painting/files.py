"""Input and output files of painting commands: finding, naming and checking them."""

import glob
import itertools
import os
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from stylefuse.errors import UserError, printable
from stylefuse.fileio import resolved
from stylefuse.images.open import MAX_PIXELS, SUFFIXES
from stylefuse.images.save import MAX_SIDES, SAVE_OPTIONS

MAX_NAMES = 5  # of files that a message lists


def find_pictures(names: Sequence[str]) -> list[Path]:
    """Expand files, folders and glob patterns into picture files, each once, in order.

    Raises:
        UserError: a name matches no picture.
    """
    paths: dict[str, Path] = {}
    for path in itertools.chain.from_iterable(map(_expand, names)):
        paths.setdefault(os.path.normpath(path), path)  # also `a/../x.png` and `x.png`
    return list(paths.values())


def matches_pictures(name: str) -> bool:
    """Whether a name is an existing file or folder, or a glob pattern that matches some."""
    return Path(name).exists() or bool(_glob(name))


def _expand(name: str) -> list[Path]:
    if (
        not name
    ):  # pathlib takes it for the working folder; it is a variable of a shell that is unset
        raise UserError(
            "the name of a picture is empty; name a picture, a folder or a glob pattern",
            code="picture-missing",
        )
    path = Path(name)
    if path.is_dir():
        return _pictures_in(path)
    if path.exists():
        return [path]
    matches = sorted(p for p in map(Path, _glob(name)) if p.is_file())
    if not matches:
        raise UserError(
            f"there is no {name}; name a picture, a folder or a glob pattern",
            code="picture-missing",
        )
    return matches


def _pictures_in(folder: Path) -> list[Path]:
    """The pictures in a folder; what else is in it is named on stderr, but for hidden files."""
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    pictures = [path for path in entries if path.suffix.lower() in SUFFIXES and path.is_file()]
    suffixes = ", ".join(sorted(SUFFIXES))
    if not pictures:
        raise UserError(
            f"there is no picture in the folder {folder}; pictures end in {suffixes}",
            code="picture-missing",
        )
    if left_out := [path.name for path in entries if path not in pictures]:
        shown = ", ".join(left_out[:MAX_NAMES]) + (", …" if len(left_out) > MAX_NAMES else "")
        line = f"left out {len(left_out)} in {folder} that are no pictures: {shown}\n"
        sys.stderr.write(printable(line))
    return pictures


def _glob(pattern: str) -> list[str]:
    """Below `**`, links to folders are not followed: two that lead back make endless paths."""
    before, recursive, after = f"/{pattern}/".partition("/**/")
    if not recursive:
        return glob.glob(pattern)  # noqa: PTH207, Path.glob takes no absolute pattern
    matches = []
    start = {"": os.curdir, "/": os.sep}.get(before, before[1:])
    for root in glob.glob(start):  # noqa: PTH207
        for folder, names, _ in os.walk(root):
            names[:] = [name for name in names if not name.startswith(".")]
            inside = "" if folder == os.curdir else glob.escape(folder).removeprefix("./") + "/"
            matches += _glob(inside + (after.strip("/") or "*"))
    return matches


def output_paths(contents: Sequence[Path], out: Path) -> list[Path]:
    """The output file of each content: `out` itself for one content, else files in the folder
    `out`.

    Raises:
        UserError: the format cannot be written, `out` is a file where a folder is needed, or two
            contents have the same name.
    """
    if len(contents) == 1 and out.suffix and not out.is_dir():
        if out.suffix.lower() not in SAVE_OPTIONS:
            raise UserError(
                f"{out} cannot be written in this format; use a name that ends in "
                f"{', '.join(SAVE_OPTIONS)}",
                code="output-format-unsupported",
            )
        return [out]
    return paths_in_folder(contents, out)


def paths_in_folder(contents: Sequence[Path], out: Path) -> list[Path]:
    """The output file of each content, in the folder `out`.

    Raises:
        UserError: `out` is a file, or two contents have the same name.
    """
    _refuse_file(out, f"{len(contents)} pictures are")
    return _distinct([out / f"{title}.png" for title in _titles(contents)])


def product_paths(contents: Sequence[Path], styles: Sequence[Path], out: Path) -> list[Path]:
    """The output file of each content in each style, content by content: `CONTENT--STYLE.png` in
    the folder `out`.

    Raises:
        UserError: `out` is a file, or two outputs would have the same name.
    """
    _refuse_file(out, "contents in each style are")
    pairs = itertools.product(_titles(contents), _titles(styles))
    return _distinct([out / f"{content}--{style}.png" for content, style in pairs])


def _titles(pictures: Sequence[Path]) -> list[str]:
    """The name of each picture, with its suffix only where it needs it: beside `a.png`, `a.jpg` is
    `a.jpg`."""
    count = Counter(picture.stem for picture in pictures)
    return [picture.stem if count[picture.stem] == 1 else picture.name for picture in pictures]


def _refuse_file(out: Path, subject: str) -> None:
    if out.suffix.lower() in SAVE_OPTIONS or out.is_file():
        raise UserError(
            f"{subject} written into a folder, and {out} is the name of a file; name a folder",
            code="output-not-a-folder",
        )


def _distinct(paths: list[Path]) -> list[Path]:
    path, count = Counter(paths).most_common(1)[0]
    if count > 1:
        raise UserError(
            f"two pictures would become {path}; paint them into two folders",
            code="output-ambiguous",
        )
    return paths


def refuse_overwriting_inputs(inputs: Iterable[Path], outputs: Iterable[Path]) -> None:
    """Refuse outputs that would replace an input.

    Raises:
        UserError: there is such an output.
    """
    resolved_inputs = {resolved(path) for path in inputs}
    for path in outputs:
        if resolved(path) in resolved_inputs:
            raise UserError(
                f"{path} would be replaced by its own painting; choose another output",
                code="output-replaces-input",
            )


def refuse_unwritable(outputs: Collection[Path]) -> None:
    """Refuse output folders that cannot be created or written to, and outputs that are no files,
    before any work is done.

    Raises:
        UserError: there is such a folder or output.
    """
    for path in outputs:
        if exists(path) and not (path.is_file() or path.is_dir()):
            raise UserError(
                f"{path} would be replaced, and is a pipe or a device; choose another output",
                code="file-not-writable",
            )
    for folder in {path.parent for path in outputs}:
        nearest = _nearest_folder(folder)
        problem = None
        if not nearest.is_dir():
            problem = f"{nearest} is a file"
        elif not os.access(nearest, os.W_OK | os.X_OK):
            problem = f"you have no write permission for {nearest}"
        if problem:
            raise UserError(
                f"{folder} cannot be written to: {problem}; choose another output",
                code="file-not-writable",
            )


def exists(path: Path) -> bool:
    """Whether there is a file or a folder; a name that is too long is none."""
    return os.path.exists(path)  # noqa: PTH110, Path.exists raises an error for long names


def refuse_name(path: Path) -> None:
    """Refuse an output that cannot be written because of its name alone, before it is painted.

    Raises:
        UserError: there is a folder of this name, or it is too long.
    """
    limit = os.pathconf(_nearest_folder(path.parent), "PC_NAME_MAX")
    length = len(os.fsencode(path.name))
    if length > limit:
        raise UserError(
            f"{path} would have a name of {length} bytes, more than the {limit} that the disk "
            "allows; rename what it is made from",
            code="file-not-writable",
        )
    if path.is_dir():
        raise UserError(
            f"{path} is a folder, where a file would be written; choose another output",
            code="file-not-writable",
        )


def _nearest_folder(folder: Path) -> Path:
    """The folder, or the first one above it that exists."""
    return next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())


def refuse_oversized(output: Path, size: tuple[int, int]) -> None:
    """Refuse an output with more pixels than `open_picture` reads or its format holds, before it
    is painted.

    Args:
        output: ends in one of `SAVE_OPTIONS`.
        size: of the output: width and height in pixels.

    Raises:
        UserError: it would have more pixels.
    """
    width, height = size
    if width * height > MAX_PIXELS:
        raise UserError(
            f"{output} would have {width:,}×{height:,} pixels, more than the {MAX_PIXELS:,} "
            "allowed; give a smaller size",
            code="output-too-large",
        )
    format = SAVE_OPTIONS[output.suffix.lower()]["format"]
    longer_side = max(size)
    limit = MAX_SIDES.get(format, longer_side)
    if longer_side > limit:
        raise UserError(
            f"{output} would have {longer_side:,} pixels along a side, and {format} holds "
            f"{limit:,}; write a PNG or TIFF file",
            code="output-too-large",
        )
