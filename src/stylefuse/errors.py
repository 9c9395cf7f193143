"""The exception that users see as one message, and the exit codes of commands."""

import errno
import os
import re
import select
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

EXIT_INVALID_INPUT = 2
EXIT_TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h
EXIT_INTERRUPTED = 130  # 128 + SIGINT
EXIT_BROKEN_PIPE = 141  # 128 + SIGPIPE
EXIT_TERMINATED = 143  # 128 + SIGTERM

DISK_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
DISK_FULL_MESSAGES = re.compile(  # as the system, NumPy and SQLite word it
    r"No space left on device|\d+ requested and \d+ written|database or disk is full"
)
FULL_DISK_FREE_BYTES = 1 << 20  # with less free space, a failed write is put down to a full disk
MAX_PATH_LENGTH = 200  # characters of a path that a message shows


class UserError(Exception):
    """A mistake or a missing thing that the user can correct; shown as one message, no traceback.

    Args:
        message: what is wrong, where, and what to do.
        exit_code: of the process: 2 for wrong input or configuration, 10 for data that failed
            validation, 75 for something that may pass when tried again.
        code: a stable name of the kind of error, in kebab case, for programs and tests.
    """

    def __init__(
        self, message: str, exit_code: int = EXIT_INVALID_INPUT, *, code: str = "user-error"
    ):
        super().__init__(message)
        self.exit_code, self.code = exit_code, code


def run_main(main: Callable[[], None]) -> None:
    """Run a command.

    A `UserError`, a full disk and a file that the system refuses end the process with one line on
    stderr and an exit code. Other exceptions are programming errors and keep their traceback.
    """
    try:
        main()
        sys.stdout.flush()
    except UserError as error:
        _exit(error)
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _stdout_is_broken():
            sys.exit(EXIT_BROKEN_PIPE)
        user_error = to_user_error(error)
        if user_error is None:
            raise
        _exit(user_error)
    except KeyboardInterrupt as interrupt:
        sys.stderr.write(printable(": ".join(["stopped", *map(str, interrupt.args)])) + "\n")
        sys.exit(EXIT_INTERRUPTED)


def open_missing_streams() -> None:
    """Open /dev/null in the place of standard streams that are closed: the next file that is
    opened would take their place, and what is printed would be written into it."""
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
            setattr(sys, name, os.fdopen(null, mode))


def printable(text: str) -> str:
    """A text in which control characters, but for line breaks and tabs, are escaped.

    Names of files and archives may hold them, and a terminal would obey them.
    """
    return "".join(
        character
        if character.isprintable() or character in "\n\t"
        else character.encode("unicode_escape", "surrogatepass").decode()
        for character in text
    )


def _stdout_is_broken() -> bool:
    """Whether nobody reads stdout any more; then nothing more is written to it."""
    states = select.poll()
    states.register(1, 0)
    if not any(state & select.POLLERR for _, state in states.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return True


def to_user_error(error: Exception) -> UserError | None:
    """Translate a full disk or a refused file into a message for users.

    Returns:
        The `UserError` to show, or None if the error has another cause.
    """
    number, path = getattr(error, "errno", None), getattr(error, "filename", None)
    if is_disk_full(error):
        return disk_full_error(path)
    if number and path:
        return UserError(
            f"{_shortened(path)} cannot be accessed ({os.strerror(number)}); fix this and run the "
            "command again",
            code="file-not-accessible",
        )
    return None


def is_disk_full(error: Exception) -> bool:
    """Whether a write failed because no space was left.

    NumPy, HDF5, Pillow and SQLite report a full disk without its error number. Then the message
    decides, or the free space on the disk of the working folder.
    """
    number = getattr(error, "errno", None)
    if number in DISK_FULL_ERRNOS or DISK_FULL_MESSAGES.search(str(error)):
        return True
    has_no_number = number is None and isinstance(error, OSError | RuntimeError)
    return has_no_number and shutil.disk_usage(Path.cwd()).free < FULL_DISK_FREE_BYTES


def disk_full_error(path: object = None) -> UserError:
    """The message for a full disk, with the file that could not be written if it is known."""
    place = f" for {_shortened(path)}" if path else ""
    return UserError(
        f"no space is left on the disk{place}; free some space and run the same command again",
        EXIT_TRY_AGAIN,
        code="disk-full",
    )


def _shortened(path: object) -> str:
    return str(path)[:MAX_PATH_LENGTH]


def _exit(error: UserError) -> None:
    sys.stderr.write(f"error: {printable(str(error))}\n")
    sys.exit(error.exit_code)
