"""Artifacts for Prefect's UI: decisions, metrics, sample grids, timings, and links to MLflow."""

import base64
import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from prefect.artifacts import (
    Artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)
from prefect.logging import get_run_logger

from flows.origin import Origin
from flows.timings import Timing
from stylefuse.config import Params
from stylefuse.gate.decide import decide
from stylefuse.gate.rules import Decision
from stylefuse.monitoring.input_check import InputReport
from stylefuse.paths import METRICS, SAMPLE_GRIDS, VALIDATION_REPORT
from stylefuse.ports import LOOPBACK, UI_PORT
from stylefuse.registry.integrity.provenance import dvc_tags
from stylefuse.registry.store import (
    is_server,
    open_store,
    registered_name,
    report_outages,
    tracking_uri,
    without_passwords,
)

MAX_WIDTH = 900  # pixels of a sample grid, which is embedded in its artifact
DIGEST_LENGTH = 12  # hexadecimal digits
MAX_FAILING = 5  # pictures that the validation table names for each expectation


@dataclass(frozen=True)
class GateResult:
    """The gate's decision on a challenger.

    Attributes:
        champion: version number.
        challenger: version number.
        promoted: whether the challenger passed.
        reasons: for the decision.
    """

    champion: int
    challenger: int
    promoted: bool
    reasons: str


def show_decision(params: Params, model: str) -> GateResult:
    """Put a model's challenger to the gate; show the decision, metrics, samples and links."""
    decision, champion, challenger = decide(params, model)
    name = registered_name(model)
    title = f"{name}: version {challenger.version} against champion {champion.version}"
    samples = _show_samples(model)
    mlflow_ui = f"{_mlflow_address(params)}/#"
    page = f"{mlflow_ui}/models/{name}/versions/{challenger.version}"
    run = f"{mlflow_ui}/experiments/{_experiment_id(params)}/runs/{challenger.run_id}"
    links = f"[The version in MLflow]({page}), [its samples]({samples})"
    markdown = f"# {title}\n\n{decision.markdown()}\n{links}"
    create_markdown_artifact(markdown, f"decision-{model}", decision.verdict)
    create_table_artifact(_metric_rows(model, decision), f"metrics-{model}", title)
    run_title = f"{name} {challenger.version}"
    create_link_artifact(run, "training run in MLflow", f"run-{model}", run_title)
    return GateResult(
        int(champion.version), int(challenger.version), decision.promoted, decision.reasons
    )


def show_origin(origin: Origin, versions: Iterable[str], published: str) -> None:
    """Show the commit and the data of a run, and the versions that came of it.

    Args:
        origin: of the code.
        versions: as which the models were registered, for people.
        published: what was pushed and committed, for people; "" if nothing was.
    """
    lines = [f"- code: {origin}"]
    lines += [f"- {name.removeprefix('dvc.')}: {md5}" for name, md5 in dvc_tags(Path(), "").items()]
    lines += [f"- {line}" for line in (*versions, published) if line]
    create_markdown_artifact("\n".join(lines), "origin", str(origin))


def show_timings(timings: Iterable[Timing]) -> None:
    """Show and log the duration of each part of a run, and the overhead of DVC and Prefect."""
    timings = list(timings)
    for timing in timings:
        get_run_logger().info(
            "%s: %.1f seconds, overhead %.1f", timing.name, timing.seconds, timing.overhead
        )
    total = sum(timing.seconds for timing in timings)
    overhead = sum(timing.overhead for timing in timings)
    summary = (
        f"{total:.1f} seconds; DVC and Prefect overhead {overhead:.1f} ({overhead / total:.0%})"
    )
    get_run_logger().info(summary)
    rows = [
        {
            "part": timing.name,
            "seconds": f"{timing.seconds:.1f}",
            "overhead": f"{timing.overhead:.1f}",
        }
        for timing in timings
    ]
    create_table_artifact(rows, "timings", summary)


def show_validation() -> None:
    """Show the result of each expectation on the pictures, if there is a report."""
    if not VALIDATION_REPORT.exists():
        return
    report = json.loads(VALIDATION_REPORT.read_text())
    rows = [
        {
            "expectation": result["name"],
            "holds": "yes" if result["success"] else "no",
            "failing pictures": ", ".join(result["failing"][:MAX_FAILING]),
        }
        for result in report["expectations"]
    ]
    page = VALIDATION_REPORT.with_suffix(".html")
    summary = f"{report['passed']} of {report['evaluated']} expectations hold; see {page}"
    create_table_artifact(rows, "validation", summary)


def show_input_report(model: str, report: InputReport) -> None:
    """Show the drift test of a model's inputs, and how its requests were answered."""
    rows = [
        {
            "input": name,
            "statistic": statistic,
            "training median": f"{shift.training_median:.1f}",
            "request median": f"{shift.request_median:.1f}",
            "distance": f"{shift.distance:.2f}",
            "p": f"{shift.p_value:.2g}",
            "drifted": "yes" if shift.drifted else "no",
        }
        for name, shifts in report.shifts.items()
        for statistic, shift in shifts.items()
    ]
    if rows:
        create_table_artifact(rows, f"inputs-{model}", f"inputs of {model}: {report}")
    traffic = report.traffic
    if traffic.seconds:
        row = {
            **{outcome: str(count) for outcome, count in traffic.outcomes.items()},
            "median seconds": f"{np.median(traffic.seconds):.2f}",
            "95th percentile": f"{np.percentile(traffic.seconds, 95):.2f}",
        }
        create_table_artifact([row], f"requests-{model}", f"requests to {model}")


def _metric_rows(model: str, decision: Decision) -> list[dict[str, str]]:
    """The comparison; if champion and challenger are the same version, the reported metrics."""
    if decision.differences:
        return decision.rows()
    path = METRICS / f"{model}.json"
    methods = json.loads(path.read_text())["methods"] if path.exists() else {}
    return [
        {"method": method, **{name: f"{value:.4g}" for name, value in metrics.items()}}
        for method, metrics in methods.items()
    ]


def _show_samples(model: str) -> str:
    """Show the sample grids, which are megabytes: the same ones are stored once.

    Returns:
        The address of the artifact on the page of the server.
    """
    markdown, key = _sample_grids(model), f"samples-{model}"
    digest = hashlib.sha256(markdown.encode()).hexdigest()[:DIGEST_LENGTH]
    description = f"samples of {model} ({digest})"
    latest = Artifact.get(key)
    if latest and latest.description == description:
        return f"/artifacts/artifact/{latest.id}"
    return f"/artifacts/artifact/{create_markdown_artifact(markdown, key, description)}"


def _sample_grids(model: str) -> str:
    """The sample grids as Markdown with embedded pictures."""
    grids = sorted((SAMPLE_GRIDS / model).glob("*.png"))
    return "\n\n".join(f"## {grid.stem}\n\n![{grid.stem}]({_data_uri(grid)})" for grid in grids)


def _data_uri(path: Path) -> str:
    """A picture as a `data:` URI with a JPEG."""
    picture = Image.open(path).convert("RGB")
    picture.thumbnail((MAX_WIDTH, 10 * MAX_WIDTH))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


@report_outages()
def _experiment_id(params: Params) -> str:
    client = open_store(params.registry)
    return str(client.get_experiment_by_name(params.registry.experiment).experiment_id)


def _mlflow_address(params: Params) -> str:
    """The address of MLflow's UI: the tracking server, or what `stylefuse ui` starts."""
    uri = tracking_uri(params.registry)
    return without_passwords(uri).rstrip("/") if is_server(uri) else f"http://{LOOPBACK}:{UI_PORT}"
