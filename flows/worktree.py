"""Worktrees of the branch's head, in which scheduled runs work.

Each has a number and serves one run at a time. It stays after the run with its data and weights, so
that the next one neither copies nor hashes them again. A process that was killed leaves nothing to
sweep: the kernel releases its worktree, and the next run resets it.
"""

import fcntl
import itertools
import os
import shutil
from pathlib import Path

from stylefuse.errors import UserError
from stylefuse.paths import PROJECT, PROJECT_VARIABLE
from stylefuse.registry.integrity.worktree import git, share_dvc_settings

WORKTREES = Path(".prefect/worktrees")
NO_HOOKS = ("-c", "core.hooksPath=/dev/null")  # those of people, such as of `dvc install`


def in_worktree() -> bool:
    """Whether this process works in a worktree of the project, and not in the project's folder."""
    return Path() != PROJECT


def take_worktree() -> Path:
    """A worktree of this folder's branch, reset to its head.

    No other run uses it until this process ends, or what this process becomes by `exec`.

    Raises:
        UserError: the folder is no git repository, or has no commit.
    """
    commit = find_head()
    git("worktree", "prune")  # forgets those whose folder somebody has deleted
    for number in itertools.count(1):
        folder = (WORKTREES / str(number)).absolute()
        if _lock(folder.with_suffix(".lock")):
            _reset(folder, commit)
            share_dvc_settings(folder)
            return folder
    raise AssertionError("count() has no end")


def worktree_environment(folder: Path, project: Path) -> dict[str, str]:
    """Environment variables for programs in a worktree: its code, the project's state.

    Args:
        folder: of the worktree.
        project: of the project; an absolute path.
    """
    return {
        "PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder}",
        PROJECT_VARIABLE: str(project),
        "PREFECT_HOME": str(project / ".prefect"),
        "STYLEFUSE_CACHE": os.environ.get("STYLEFUSE_CACHE", str(project / ".cache/downloads")),
    }


def find_head() -> str:
    """The commit of this folder's branch.

    Raises:
        UserError: the folder is no git repository, or has no commit.
    """
    try:
        return git("rev-parse", "--verify", "HEAD")
    except UserError as error:
        raise UserError(
            f"scheduled runs work on the last commit, and this folder has none ({error}); run "
            "`git init`, `git add -A` and `git commit`",
            code="commit-missing",
        ) from None


def _lock(path: Path) -> bool:
    """Lock a file until this process and what it becomes by `exec` end; False if it is locked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return False
    os.set_inheritable(handle, True)
    return True


def _reset(folder: Path, commit: str) -> None:
    """Give a worktree the files of a commit; ignored files, such as data and weights, stay."""
    try:
        if not (folder / ".git").is_file():  # git would take the project's folder for it
            raise UserError(f"{folder} is no worktree", code="worktree-missing")
        git("-C", str(folder), *NO_HOOKS, "reset", "--quiet", "--hard", commit)
        git("-C", str(folder), "clean", "--quiet", "--force", "-d")
    except UserError:  # there is none, or a killed git has left it locked
        shutil.rmtree(folder, ignore_errors=True)
        git("worktree", "prune")
        git(*NO_HOOKS, "worktree", "add", "--quiet", "--detach", str(folder), commit)
