"""The project as it was in a commit, in a folder of its own."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stylefuse.errors import UserError

BIN = Path(sys.executable).parent


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
            dvc = (str(BIN / "dvc"), "cache", "dir")
            ours = subprocess.run(dvc, check=True, capture_output=True, text=True).stdout.strip()
            subprocess.run([*dvc, "--local", str(Path(ours).absolute())], cwd=folder, check=True)
            yield folder
        finally:
            git("worktree", "remove", "--force", str(folder))


def bring_outputs(folder: Path, names: Sequence[str]) -> bool:
    """Put outputs of the pipeline where `dvc.lock` has them in a copy of the project: out of DVC's
    cache, or out of the project's remote where it has one.

    Returns:
        Whether all could be had.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    targets = [str(folder / name) for name in names]
    with Repo() as here:  # addresses in its settings may be relative to it, and some are no one's
        settings = {name: here.config[name] for name in ("core", "remote")}
    for config in (None, settings):
        try:
            with Repo(str(folder), config=config) as there:
                if config:
                    there.fetch(targets)
                there.checkout(targets)
                return True
        except (DvcException, OSError):
            continue  # not in the cache; or there is no remote, or it does not have them either
    return False


def git(*command: str) -> str:
    """What git answers.

    Raises:
        UserError: it failed; its own last words say why.
    """
    try:
        done = subprocess.run(["git", *command], capture_output=True, text=True)
    except OSError as error:
        raise UserError(f"git cannot be run ({error.strerror}); install it") from None
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise UserError(f"`git {' '.join(command[:2])}` failed: {said[0]}")
    return done.stdout.strip()
