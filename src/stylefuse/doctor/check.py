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
        hint: what to do about it.
    """

    level: Level
    message: str
    hint: str = ""

    @classmethod
    def from_error(
        cls, error: UserError, level: Level = Level.ERROR, default_hint: str = ""
    ) -> "CheckResult":
        """Split an error's message at its first semicolon into message and hint.

        Args:
            error: its message may have several lines.
            level: how serious it is.
            default_hint: used if the message has no semicolon.
        """
        message, separator, hint = " ".join(str(error).split()).partition("; ")
        return cls(level, message, hint if separator else default_hint)
