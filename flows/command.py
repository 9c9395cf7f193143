"""Runs commands of the project from flows: their output is logged, and they end with the flow.

Commands run in processes of their own because DVC's locks do not exclude other threads, and
because a process that ends returns all memory that a training took.
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

from flows.processes import wait_until_ended
from stylefuse.errors import UserError, printable
from stylefuse.training.termination import end_with_parent

TRY_AGAIN = 75  # exit code of failures that may pass when tried again
LOCKED = re.compile("Unable to acquire lock|is busy, it is being blocked")
STAGE_EXIT_CODE = re.compile(r"exited with (-?\d+)")
POLL_INTERVAL_S = 0.2
STOP_TIMEOUT_S = 60  # for a training that writes its checkpoint before it ends


class CommandFailed(Exception):
    """A command failed and would fail again."""


class CommandBusy(CommandFailed):
    """A command failed for a reason that may pass when it is tried again."""


def retryable(task: object, run: object, state: object) -> bool:
    """A `retry_condition_fn` for tasks: retry only what may pass when it is tried again."""
    return isinstance(state.result(raise_on_failure=False), CommandBusy)  # type: ignore[attr-defined]


def report_user_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a flow or task: an error with an explanation fails it without a traceback."""

    @functools.wraps(function)
    def wrapper(*args: Any, **named: Any) -> Any:
        from prefect.logging import get_run_logger
        from prefect.states import Failed

        try:
            return function(*args, **named)
        except CommandBusy:
            raise  # Prefect retries it
        except (CommandFailed, UserError) as error:
            if getattr(error, "exit_code", None) == TRY_AGAIN:
                raise CommandBusy(str(error)) from None
            message = printable(str(error))  # Prefect's server takes no half characters
            get_run_logger().error(message)
            return Failed(message=message)

    return wrapper


@dataclass(frozen=True)
class CommandResult:
    """A command that has succeeded.

    Attributes:
        output: what it printed to stdout and stderr.
        seconds: its duration.
        child_seconds: for how many of them it had child processes.
    """

    output: str
    seconds: float
    child_seconds: float


def run_command(
    *command: str,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] = lambda line: None,
) -> CommandResult:
    """Run a program of this Python environment and log its output.

    Args:
        command: the program's name and its arguments.
        folder: the working directory; default: the project's folder.
        environment: environment variables to add to those of this process.
        on_line: gets each line of the output, soon after it was printed.

    Raises:
        CommandFailed: the command failed; the message ends with its last error.
        CommandBusy: the same, where it may pass when it is tried again.
    """
    from prefect.logging import get_run_logger

    logger = get_run_logger()
    programs = Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"  # for child processes, too
    start = last_poll = time.monotonic()
    child_seconds = 0.0
    # A file, not a pipe: a process that outlives the command would keep a pipe open.
    with tempfile.NamedTemporaryFile() as log, Path(log.name).open("rb") as reader:
        process = subprocess.Popen(
            [str(programs / command[0]), *command[1:]],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,
            cwd=folder,
            env={**os.environ, "PATH": path, **(environment or {})},
        )
        output = ""
        try:
            while process.poll() is None:
                time.sleep(POLL_INTERVAL_S)
                output += _log_new_lines(reader, logger, on_line)
                before, last_poll = last_poll, time.monotonic()
                child_seconds += (last_poll - before) * _has_children(process)
        except BaseException:
            stop(process)
            raise
        finally:
            output += _log_new_lines(reader, logger, on_line, last=True)
    if process.returncode:
        raise _failure(command, process.returncode, output)
    return CommandResult(output, time.monotonic() - start, child_seconds)


def _has_children(process: subprocess.Popen) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(process.pid).children())
    return False


def stop(process: subprocess.Popen) -> None:
    """Terminate the child processes of a command, and wait until they and the command end.

    The command itself is not terminated while it has children: DVC must see that its stage failed,
    since it leaves incomplete files when it is terminated itself. A training writes a checkpoint
    before it ends.
    """
    try:
        command = psutil.Process(process.pid)
        children = command.children(recursive=True)
    except psutil.NoSuchProcess:
        return
    for child in children or [command]:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.terminate()
    for child in wait_until_ended([*children, command], STOP_TIMEOUT_S):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    process.wait()


def _log_new_lines(
    reader: IO[bytes], logger: object, on_line: Callable[[str], None], last: bool = False
) -> str:
    """Log the complete new lines; of a line that was overwritten with `\\r`, its last state.

    Args:
        reader: of the command's output.
        logger: of the flow run.
        on_line: gets each line.
        last: log an incomplete line, too.
    """
    start = reader.tell()
    data = reader.read()
    if not last:
        data = data[: data.rfind(b"\n") + 1]
        reader.seek(start + len(data))
    text = data.decode(errors="replace")
    for line in text.splitlines():
        message = line.rsplit("\r", 1)[-1].strip()
        if message:
            logger.info(printable(message))  # type: ignore[attr-defined]
            on_line(message)
    return text


def _failure(command: tuple[str, ...], exit_code: int, output: str) -> CommandFailed:
    """The exception for a failed command.

    DVC exits with 255 whatever the reason; only its output has the exit code of the stage and says
    that a lock is taken.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error:")] or lines[-1:]
    exit_codes = [exit_code, *map(int, STAGE_EXIT_CODE.findall(output))]
    busy = TRY_AGAIN in exit_codes or LOCKED.search(output)
    message = f"{' '.join(command)} ended with exit code {exit_code}: {' '.join(errors[:1])}"
    return (CommandBusy if busy else CommandFailed)(message)
