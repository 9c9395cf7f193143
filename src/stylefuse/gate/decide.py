"""The champion and the challenger of the registry, judged on the same pictures and put to the gate.

A decision is kept with the challenger: on its page, as tags, and as files among the artifacts of
its run. The same question is not asked twice.
"""

import hashlib
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.evaluation.evaluate import REPORTS
from stylefuse.gate.rules import Check, Decision, for_best_of, gate
from stylefuse.gate.smoke_test import smoke
from stylefuse.registry.fetch import model_files
from stylefuse.registry.pages.markdown import tell
from stylefuse.registry.pages.version_page import GATE, gate_lines
from stylefuse.registry.promotion import LEFT_TAG, recover
from stylefuse.registry.store import (
    CHALLENGER,
    CHAMPION,
    TRIED_TAG,
    VERDICT_TAG,
    WEIGHTS_TAG,
    open_store,
    registered_name,
    report_outages,
    require_store,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from stylefuse.evaluation.comparison import PictureResults

KEY_TAG = "stylefuse.gate.key"
FOLDER = "gate"  # among a run's artifacts
PAGE, RECORD = "decision.md", "decision.json"
VALIDATION, MANIFEST = REPORTS / "validation.json", Path("data/manifest.parquet")


@report_outages()
def decide(params: Params, model: str) -> tuple[Decision, "ModelVersion", "ModelVersion"]:
    """Put a model's challenger to the gate; the champion stays who it is.

    Returns:
        The decision, and the champion and the challenger that it is about.

    Raises:
        UserError: there is no champion or challenger, or no data to judge them on.
    """
    require_store(params.registry)
    recover(params.registry)
    client = open_store(params.registry)
    name = registered_name(model)
    champion, challenger = (_version(client, name, alias) for alias in (CHAMPION, CHALLENGER))
    if champion.version == challenger.version:
        same = Check("another version", False, f"version {challenger.version} is the champion")
        return Decision((same,), {}, 1 - params.gate.alpha), champion, challenger
    key = _question(params, champion, challenger)
    if challenger.tags.get(KEY_TAG) == key:
        return read_decision(client, challenger), champion, challenger
    faults = {
        "validation": validation_fault(),
        "history": _history_fault(challenger),
        "serving": smoke(f"models:/{name}/{challenger.version}"),
    }
    before, after = (
        score(params, model_files(f"models:/{name}/{version.version}", params.registry))
        for version in (champion, challenger)
    )
    rules = for_best_of(params.gate, int(challenger.tags.get(TRIED_TAG, 1)))
    decision = gate(before, after, faults, rules, params.seed)
    # a machine that is busy may keep a server from answering: the next one asks again
    keep_decision(
        client, challenger, champion.version, decision, None if faults["serving"] else key
    )
    return decision, champion, challenger


def keep_decision(
    client: "MlflowClient",
    version: "ModelVersion",
    champion: str,
    decision: Decision,
    key: str | None,
) -> None:
    """Keep a decision with its version: on its page, as a tag, and among its run's artifacts.

    Files come first, then the tag that says that they are whole.

    Args:
        client: of the store.
        version: that it is on.
        champion: the number of the version that it was judged beside.
        decision: the gate's.
        key: of the question that it answers; None where that is to be asked again.
    """
    name, number = version.name, version.version
    kept = f"{FOLDER}/{number}"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / PAGE).write_text(decision.markdown())
        (folder / RECORD).write_text(json.dumps(asdict(decision), indent=1) + "\n")
        client.log_artifacts(version.run_id, str(folder), kept)
    run = client.get_run(version.run_id).info
    tell(client, name, number, GATE, gate_lines(decision, champion, run, f"{kept}/{PAGE}"))
    client.set_model_version_tag(name, number, VERDICT_TAG, decision.verdict)
    if key:
        client.set_model_version_tag(name, number, KEY_TAG, key)
    elif KEY_TAG in version.tags:
        client.delete_model_version_tag(name, number, KEY_TAG)


def read_decision(client: "MlflowClient", version: "ModelVersion") -> Decision:
    """The decision that is kept with a version.

    Raises:
        UserError: there is none.
    """
    import mlflow

    if KEY_TAG not in version.tags:
        raise UserError(f"version {version.version} of {version.name} was not put to the gate")
    uri = f"runs:/{version.run_id}/{FOLDER}/{version.version}/{RECORD}"
    return Decision.from_json(mlflow.artifacts.load_text(uri))


def _version(client: "MlflowClient", name: str, alias: str) -> "ModelVersion":
    found = client.search_registered_models(f"name = '{name}'")
    if not found or alias not in found[0].aliases:
        raise UserError(f"{name} has no {alias} in the registry; run `make repro`")
    return client.get_model_version(name, found[0].aliases[alias])


def _question(params: Params, champion: "ModelVersion", challenger: "ModelVersion") -> str:
    """A hash of all that a decision depends on, but for the code."""
    prepared = params.prepare[params.profile]
    settings = (params.gate, params.evaluate, params.data, params.serve, prepared)
    facts = [
        champion.tags[WEIGHTS_TAG],
        challenger.tags[WEIGHTS_TAG],
        challenger.tags.get(LEFT_TAG),
        challenger.tags.get(TRIED_TAG),
        *(_digest(path) for path in (VALIDATION, MANIFEST)),
        params.seed,
        *(section.model_dump(mode="json") for section in settings),
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def validation_fault() -> str | None:
    """Why nothing should be decided on the pictures here, or None."""
    try:
        found = json.loads(VALIDATION.read_text())
        return (
            None if found["passed"] == found["evaluated"] > 0 else "the pictures failed validation"
        )
    except (OSError, ValueError, KeyError):
        return f"{VALIDATION} is missing or damaged"


def _history_fault(challenger: "ModelVersion") -> str | None:
    left = challenger.tags.get(LEFT_TAG)
    return f"it was champion and was rolled back ({left})" if left else None


def score(params: Params, folder: Path) -> "PictureResults":
    """Judge a saved model on the pictures of the gate's split.

    Raises:
        UserError: there is no whole model in the folder, or no data to judge it on.
    """
    from stylefuse.evaluation.context import NETWORKS, EvaluationContext
    from stylefuse.evaluation.evaluate import find_evaluator
    from stylefuse.evaluation.metrics import features
    from stylefuse.evaluation.metrics.features import FeatureNetwork
    from stylefuse.models.saving import load_generator

    task, generator = load_generator(folder)
    network = FeatureNetwork(NETWORKS / features.NAME)
    context = EvaluationContext(params, task, generator, network, Path(), params.gate.split)
    results: PictureResults = find_evaluator(task.name).score(context)
    return results
