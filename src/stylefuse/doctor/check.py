"""What a check of the doctor returns."""

from enum import StrEnum
from typing import NamedTuple

from stylefuse.errors import UserError


class Level(StrEnum):
    """How serious a result is: an error keeps some command from working, a warning may."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class CheckResult(NamedTuple):
    """The result of a check.

    Attributes:
        level: how serious it is.
        message: what was found.
        remedy: what to do about it.
    """

    level: Level
    message: str
    remedy: str = ""

    @classmethod
    def from_error(
        cls, error: UserError, level: Level = Level.ERROR, default_remedy: str = ""
    ) -> "CheckResult":
        """Split an error's message at its first semicolon into message and remedy.

        Args:
            error: its message may have several lines.
            level: how serious it is.
            default_remedy: used if the message has no semicolon.
        """
        message, separator, remedy = " ".join(str(error).split()).partition("; ")
        return cls(level, message, remedy if separator else default_remedy)
