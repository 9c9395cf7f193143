"""Where a run's artifacts are in MLflow's UI, for use in a description.

Addresses are relative to the UI's page, so that they hold on every host, behind a proxy's path, and
with the password that the page was opened with.
"""

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from mlflow.entities import RunInfo


def run_page(run: "RunInfo", tab: str = "") -> str:
    """The page of a run, or one of its tabs: `artifacts`, `artifacts/reports/page.html`…"""
    return f"#/experiments/{run.experiment_id}/runs/{run.run_id}{'/' if tab else ''}{quote(tab)}"


def picture_address(run: "RunInfo", path: str) -> str:
    """The bytes of a picture among a run's artifacts."""
    return f"get-artifact?path={quote(path, safe='')}&run_uuid={run.run_id}"
