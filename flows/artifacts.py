"""What people look at in Prefect's UI: figures, pictures, decisions, and the way to MLflow's."""

import base64
import io
import json
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)

from stylefuse.config import Params
from stylefuse.registry.decide import decide
from stylefuse.registry.gate import Decision
from stylefuse.registry.launch import LOOPBACK, UI_PORT
from stylefuse.registry.store import (
    is_server,
    open_store,
    outage_told,
    registered_name,
    shown,
    tracking_uri,
)

REPORTS = Path("reports")
WIDEST = 900  # pixels of a sheet: it travels inside its artifact


@dataclass(frozen=True)
class Judged:
    """What the gate said of a challenger."""

    champion: int  # version
    challenger: int
    promoted: bool
    reasons: str


def show_decision(params: Params, model: str) -> Judged:
    """Show what the gate found of a model's challenger, its sheets, and where it lies in MLflow."""
    decision, champion, version = decide(params, model)
    name = registered_name(model)
    beside = f"version {version.version} beside the champion, version {champion.version}"
    base = f"{_ui(params)}/#"
    page = f"{base}/models/{name}/versions/{version.version}"
    decided = f"# {name}: {beside}\n\n{decision.markdown()}\n[The version in MLflow]({page})"
    create_markdown_artifact(decided, f"decision-{model}", decision.verdict)
    create_table_artifact(_figures(model, decision), f"figures-{model}", f"{name}, {beside}")
    sheets = sorted((REPORTS / "sheets" / model).glob("*.png"))
    shown = [f"## {sheet.stem}\n\n![{sheet.stem}]({_inline(sheet)})" for sheet in sheets]
    create_markdown_artifact("\n\n".join(shown), f"sheets-{model}", f"what {model} paints")
    run = f"{base}/experiments/{_experiment(params)}/runs/{version.run_id}"
    create_link_artifact(run, "its run in MLflow", f"run-{model}", f"{name} {version.version}")
    judged = int(champion.version), int(version.version)
    return Judged(*judged, decision.promoted, decision.reasons)


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


@outage_told()
def _experiment(params: Params) -> str:
    """What MLflow's addresses call the project's experiment."""
    client = open_store(params.registry)
    return str(client.get_experiment_by_name(params.registry.experiment).experiment_id)


def _ui(params: Params) -> str:
    """Where MLflow's UI is: the store's own server, or what `stylefuse ui` starts."""
    uri = tracking_uri(params.registry)
    return shown(uri).rstrip("/") if is_server(uri) else f"http://{LOOPBACK}:{UI_PORT}"
