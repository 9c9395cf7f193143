"""What people look at in Prefect's UI: figures, pictures, decisions, and the way to MLflow's."""

import base64
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)
from prefect.logging import get_run_logger

from flows.timings import Timing
from stylefuse.config import Params
from stylefuse.gate.decide import decide
from stylefuse.gate.rules import Decision
from stylefuse.monitoring.input_check import InputReport
from stylefuse.ports import LOOPBACK, UI_PORT
from stylefuse.registry.store import (
    is_server,
    open_store,
    registered_name,
    report_outages,
    shown,
    tracking_uri,
)

REPORTS = Path("reports")
WIDEST = 900  # pixels of a sheet: it travels inside its artifact


@dataclass(frozen=True)
class GateResult:
    """What the gate said of a challenger."""

    champion: int  # version
    challenger: int
    promoted: bool
    reasons: str


def show_decision(params: Params, model: str) -> GateResult:
    """Show what the gate found of a model's challenger, its sheets, and where it lies in MLflow."""
    decision, champion, version = decide(params, model)
    name = registered_name(model)
    beside = f"version {version.version} beside the champion, version {champion.version}"
    base = f"{_ui(params)}/#"
    page = f"{base}/models/{name}/versions/{version.version}"
    decided = f"# {name}: {beside}\n\n{decision.markdown()}\n[The version in MLflow]({page})"
    create_markdown_artifact(decided, f"decision-{model}", decision.verdict)
    create_table_artifact(_figures(model, decision), f"figures-{model}", f"{name}, {beside}")
    sample_grids = sorted((REPORTS / "sample_grids" / model).glob("*.png"))
    shown = [
        f"## {sample_grid.stem}\n\n![{sample_grid.stem}]({_inline(sample_grid)})"
        for sample_grid in sample_grids
    ]
    create_markdown_artifact("\n\n".join(shown), f"sheets-{model}", f"what {model} paints")
    run = f"{base}/experiments/{_experiment(params)}/runs/{version.run_id}"
    create_link_artifact(run, "its run in MLflow", f"run-{model}", f"{name} {version.version}")
    judged = int(champion.version), int(version.version)
    return GateResult(*judged, decision.promoted, decision.reasons)


def show_timings(laps: Iterable[Timing]) -> None:
    """Show, and log, how long each part of a run took, and how much of it the pipeline itself."""
    shown = list(laps)
    rows = [
        {
            "part": lap.name,
            "seconds": f"{lap.seconds:.1f}",
            "of them DVC and Prefect": f"{lap.overhead:.1f}",
        }
        for lap in shown
    ]
    spent, over = sum(lap.seconds for lap in shown), sum(lap.overhead for lap in shown)
    said = f"{spent:.1f} seconds, {over:.1f} of them ({over / spent:.0%}) DVC and Prefect"
    for row in rows:
        get_run_logger().info("%s", ", ".join(f"{key} {value}" for key, value in row.items()))
    get_run_logger().info(said)
    create_table_artifact(rows, "seconds", said)


def show_validation() -> None:
    """Show which expectations the pictures met, if they were validated."""
    path = REPORTS / "validation.json"
    if not path.exists():
        return
    found = json.loads(path.read_text())
    rows = [
        {
            "expectation": one["name"],
            "met": "yes" if one["success"] else "no",
            "failing pictures": ", ".join(one["failing"][:5]),
        }
        for one in found["expectations"]
    ]
    summary = (
        f"{found['passed']} of {found['evaluated']} expectations met; {path.with_suffix('.html')}"
    )
    create_table_artifact(rows, "validation", summary)


def show_input_report(model: str, watched: InputReport) -> None:
    """Show what a model was sent beside what it was trained on, and how it answered."""
    rows = [
        {
            "input": name,
            "figure": figure,
            "trained on (median)": f"{shift.trained:.1f}",
            "sent (median)": f"{shift.sent:.1f}",
            "distance": f"{shift.distance:.2f}",
            "p": f"{shift.p:.2g}",
            "drifted": "yes" if shift.drifted else "no",
        }
        for name, found in watched.shifts.items()
        for figure, shift in found.items()
    ]
    if rows:
        create_table_artifact(rows, f"inputs-{model}", f"what {model} is sent: {watched}")
    traffic = watched.traffic
    if traffic.seconds:
        answers = {
            **{kind: str(count) for kind, count in traffic.outcomes.items()},
            "median seconds": f"{np.median(traffic.seconds):.2f}",
            "95 % within": f"{np.percentile(traffic.seconds, 95):.2f}",
        }
        create_table_artifact([answers], f"requests-{model}", f"requests to {model}")


def _figures(model: str, decision: Decision) -> list[dict[str, str]]:
    """Champion beside challenger; where they are the same, what evaluation says of it."""
    if decision.differences:
        return [dict(row) for row in decision.rows()]
    path = REPORTS / "metrics" / f"{model}.json"
    methods = json.loads(path.read_text())["methods"] if path.exists() else {}
    return [
        {"method": method, **{name: f"{value:.4g}" for name, value in row.items()}}
        for method, row in methods.items()
    ]


def _inline(path: Path) -> str:
    """A picture as an address that needs no server."""
    picture = Image.open(path).convert("RGB")
    picture.thumbnail((WIDEST, 10 * WIDEST))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


@report_outages()
def _experiment(params: Params) -> str:
    """What MLflow's addresses call the project's experiment."""
    client = open_store(params.registry)
    return str(client.get_experiment_by_name(params.registry.experiment).experiment_id)


def _ui(params: Params) -> str:
    """Where MLflow's UI is: the store's own server, or what `stylefuse ui` starts."""
    uri = tracking_uri(params.registry)
    return shown(uri).rstrip("/") if is_server(uri) else f"http://{LOOPBACK}:{UI_PORT}"
