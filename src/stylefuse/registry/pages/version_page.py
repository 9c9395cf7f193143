"""The description of a version in the registry's UI.

The sections on the gate and on the time as champion are replaced when these things happen.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stylefuse.registry.pages.licences import licence_rows
from stylefuse.registry.pages.links import run_page
from stylefuse.registry.pages.markdown import compose, one_line, table, unwrap
from stylefuse.registry.pages.metrics_table import metrics_table, shared_metrics
from stylefuse.registry.version_facts import VersionFacts

if TYPE_CHECKING:
    from mlflow.entities import RunInfo

    from stylefuse.gate.rules import Decision

MAX_METRICS = 6  # columns of the table
GATE, CHAMPION_HISTORY = "Gate", "As champion"


def version_page(facts: VersionFacts, samples: Sequence[str]) -> str:
    """The description of a new version.

    Args:
        facts: of the version.
        samples: Markdown lines with sample images, see `log_sample_images`.
    """
    purpose = one_line(unwrap(facts.task.description).partition("\n")[0], 400)
    not_decided = f"Not decided yet: `stylefuse gate {facts.model}` does that."
    first = facts.becomes_champion
    sections = {
        "Samples": samples,
        "Metrics": _metrics(facts),
        GATE: ["The first version, so there was no champion to compare with."]
        if first
        else [not_decided],
        CHAMPION_HISTORY: ["Since it was registered, as the first version."]
        if first
        else ["Not so far."],
        "Training pictures": _licences(facts),
        "Origin": _origin(facts),
    }
    return compose(f"{purpose}\n\n{_training(facts)}", sections)


def gate_lines(decision: "Decision", champion: str, run: "RunInfo", path: str) -> list[str]:
    """The section `GATE` of a version.

    Args:
        decision: about this version.
        champion: number of the version that it was compared with.
        run: of the version.
        path: of the decision's page among the run's artifacts.
    """
    verdict = "Promoted" if decision.promoted else "Refused"
    lines = [
        f"**{verdict}** against version {champion}: {one_line(decision.reasons)}. "
        f"[Decision]({run_page(run, f'artifacts/{path}')})"
    ]
    if rows := decision.rows():
        lines += ["", *table([*rows[0]], [[*row.values()] for row in rows]), ""]
        lines += ["A gain above 0 is an improvement. If the interval contains 0, it is not "
                  "statistically significant."]  # fmt: skip
    return lines


def champion_history(promoted: str | None, left: str | None) -> list[str]:
    """The section `CHAMPION_HISTORY` of a version.

    Args:
        promoted: when and why it became champion, as `promotion` tags it.
        left: when and why that ended.
    """
    events = {"Became champion": promoted, "Rolled back": left}
    return [f"- {event} {_event(text)}" for event, text in events.items() if text]


def _event(text: str) -> str:
    time, _, reason = text.partition(": ")
    return f"{time[:16].replace('T', ' ')} UTC: {one_line(reason, 150)}"


def _training(facts: VersionFacts) -> str:
    if facts.training is None:
        return "How its weights were trained is not recorded."
    settings = facts.training.settings
    origin = "The weights that come with the project, trained" if facts.shipped else "Trained"
    start = settings.get("init_from")
    initial = f", from the weights in `{start}`" if start else ""
    return (
        f"{origin} with the profile `{facts.training.profile}`, seed {facts.training.seed}: "
        f"{settings['kimg']:g} thousand pictures of {settings['crop']} px, width "
        f"{settings['width']}{initial}."
    )


def _metrics(facts: VersionFacts) -> list[str]:
    if not facts.metrics:
        return ["Not evaluated."] if facts.shipped else ["Not evaluated yet: run `make repro`."]
    names = shared_metrics(facts.metrics)[:MAX_METRICS]
    pages = [path for path in facts.reports if path.endswith(".html")]
    links = [f"[Report]({run_page(facts.run, f'artifacts/{path}')})" for path in pages]
    return [*metrics_table(facts.metrics, names), "", *links]


def _licences(facts: VersionFacts) -> list[str]:
    if facts.licences.empty:
        return []
    attribution = run_page(facts.run, "artifacts/data/ATTRIBUTION.md")
    return [
        *table(["licence", "sources", "pictures"], licence_rows(facts.licences), text_columns=2),
        "",
        f"{facts.licences.pictures.sum()} pictures of the training split, each under its own "
        f"licence. [Authors]({attribution})",
    ]


def _origin(facts: VersionFacts) -> list[str]:
    commit = facts.tags.get("git.commit")
    changes = " with uncommitted changes" if facts.tags.get("git.dirty") == "true" else ""
    lines = [
        f"Registered from commit `{commit[:12]}`{changes}."
        if commit
        else "Registered outside a git repository.",
        f"[Run]({run_page(facts.run)}) with settings and curves.",
    ]
    if facts.reports:
        paths = ", ".join(f"`{path}`" for path in facts.reports)
        lines.append(f"[Artifacts]({run_page(facts.run, 'artifacts')}): {paths}.")
    return lines
