"""Starts a run of a deployment: in a worktree of the branch's head if it has the tag `commit`.

python -m flows.start COMMAND…

The command, Prefect's own, then executes the flow run. It replaces this process, so that signals
reach it and the worktree is its own until it ends. It ends when the worker is killed.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from flows.notifications import notify
from flows.worktree import take_worktree, worktree_environment
from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.training.termination import end_with_parent

COMMIT_TAG = "commit"  # of deployments and runs
PROGRAMS = Path(sys.executable).parent


def main() -> None:
    end_with_parent()
    command = sys.argv[1:]
    environment = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"}
    if COMMIT_TAG in _run_tags():
        project = Path.cwd()
        try:
            folder = take_worktree()
        except UserError as error:
            _fail(str(error))
            return
        os.chdir(folder)
        environment |= worktree_environment(folder, project)
    os.execvpe(command[0], command, environment)  # noqa: S606, of the work pool


def _run_tags() -> list[str]:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return list(client.read_flow_run(_run_id()).tags)


def _fail(message: str) -> None:
    """Let the run end with a message instead of a traceback."""
    from prefect.client.orchestration import get_client
    from prefect.states import Failed

    sys.stderr.write(f"error: {message}\n")
    with suppress(UserError):  # of params.yaml
        notify(load_params().notify, "failed", message)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(_run_id(), Failed(message=message), force=True)


def _run_id() -> str:
    return os.environ["PREFECT__FLOW_RUN_ID"]


if __name__ == "__main__":
    main()
