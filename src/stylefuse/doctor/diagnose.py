"""What is wrong with this machine, the configuration or the registry, and what helps.

A check is a function that answers in a line. One that fails by itself is a finding like the others:
where something is broken, what looks at it may break as well.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from stylefuse.errors import UserError

if TYPE_CHECKING:
    from stylefuse.config import Params


class Level(StrEnum):
    """How much a finding matters: what is wrong keeps a command from working, a warning may."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


class Answer(NamedTuple):
    """What a check says: how much it matters, what it found, and what helps."""

    level: Level
    found: str
    remedy: str = ""

    @classmethod
    def of(cls, error: UserError, level: Level = Level.WRONG, otherwise: str = "") -> "Answer":
        """What an error says: a sentence, and behind a semicolon its remedy.

        Args:
            error: is told in one line.
            level: how much it matters.
            otherwise: the remedy where the error names none.
        """
        found, known, remedy = " ".join(str(error).split()).partition("; ")
        return cls(level, found, remedy if known else otherwise)


@dataclass(frozen=True)
class Finding:
    """The answer of a named check."""

    check: str
    level: Level
    found: str
    remedy: str

    def __str__(self) -> str:
        told = f"{self.level:<7}  {self.check}: {self.found}"
        return f"{told}; {self.remedy}" if self.remedy else told

    def to_dict(self) -> dict[str, str]:
        """All of it, for JSON."""
        return asdict(self)


def diagnose() -> Iterator[Finding]:
    """Look at everything, one check after another.

    Where `params.yaml` is wrong, what it configures cannot be looked at.
    """
    from stylefuse.doctor import machine, project

    for name, check in machine.CHECKS.items():
        yield ask(name, check)
    held: list[Params] = []
    yield ask("params.yaml", lambda: _parameters(held))
    for params in held:
        for name, look in project.CHECKS.items():
            yield ask(name, partial(look, params))
        for model in params.models:
            yield ask(f"champion of {model}", partial(project.champion, params, model))


def ask(name: str, check: Callable[[], Answer]) -> Finding:
    """The finding of a check, whatever it does."""
    try:
        answer = check()
    except UserError as error:
        answer = Answer.of(error)
    except Exception as error:
        lines = str(error).strip().splitlines() or ["no reason given"]
        found = f"this check failed ({type(error).__name__}: {lines[0][:200]})"
        answer = Answer(Level.WRONG, found, "mend what the other lines name, and ask again")
    return Finding(name, *answer)


def _parameters(held: list["Params"]) -> Answer:
    """Check the parameters, and hold them for those who come next."""
    from stylefuse.config import load_params

    try:
        held.append(load_params())
    except UserError as error:
        later = "then ask again: registry, data and champions are looked at only with it"
        return Answer.of(error, otherwise=later)
    params = held[0]
    models = ", ".join(params.models) or "none"
    return Answer(Level.OK, f"profile {params.profile}, models: {models}")
