"""Names of files for download, made from the names of the files that were uploaded."""

import re
from collections.abc import Container
from itertools import count
from pathlib import PurePosixPath

MAX_BYTES = 120  # of an uploaded name's part; file systems allow 255 for the whole name
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*%#]')  # in Windows and in addresses
UNNAMED = "picture"


def download_name(uploaded: str | None, addition: str) -> str:
    """`cat-transfer` for `cat.jpg` and "transfer"; safe as a file name on every system.

    Args:
        uploaded: the name of the uploaded file, of any length and with any characters.
        addition: what was done, in letters.

    Returns:
        A name without suffix.
    """
    name = PurePosixPath((uploaded or "").replace("\\", "/")).name
    stem = FORBIDDEN.sub("", PurePosixPath(name).stem.encode("utf-8", "ignore").decode())
    short = stem.encode()[:MAX_BYTES].decode(errors="ignore").strip(" .")
    return f"{short or UNNAMED}-{addition}"


def unused_name(name: str, used: Container[str]) -> str:
    """The name itself, or else with the first number that makes it differ from those used."""
    numbered = (f"{name}-{number}" for number in count(2))
    return name if name not in used else next(n for n in numbered if n not in used)
