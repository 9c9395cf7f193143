"""The graph of `dvc.yaml` as it stands: which stages there are, and why each would run.

This is the only place that knows DVC. No stage is named here or in any flow.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CODE = "src/"  # dependencies below it are code, all others are data
SHOWN = 3  # names in a reason


@dataclass(frozen=True)
class Stage:
    """A stage of the graph.

    Attributes:
        name: as `dvc repro` knows it: `evaluate@restore` is the item `restore` of a matrix.
        about: what it does.
        needs: names of the stages whose outputs it reads.
        gpu: whether `meta` in dvc.yaml says that it keeps an accelerator busy.
        reasons: why it would run by itself; none where it is up to date.
    """

    name: str
    about: str = ""
    needs: tuple[str, ...] = ()
    gpu: bool = False
    reasons: tuple[str, ...] = ()

    @property
    def item(self) -> str | None:
        """The item of a matrix that it is for."""
        return self.name.partition("@")[2] or None


def read_graph(root: Path | str = ".") -> list[Stage]:
    """All stages in an order in which they can run, each with the reasons for it to run."""
    import networkx as nx
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        graph = repo.index.graph.subgraph([stage for stage in repo.index.stages if stage.cmd])
        written = {stage: number for number, stage in enumerate(repo.index.stages)}
        ordered = nx.lexicographical_topological_sort(graph.reverse(), written.__getitem__)
        changes = repo.status()
        return [
            Stage(
                stage.name,
                stage.desc or "",
                tuple(sorted(needed.name for needed in graph.successors(stage))),
                bool((stage.meta or {}).get("gpu")),
                _reasons(changes.get(stage.addressing, [])),
            )
            for stage in ordered
        ]


def read_lock(root: Path | str = ".") -> bytes:
    """What DVC noted of all stages: the same bytes where all inputs and outputs are the same."""
    path = Path(root) / "dvc.lock"
    return path.read_bytes() if path.exists() else b""


def chosen(stages: Iterable[Stage], items: Iterable[str]) -> list[Stage]:
    """The stages that are for some items of a matrix, and those that are for all.

    Args:
        stages: of the graph.
        items: names; none chooses every stage.
    """
    wanted = set(items)
    return [stage for stage in stages if not wanted or stage.item is None or stage.item in wanted]


def plan(stages: Iterable[Stage]) -> str:
    """A line for each stage: cached, or why it runs; what waits for an earlier stage says so."""
    lines, runs = [], set[str]()
    for stage in stages:
        after = [name for name in stage.needs if name in runs]
        why = [*stage.reasons, *(f"after {name}" for name in after)]
        if why:
            runs.add(stage.name)
        device = "  [gpu]" if stage.gpu else ""
        lines.append(f"{stage.name:<20} {'; '.join(why) or 'cached'}{device}")
    return "\n".join(lines)


def _reasons(changes: Iterable[str | Mapping[str, Mapping[str, Any]]]) -> tuple[str, ...]:
    """What `dvc status` says of a stage, in words: one reason of each kind."""
    found: dict[str, list[str]] = {}
    for change in changes:
        if isinstance(change, str):
            found.setdefault("changed", []).append(change.removeprefix("changed "))
            continue
        for of, paths in change.items():
            for path, what in paths.items():
                if what == "new":  # parameters that the lock file does not know
                    return ("never run",)
                kind, names = _kind(of, path, what)
                found.setdefault(kind, []).extend(names)
    return tuple(f"{kind}: {_some(names)}" for kind, names in found.items())


def _kind(of: str, path: str, what: str | Mapping[str, str]) -> tuple[str, Iterable[str]]:
    if isinstance(what, Mapping):
        return "parameter", what
    if of == "changed outs":
        gone = what in ("deleted", "not in cache")
        return ("missing" if gone else "changed by hand"), [path]
    return ("code" if path.startswith(CODE) else "data"), [path]


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
