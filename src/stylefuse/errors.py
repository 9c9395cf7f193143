"""The one exception that people see: a sentence that names the thing and the remedy."""

import sys
from collections.abc import Callable


class UserError(Exception):
    """A mistake or a missing thing that the user can mend; shown as one message, never a traceback.

    `exit_code` is what the process ends with: 2 for wrong input or configuration, 10 for data
    that failed validation, 75 for something that may pass when tried again.
    """

    def __init__(self, message: str, exit_code: int = 2):
        super().__init__(message)
        self.exit_code = exit_code


def run_main(main: Callable[[], None]) -> None:
    """Run a command; a user's mistake ends it with one line on stderr and its exit code.

    So does a file that the system refuses: a name that is too long, a disk that is full.
    """
    try:
        main()
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
    except OSError as error:
        if error.filename is None:
            raise
        sys.stderr.write(f"error: {str(error.filename)[:200]} cannot be used: {error.strerror}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        sys.exit(130)
