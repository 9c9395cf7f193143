"""The stages of `dvc.yaml` as DVC sees them, and the reasons why each would run.

Flows know no stage by its name: whatever `dvc.yaml` describes is what runs.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stylefuse.errors import EXIT_TRY_AGAIN, UserError
from stylefuse.paths import DVC_LOCK

CODE = "src/"  # dependencies in this folder are code, all others are data
MAX_NAMES = 3  # in a reason


@dataclass(frozen=True)
class Stage:
    """A stage of the graph.

    Attributes:
        name: as `dvc repro` knows it: `evaluate@restore` is the item `restore` of a matrix.
        description: `desc` in dvc.yaml.
        upstream: names of the stages whose outputs it reads.
        gpu: whether it needs an accelerator (`meta` in dvc.yaml).
        reasons: why it would run; empty if it is up to date.
    """

    name: str
    description: str = ""
    upstream: tuple[str, ...] = ()
    gpu: bool = False
    reasons: tuple[str, ...] = ()

    @property
    def item(self) -> str | None:
        """Its item of a matrix, if any."""
        return self.name.partition("@")[2] or None


@contextmanager
def _repo(root: Path | str) -> Iterator[Any]:
    """DVC's view of the project.

    Raises:
        UserError: another DVC command locks it.
    """
    from dvc.lock import LockError
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            yield repo
    except LockError:
        raise UserError(
            "another DVC command is running in this folder; try again when it has ended",
            EXIT_TRY_AGAIN,
            code="dvc-busy",
        ) from None


def read_graph(root: Path | str = ".") -> list[Stage]:
    """All stages in an order in which they can run, with the reasons for each to run."""
    import networkx as nx

    with _repo(root) as repo:
        graph = repo.index.graph.subgraph([stage for stage in repo.index.stages if stage.cmd])
        position = {stage: number for number, stage in enumerate(repo.index.stages)}
        ordered = nx.lexicographical_topological_sort(graph.reverse(), position.__getitem__)
        changes = repo.status()
        return [
            Stage(
                stage.name,
                stage.desc or "",
                tuple(sorted(dependency.name for dependency in graph.successors(stage))),
                bool((stage.meta or {}).get("gpu")),
                _reasons(changes.get(stage.addressing, [])),
            )
            for stage in ordered
        ]


def read_changes(stage: str) -> list[str | Mapping[str, Any]]:
    """What DVC reports as changed of one stage; empty if it is up to date."""
    with _repo(".") as repo:
        return list(repo.status([stage]).get(stage, []))


def outputs_changed(changes: Iterable[str | Mapping[str, Any]]) -> bool:
    """Whether a stage's outputs on disk differ from those in `dvc.lock`."""
    return any(isinstance(change, Mapping) and "changed outs" in change for change in changes)


def read_outputs(stage: str) -> list[dict[str, Any]]:
    """The outputs of a stage with their hashes, as `dvc.lock` records them."""
    lock = yaml.safe_load(DVC_LOCK.read_text(encoding="utf-8")) if DVC_LOCK.exists() else {}
    return list(lock.get("stages", {}).get(stage, {}).get("outs", []))


def select(stages: Iterable[Stage], items: Iterable[str]) -> list[Stage]:
    """The stages for some items of the matrices, and those for all items.

    Args:
        stages: of the graph.
        items: to select; an empty selection selects every stage.
    """
    selected = set(items)
    return [
        stage for stage in stages if not selected or stage.item is None or stage.item in selected
    ]


def format_plan(stages: Iterable[Stage]) -> str:
    """A line for each stage: `cached`, or the reasons why it would run."""
    lines, running = [], set[str]()
    for stage in stages:
        after = [f"after {name}" for name in stage.upstream if name in running]
        reasons = [*stage.reasons, *after]
        if reasons:
            running.add(stage.name)
        device = "  [gpu]" if stage.gpu else ""
        lines.append(f"{stage.name:<20} {'; '.join(reasons) or 'cached'}{device}")
    return "\n".join(lines)


def _reasons(changes: Iterable[str | Mapping[str, Mapping[str, Any]]]) -> tuple[str, ...]:
    """One reason for each kind of change that `dvc status` reports of a stage."""
    names_of: dict[str, list[str]] = {}
    for change in changes:
        if isinstance(change, str):
            names_of.setdefault("changed", []).append(change.removeprefix("changed "))
            continue
        for group, paths in change.items():
            for path, state in paths.items():
                if state == "new":  # an entry that dvc.lock does not have
                    return ("never run",)
                kind, names = _kind(group, path, state)
                names_of.setdefault(kind, []).extend(names)
    return tuple(f"{kind}: {_shorten(names)}" for kind, names in names_of.items())


def _kind(group: str, path: str, state: str | Mapping[str, str]) -> tuple[str, Iterable[str]]:
    """The kind of a change, and the names of what changed."""
    if isinstance(state, Mapping):  # params.yaml: parameter → state
        return "parameter", state
    if group == "changed outs":
        missing = state in ("deleted", "not in cache")
        return ("missing" if missing else "changed by hand"), [path]
    return ("code" if path.startswith(CODE) else "data"), [path]


def _shorten(names: list[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
