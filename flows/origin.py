"""From which commit and data a run works."""

from dataclasses import dataclass

from flows.worktree import in_worktree
from stylefuse.errors import UserError, printable
from stylefuse.registry.integrity.provenance import short_list, uncommitted_files
from stylefuse.registry.integrity.worktree import git

FORMAT = "%h (%s)"  # of a commit: abbreviated hash and subject


@dataclass(frozen=True)
class Origin:
    """The code that a run works with.

    Attributes:
        commit: abbreviated hash and subject; "" if the folder is no git repository.
        where: "a worktree" or "this folder".
        uncommitted: files that differ from the commit, for people; "" if there are none.
    """

    commit: str
    where: str
    uncommitted: str = ""

    def __str__(self) -> str:
        if not self.commit:
            return f"no commit, in {self.where}"
        changes = f", with uncommitted changes in {self.uncommitted}" if self.uncommitted else ""
        return f"commit {self.commit} in {self.where}{changes}"


def read_origin() -> Origin:
    """The commit that this process works on, and how the folder differs from it."""
    where = "a worktree" if in_worktree() else "this folder"
    try:
        commit = printable(git("log", "-1", f"--format={FORMAT}"))
        return Origin(commit, where, short_list(uncommitted_files()))
    except UserError:
        return Origin("", where)
