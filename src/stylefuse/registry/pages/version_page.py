"""What a person reads about a version in the registry's UI, in Markdown.

The sections on the gate and on the time as champion are written again as those things happen.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stylefuse.config import Params
from stylefuse.evaluation.metric_labels import FIGURES
from stylefuse.models.task import find_task
from stylefuse.registry.pages.links import run_page
from stylefuse.registry.pages.markdown import compose, sentence, table, unwrapped

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import RunInfo

    from stylefuse.gate.rules import Decision

MOST_FIGURES = 6  # columns that a page has room for
GATE, STANDING = "The gate", "As champion"


def version_card(
    params: Params,
    model: str,
    run: "RunInfo",
    tags: Mapping[str, str],
    first: bool,
    methods: Mapping[str, Mapping[str, Any]],
    pictures: Sequence[str],
    licences: "pd.DataFrame",
    reports: Sequence[str],
) -> str:
    """The description of a new version.

    Args:
        params: the chosen profile is told.
        model: its name in `params.yaml`.
        run: that the weights came out of.
        tags: see `provenance`.
        first: whether there is no champion yet, so that this version becomes it.
        methods: what evaluation measured on held-out pictures, by method and figure.
        pictures: lines that show some.
        licences: see `training_licences`.
        reports: paths among the run's artifacts.
    """
    train = params.model_settings(model)
    start = f", from the weights in `{train.init_from}`" if train.init_from else ""
    purpose = sentence(unwrapped(find_task(model).description).partition("\n")[0], 400)
    settings = (
        f"Trained with the profile `{params.profile}`, seed {params.seed}: {train.kimg:g} thousand "
        f"pictures of {train.crop} px, width {train.width}{start}."
    )
    undecided = f"Not put to the gate yet; `stylefuse gate {model}` does that."
    sections = {
        "Samples": pictures,
        "Figures": _figures(methods, run, reports),
        GATE: ["The first version had no champion to beat." if first else undecided],
        STANDING: ["From the start, as the first version." if first else "Not so far."],
        "Training pictures": _licences(licences, run),
        "Origin": _origin(tags, run, reports),
    }
    return compose(f"{purpose}\n\n{settings}", sections)


def gate_lines(decision: "Decision", champion: str, run: "RunInfo", path: str) -> list[str]:
    """What the gate said, for the section `GATE`.

    Args:
        decision: on this version.
        champion: the version that it was judged beside.
        run: of the version.
        path: of the whole decision among the run's artifacts.
    """
    verdict = "Promoted" if decision.promoted else "Refused"
    lines = [
        f"**{verdict}** beside version {champion}: {sentence(decision.reasons)}. "
        f"[The whole decision]({run_page(run, f'artifacts/{path}')})"
    ]
    if rows := decision.rows():
        lines += ["", *table([*rows[0]], [[*row.values()] for row in rows]), ""]
        lines += ["A gain above 0 is better, in every figure; 0 inside its interval may be chance."]
    return lines


def standing_lines(promoted: str | None, left: str | None) -> list[str]:
    """A version's time as champion, for the section `STANDING`.

    Args:
        promoted: when and why it became champion, as `promotion` tags it.
        left: the same of its end.
    """
    told = {"Became champion": promoted, "Rolled back": left}
    return [f"- {what} {_moment(text)}" for what, text in told.items() if text]


def _moment(text: str) -> str:
    when, _, why = text.partition(": ")
    return f"{when[:16].replace('T', ' ')} UTC: {sentence(why, 150)}"


def shared_figures(methods: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Names of the figures that all methods have, in the order of `FIGURES`."""
    return [f for f in FIGURES if all(row.get(f) is not None for row in methods.values())]


def _figures(
    methods: Mapping[str, Mapping[str, Any]], run: "RunInfo", reports: Sequence[str]
) -> list[str]:
    """Every judged method as a row, with the first figures that all of them have."""
    if not methods:
        return ["Not judged yet: `make repro` evaluates it."]
    shown = {name: FIGURES[name] for name in shared_figures(methods)[:MOST_FIGURES]}
    rows = [
        [method, *(form.format(row[name]) for name, (_, form) in shown.items())]
        for method, row in methods.items()
    ]
    lines = table(["on held-out pictures", *(title for title, _ in shown.values())], rows)
    pages = [path for path in reports if path.endswith(".html")]
    links = [f"[The whole report]({run_page(run, f'artifacts/{path}')})" for path in pages]
    return [*lines, "", *links]


def _licences(licences: "pd.DataFrame", run: "RunInfo") -> list[str]:
    if licences.empty:
        return []
    rows = licences[["licence", "sources", "pictures"]].astype(str).to_numpy().tolist()
    return [
        *table(["licence", "sources", "pictures"], rows, left=2),
        "",
        f"{licences.pictures.sum()} pictures of the training split, each under its own licence. "
        f"[Who made which]({run_page(run, 'artifacts/data/ATTRIBUTION.md')})",
    ]


def _origin(tags: Mapping[str, str], run: "RunInfo", reports: Sequence[str]) -> list[str]:
    changed = " with uncommitted changes" if tags.get("git.dirty") == "true" else ""
    lines = [
        f"Made from commit `{tags['git.commit'][:12]}`{changed}."
        if "git.commit" in tags
        else "Made outside a git repository.",
        f"[Its run]({run_page(run)}) has the settings and the curves.",
    ]
    if reports:
        paths = ", ".join(f"`{path}`" for path in reports)
        lines.append(f"[Its artifacts]({run_page(run, 'artifacts')}) have the reports: {paths}.")
    return lines
