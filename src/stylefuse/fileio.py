"""TODO docstring."""

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

from stylefuse.errors import UserError


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under another name, and give it its own once it is whole.

    Raises:
        UserError: the disk or the folder does not take it.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(draft)
        draft.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
