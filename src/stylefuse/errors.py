"""The one exception that users see: what is wrong, where, and what to do about it."""

import errno
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_ROOM = re.compile(  # in the words of the system, NumPy and SQLite
    r"No space left on device|\d+ requested and \d+ written|database or disk is full"
)
LITTLE = 1 << 20  # bytes: with less than that left, a write that failed has failed for want of room


class UserError(Exception):
    """A mistake or a missing thing that the user can correct; shown as one message, no traceback.

    Args:
        message: what is wrong, where, and what to do.
        exit_code: of the process: 2 for wrong input or configuration, 10 for data that failed
            validation, 75 for something that may pass when tried again.
        code: a stable name of the kind of error, in kebab case, for programs and tests.
    """

    def __init__(self, message: str, exit_code: int = 2, *, code: str = "user-error"):
        super().__init__(message)
        self.exit_code, self.code = exit_code, code


def run_main(main: Callable[[], None]) -> None:
    """Run a command; a user's mistake, or a file or disk that refuses, ends it with one line on
    stderr and an exit code."""
    try:
        main()
    except UserError as error:
        _end(error)
    except Exception as error:
        told = file_fault(error)
        if told is None:
            raise
        _end(told)
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(130)


def file_fault(error: Exception) -> UserError | None:
    """What it means to a person that the system refuses a file; None where an error is another.

    NumPy, HDF5, Pillow and SQLite tell of a full disk without its number: then their words count,
    or the disk itself is asked.
    """
    number, path = getattr(error, "errno", None), getattr(error, "filename", None)
    place = str(path)[:200]
    wordless = number is None and isinstance(error, OSError | RuntimeError)
    full = wordless and shutil.disk_usage(Path.cwd()).free < LITTLE
    if full or number in FULL or NO_ROOM.search(str(error)):
        where = f"the disk for {place}" if path else "the disk"
        return UserError(
            f"there is no room left on {where}; free some, and run the same command again", 75
        )
    if number and path:
        return UserError(
            f"{place} cannot be used ({os.strerror(number)}); see to that, and run the command "
            "again"
        )
    return None


def _end(error: UserError) -> None:
    sys.stderr.write(f"error: {error}\n")
    sys.exit(error.exit_code)
