"""Picture files for the command line: found, named and written whole or not at all."""

import glob
import itertools
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from stylefuse.errors import UserError
from stylefuse.images.open import SUFFIXES
from stylefuse.images.save import WRITTEN


def find_pictures(names: Sequence[str]) -> list[Path]:
    """The picture files that files, folders and glob patterns name, each once, in order.

    Raises:
        UserError: a name leads to no picture.
    """
    found: dict[Path, None] = {}
    for name in names:
        found |= dict.fromkeys(_pictures_of(name))
    return list(found)


def matches_pictures(name: str) -> bool:
    """Whether a name is a file's or a folder's, or a glob pattern of some."""
    return Path(name).exists() or bool(_matching(name))


def _pictures_of(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
        if not inside:
            kinds = ", ".join(sorted(SUFFIXES))
            raise UserError(f"there is no picture in the folder {name}; it may hold {kinds}")
        return inside
    if path.exists():
        return [path]
    matching = sorted(p for p in map(Path, _matching(name)) if p.is_file())
    if not matching:
        raise UserError(f"there is no {name}; name a picture, a folder or a glob pattern")
    return matching


def _matching(name: str) -> list[str]:
    return glob.glob(name, recursive=True)  # noqa: PTH207, Path.glob takes no absolute pattern


def output_paths(contents: Sequence[Path], out: Path) -> list[Path]:
    """Where each painted content goes: to `out` itself for one content, else into the folder `out`.

    Raises:
        UserError: a format that cannot be written, a file where a folder is needed, or two
            contents of one name.
    """
    if len(contents) == 1 and out.suffix and not out.is_dir():
        if out.suffix.lower() not in WRITTEN:
            raise UserError(f"{out} cannot be written; end its name in {', '.join(WRITTEN)}")
        return [out]
    if out.suffix.lower() in WRITTEN or out.is_file():
        raise UserError(
            f"{len(contents)} pictures need a folder to go to, and {out} is the name of a file"
        )
    return _distinct([out / f"{content.stem}.png" for content in contents])


def product_paths(contents: Sequence[Path], styles: Sequence[Path], out: Path) -> list[Path]:
    """Where each content goes in each style: `CONTENT--STYLE.png` in the folder `out`, content by
    content.

    Raises:
        UserError: a file where a folder is needed, or two pairs of the same names.
    """
    if out.suffix.lower() in WRITTEN or out.is_file():
        raise UserError(
            f"contents in each style need a folder to go to, and {out} is the name of a file"
        )
    pairs = itertools.product(contents, styles)
    return _distinct([out / f"{content.stem}--{style.stem}.png" for content, style in pairs])


def _distinct(paths: list[Path]) -> list[Path]:
    path, times = Counter(paths).most_common(1)[0]
    if times > 1:
        raise UserError(f"two pictures would become {path}; paint them into two folders")
    return paths


def refuse_overwriting_inputs(inputs: Iterable[Path], outputs: Iterable[Path]) -> None:
    """Refuse to write over what is read.

    Raises:
        UserError: an output would replace an input.
    """
    read = {path.resolve() for path in inputs}
    for path in outputs:
        if path.resolve() in read:
            raise UserError(f"{path} would be replaced by its own painting; choose another output")


def refuse_unwritable(outputs: Iterable[Path]) -> None:
    """Refuse folders that cannot be made or written to, before any work is done for them.

    Raises:
        UserError: there is such a folder.
    """
    for folder in {path.parent for path in outputs}:
        nearest = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
        if not nearest.is_dir():
            raise UserError(f"{folder} cannot be written to: {nearest} is a file")
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise UserError(f"{folder} cannot be written to: {nearest} may not be changed by you")
