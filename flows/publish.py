"""What scheduled runs take from, and leave in, DVC's cache, its remote and git."""

from flows.command import CommandFailed, run_command
from stylefuse.errors import UserError
from stylefuse.registry.integrity.worktree import git

# the pipeline's, also where git knows no user
AUTHOR = "-c", "user.name=stylefuse", "-c", "user.email=stylefuse@localhost"
# may have keys of the remote; that git ignores it is written in a file that a commit may lack
SECRETS = ".dvc/config.local"


def restore_outputs() -> None:
    """Check out what DVC's cache has of the outputs in `dvc.lock`; the others are made again."""
    run_command("dvc", "checkout", "--quiet", "--force", "--allow-missing")


def push_outputs() -> str:
    """Push data and weights to the default DVC remote.

    Raises:
        CommandFailed: there is no remote, or it cannot be written.
    """
    try:
        run_command("dvc", "push")
    except CommandFailed as error:
        raise type(error)(f"data and weights were not pushed to the DVC remote: {error}") from None
    return "data and weights are on the DVC remote"


def commit_results(branch: str, message: str) -> str:
    """Commit what the run changed in a worktree, such as `dvc.lock` and metrics, to a branch.

    The commit follows the branch, and the commit that the run worked on. The branch is created if
    it is missing; nobody may have it checked out.

    Args:
        branch: its name.
        message: the first line of the commit's message.

    Raises:
        UserError: a worktree has the branch checked out, or something else has moved it.
    """
    reference = f"refs/heads/{branch}"
    if f"branch {reference}" in git("worktree", "list", "--porcelain").splitlines():
        raise UserError(
            f"dvc.lock was not committed: the branch {branch} is checked out, and its files would "
            "no longer be those of the commit; set flows.commit_to to another branch",
            code="branch-checked-out",
        )
    git("add", "--all")
    git("reset", "--quiet", "--", SECRETS)
    tree, base = git("write-tree"), git("rev-parse", "HEAD")
    tip = git("for-each-ref", "--format=%(objectname)", reference)
    if tree == git("rev-parse", f"{tip or base}^{{tree}}"):
        return f"{(tip and branch) or 'the commit'} has this dvc.lock already"
    parents = [tip, base] if tip and not _is_ancestor(base, tip) else [tip or base]
    commit = _commit(tree, parents, message)
    git("update-ref", "-m", "scheduled run", reference, commit, tip or "0" * len(commit))
    return f"dvc.lock is committed to {branch} as {commit[:7]}"


def _is_ancestor(commit: str, other: str) -> bool:
    try:
        git("merge-base", "--is-ancestor", commit, other)
    except UserError:
        return False
    return True


def _commit(tree: str, parents: list[str], message: str) -> str:
    options = [option for parent in parents for option in ("-p", parent)]
    return git(*AUTHOR, "commit-tree", *options, "-m", message or "scheduled run", tree)
