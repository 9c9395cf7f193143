"""Links to a run's artifacts in MLflow's UI, relative to its page: they work on every host."""

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from mlflow.entities import RunInfo


def run_page(run: "RunInfo", tab: str = "") -> str:
    """The page of a run, or one of its tabs: `artifacts`, `artifacts/reports/page.html`…"""
    return f"#/experiments/{run.experiment_id}/runs/{run.run_id}{'/' if tab else ''}{quote(tab)}"


def artifact_address(run: "RunInfo", path: str) -> str:
    """The content of one of a run's artifacts."""
    return f"get-artifact?path={quote(path, safe='')}&run_uuid={run.run_id}"
