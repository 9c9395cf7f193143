"""What a person reads about a version in the registry's UI, in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from stylefuse.config import Params
from stylefuse.evaluation.figures import FIGURES

MOST_FIGURES = 6  # columns that a page has room for


def version_card(
    params: Params,
    model: str,
    methods: Mapping[str, Mapping[str, Any]],
    tags: Mapping[str, str],
    kept: Sequence[str],
) -> str:
    """The description of one version.

    Args:
        params: the chosen profile is told.
        model: its name in `params.yaml`.
        methods: what evaluation measured on held-out pictures, by method and figure.
        tags: see `provenance`.
        kept: paths of the reports among the run's artifacts.
    """
    train = params.train(model)
    lines = [
        f"Trained with the profile `{params.profile}`, seed {params.seed}: {train.kimg:g} thousand "
        f"pictures of {train.crop} px, width {train.width}.",
        "",
        _origin(tags),
        "",
        *(_table(methods) if methods else ["Not judged yet: `make repro` evaluates it."]),
    ]
    if kept:
        paths = ", ".join(f"`{path}`" for path in kept)
        lines += ["", f"Among the artifacts of its run: {paths}."]
    return "\n".join(lines) + "\n"


def _table(methods: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Every judged method as a row, with the first figures that all of them have."""
    rows = methods.values()
    shared = [name for name in FIGURES if all(row.get(name) is not None for row in rows)]
    shown = {name: FIGURES[name] for name in shared[:MOST_FIGURES]}
    lines = [
        [method, *(form.format(row[name]) for name, (_, form) in shown.items())]
        for method, row in methods.items()
    ]
    head = ["on held-out pictures", *(title for title, _ in shown.values())]
    return [_line(head), "|---|" + "---:|" * len(shown), *map(_line, lines)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _origin(tags: Mapping[str, str]) -> str:
    if "git.commit" not in tags:
        return "Made outside a git repository."
    changed = " with uncommitted changes" if tags["git.dirty"] == "true" else ""
    return f"Made from commit `{tags['git.commit'][:12]}`{changed}."
