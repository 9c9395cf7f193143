"""Run all checks of `stylefuse doctor`."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial

from stylefuse.config import Params, load_params
from stylefuse.doctor import machine, project
from stylefuse.doctor.check import CheckResult, Level
from stylefuse.errors import UserError


@dataclass(frozen=True)
class Finding:
    """The result of a named check."""

    check: str
    level: Level
    message: str
    hint: str

    def __str__(self) -> str:
        text = f"{self.level:<7}  {self.check}: {self.message}"
        return f"{text}; {self.hint}" if self.hint else text

    def to_dict(self) -> dict[str, str]:
        """All fields, for JSON."""
        return asdict(self)


def diagnose() -> Iterator[Finding]:
    """Run every check in turn. If `params.yaml` is wrong, what it configures is not checked."""
    for name, check in machine.CHECKS.items():
        yield run_check(name, check)
    params, finding = _check_params()
    yield finding
    if params is None:
        return
    for name, project_check in project.CHECKS.items():
        yield run_check(name, partial(project_check, params))
    for model in params.models:
        yield run_check(f"champion of {model}", partial(project.champion, params, model))


def run_check(name: str, check: Callable[[], CheckResult]) -> Finding:
    """Run one check; an exception in it is a finding like any other."""
    try:
        result = check()
    except UserError as error:
        result = CheckResult.from_error(error)
    except Exception as error:
        lines = str(error).strip().splitlines() or ["no reason given"]
        message = f"this check failed ({type(error).__name__}: {lines[0][:200]})"
        hint = "correct what the other lines report, and run `stylefuse doctor` again"
        result = CheckResult(Level.ERROR, message, hint)
    return Finding(name, *result)


def _check_params() -> tuple[Params | None, Finding]:
    try:
        params = load_params()
    except UserError as error:
        hint = "then run `stylefuse doctor` again: it checks registry and data only after this"
        return None, Finding("params.yaml", *CheckResult.from_error(error, default_hint=hint))
    models = ", ".join(params.models) or "none"
    message = f"profile {params.profile}, models: {models}"
    return params, Finding("params.yaml", Level.OK, message, "")
