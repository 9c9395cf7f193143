"""Copies of the project at a commit, in folders of their own, and calls of git."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stylefuse.errors import UserError

PROGRAMS = Path(sys.executable).parent  # of this environment


@contextmanager
def worktree(revision: str) -> Iterator[Path]:
    """A folder with the files of a commit until the block ends; it shares DVC's cache.

    Raises:
        UserError: there is no such commit here.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        git("worktree", "add", "--detach", str(folder), revision)
        try:
            share_dvc_settings(folder)
            yield folder
        finally:
            git("worktree", "remove", "--force", str(folder))


def share_dvc_settings(folder: Path) -> None:
    """Let a copy of the project use DVC's cache and remotes of the project in this folder."""
    from dvc.config import Config
    from dvc.repo import Repo

    with Repo() as project:
        cache = {**project.config["cache"], "dir": project.cache.local_cache_dir}
        shared = {"cache": cache, "remote": project.config["remote"]}
        default = project.config["core"].get("remote")
    config = Config(str(folder / ".dvc"))
    with config.edit("local") as local:
        local.update(shared)
        local["core"] = {"remote": default} if default else {}
    Path(config.files["local"]).chmod(0o600)  # a remote's settings may have keys


def checkout_outputs(folder: Path, names: Sequence[str]) -> bool:
    """Check out outputs of the pipeline in a copy of the project, as its `dvc.lock` names them.

    They come from DVC's cache, or from the project's remote if it has one.

    Returns:
        Whether all of them are there.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    targets = [str(folder / name) for name in names]
    for fetches in (False, True):
        try:
            with Repo(str(folder)) as copy:
                if fetches:
                    copy.fetch(targets)
                copy.checkout(targets)
                return True
        except (DvcException, OSError):
            continue  # not in the cache; or there is no remote, or the remote lacks them, too
    return False


def git(*command: str) -> str:
    """Run git in the working folder and return its output.

    Raises:
        UserError: git is missing or failed; the message has its last line.
    """
    try:
        process = subprocess.run(["git", *command], capture_output=True, text=True)
    except OSError as error:
        raise UserError(
            f"git cannot be run ({error.strerror}); install it", code="git-missing"
        ) from None
    if process.returncode:
        lines = process.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise UserError(f"`git {' '.join(command[:2])}` failed: {lines[0]}", code="git-failed")
    return process.stdout.strip()
