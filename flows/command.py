"""A command of the project as part of a flow: it is logged there, and ends when the flow does.

Commands run as processes of their own: DVC's locks do not hold between threads, and what a
training has taken of memory is given back when it ends.
"""

import contextlib
import functools
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from stylefuse.errors import UserError
from stylefuse.training.termination import end_with_parent

TRANSIENT = 75  # exit code of what may pass when it is tried again
LOCKED = re.compile("Unable to acquire lock|is busy, it is being blocked")
POLL = 0.2  # seconds from one look at the output to the next
PATIENCE = 60  # seconds that a command which was asked to end has for its checkpoint


class CommandFailed(Exception):
    """A command failed, and would again."""


class CommandBusy(CommandFailed):
    """A command failed for a reason that may be gone when it is tried again."""


def retryable(task: object, run: object, state: object) -> bool:
    """For tasks: whether a failure is worth another try; a wrong configuration is not."""
    return isinstance(state.result(raise_on_failure=False), CommandBusy)  # type: ignore[attr-defined]


def report_user_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """For flows and tasks: a failure that has an explanation ends them with that, no traceback."""

    @functools.wraps(function)
    def plain(*args: Any, **named: Any) -> Any:
        from prefect.logging import get_run_logger
        from prefect.states import Failed

        try:
            return function(*args, **named)
        except CommandBusy:
            raise  # for Prefect to try again
        except (CommandFailed, UserError) as error:
            if getattr(error, "exit_code", None) == TRANSIENT:
                raise CommandBusy(str(error)) from None
            get_run_logger().error(str(error))
            return Failed(message=str(error))

    return plain


@dataclass(frozen=True)
class Ended:
    """A command that has ended well.

    Attributes:
        output: what it printed.
        seconds: that it took.
        below: seconds of them in which programs ran that it had started.
    """

    output: str
    seconds: float
    below: float


def run_command(
    *command: str, folder: Path | None = None, settings: Mapping[str, str] | None = None
) -> Ended:
    """Run a program of this environment.

    Args:
        command: the program's name and its arguments.
        folder: where; the project's folder if it is not given.
        settings: environment variables beside those of this process.

    Raises:
        CommandFailed: it failed; the message is its own last word.
        CommandBusy: the same, where it may pass later.
    """
    from prefect.logging import get_run_logger

    logger = get_run_logger()
    programs = Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"  # what it starts, too
    start = seen = time.monotonic()
    below = 0.0
    # no pipe: whatever outlives the command would keep it open
    with tempfile.NamedTemporaryFile() as log, Path(log.name).open("rb") as reader:
        process = subprocess.Popen(
            [str(programs / command[0]), *command[1:]],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,
            cwd=folder,
            env={**os.environ, "PATH": path, **(settings or {})},
        )
        output = ""
        try:
            while process.poll() is None:
                time.sleep(POLL)
                output += _relay(reader, logger)
                before, seen = seen, time.monotonic()
                below += (seen - before) * _has_children(process)
        except BaseException:
            stop(process)
            raise
        finally:
            output += _relay(reader, logger, last=True)
    if process.returncode:
        raise _failure(command, process.returncode, output)
    return Ended(output, time.monotonic() - start, below)


def _has_children(process: subprocess.Popen) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(process.pid).children())
    return False


def stop(process: subprocess.Popen) -> None:
    """End what a command runs, and then the command: DVC must see that its stage failed, since it
    leaves torn files when it is ended itself.

    A training is waited for, too: it outlives its command for as long as its checkpoint takes.
    """
    try:
        command = psutil.Process(process.pid)
        below = command.children(recursive=True)
    except psutil.NoSuchProcess:
        return
    for child in below or [command]:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.terminate()
    _, alive = psutil.wait_procs([*below, command], PATIENCE)
    for child in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


def _relay(reader: IO[bytes], logger: object, last: bool = False) -> str:
    """Log the whole lines that came since; of a line that was overwritten, its last state."""
    start = reader.tell()
    found = reader.read()
    if not last:
        found = found[: found.rfind(b"\n") + 1]
        reader.seek(start + len(found))
    text = found.decode(errors="replace")
    for line in text.splitlines():
        shown = line.rsplit("\r", 1)[-1].strip()
        if shown:
            logger.info(shown)  # type: ignore[attr-defined]
    return text


def _failure(command: tuple[str, ...], code: int, output: str) -> CommandFailed:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    said = [line for line in lines if line.lower().startswith("error:")] or lines[-1:]
    inner = re.findall(r"exited with (-?\d+)", output)  # of the stage, which DVC turns into 255
    kind = CommandFailed
    if TRANSIENT in (code, *map(int, inner)) or LOCKED.search(output):
        kind = CommandBusy
    return kind(f"{' '.join(command)} ended with exit code {code}: {' '.join(said[:1])}")
