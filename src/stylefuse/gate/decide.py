"""Puts the challenger of a model to the gate and saves the decision in the registry.

A decision is saved with the challenger: on its page, as tags, and as files among the artifacts of
its run. A decision on the same models, data and settings is read instead of made again.
"""

import hashlib
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from stylefuse import __version__
from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.fileio import sha256
from stylefuse.gate.rules import Check, Decision, apply_rules, correct_for_variants
from stylefuse.gate.smoke_test import smoke_test
from stylefuse.paths import MANIFEST, VALIDATION_REPORT
from stylefuse.registry.fetch import model_files
from stylefuse.registry.pages.markdown import set_description
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

KEY_TAG = "stylefuse.gate.key"  # hash of everything that a decision depends on
ARTIFACTS = "gate"  # folder among a run's artifacts
PAGE, RECORD = "decision.md", "decision.json"


@report_outages()
def decide(params: Params, model: str) -> tuple[Decision, "ModelVersion", "ModelVersion"]:
    """Decide whether a model's challenger may become champion; the aliases are not changed.

    Returns:
        The decision, the champion and the challenger.

    Raises:
        UserError: there is no champion, no challenger, or no data to evaluate them on.
    """
    require_store(params.registry)
    recover(params.registry, model)
    client = open_store(params.registry)
    name = registered_name(model)
    champion, challenger = (_version(client, name, alias) for alias in (CHAMPION, CHALLENGER))
    if champion.version == challenger.version:
        check = Check("another version", False, f"version {challenger.version} is the champion")
        return Decision((check,), {}, 1 - params.gate.alpha), champion, challenger
    key = _decision_key(params, champion, challenger)
    if challenger.tags.get(KEY_TAG) == key:
        return load_decision(client, challenger), champion, challenger
    faults = {
        "validation": validation_fault(),
        "history": _rollback_fault(challenger),
        "serving": smoke_test(f"models:/{name}/{challenger.version}"),
    }
    champion_results, challenger_results = (
        evaluate_saved_model(
            params, model_files(f"models:/{name}/{version.version}", params.registry)
        )
        for version in (champion, challenger)
    )
    rules = correct_for_variants(params.gate, int(challenger.tags.get(TRIED_TAG, 1)))
    decision = apply_rules(champion_results, challenger_results, faults, rules, params.seed)
    # A server may fail because the machine is busy; then the decision is not final.
    final_key = None if faults["serving"] else key
    save_decision(client, challenger, champion.version, decision, final_key)
    return decision, champion, challenger


def save_decision(
    client: "MlflowClient",
    version: "ModelVersion",
    champion: str,
    decision: Decision,
    key: str | None,
) -> None:
    """Save a decision with its version: as artifacts of its run, on its page and as tags.

    The key's tag is set last: a version that has it has the complete decision.

    Args:
        client: of the store.
        version: the challenger.
        champion: the number of the champion's version.
        decision: on the challenger.
        key: hash of what the decision depends on; None if the decision is not final.
    """
    name, number = version.name, version.version
    artifact_path = f"{ARTIFACTS}/{number}"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / PAGE).write_text(decision.markdown())
        (folder / RECORD).write_text(json.dumps(asdict(decision), indent=1) + "\n")
        client.log_artifacts(version.run_id, str(folder), artifact_path)
    run = client.get_run(version.run_id).info
    lines = gate_lines(decision, champion, run, f"{artifact_path}/{PAGE}")
    set_description(client, name, number, GATE, lines)
    client.set_model_version_tag(name, number, VERDICT_TAG, decision.verdict)
    if key:
        client.set_model_version_tag(name, number, KEY_TAG, key)
    elif KEY_TAG in version.tags:
        client.delete_model_version_tag(name, number, KEY_TAG)


def load_decision(client: "MlflowClient", version: "ModelVersion") -> Decision:
    """Read the decision that is saved with a version.

    Raises:
        UserError: the version has no final decision.
    """
    import mlflow

    if KEY_TAG not in version.tags:
        raise UserError(
            f"version {version.version} of {version.name} has no decision of the gate; run "
            f"`stylefuse gate`",
            code="decision-missing",
        )
    uri = f"runs:/{version.run_id}/{ARTIFACTS}/{version.version}/{RECORD}"
    return Decision.from_json(mlflow.artifacts.load_text(uri))


def validation_fault() -> str | None:
    """Why the pictures must not be used for a decision, or None if they passed validation."""
    try:
        report = json.loads(VALIDATION_REPORT.read_text())
        passed = report["passed"] == report["evaluated"] > 0
    except (OSError, ValueError, KeyError):
        return f"{VALIDATION_REPORT} is missing or damaged"
    return None if passed else "the pictures failed validation"


def evaluate_saved_model(params: Params, folder: Path) -> "PictureResults":
    """Compute the per-picture results of a saved model on the gate's split.

    Raises:
        UserError: the folder holds no complete model, or there is no data to evaluate it on.
    """
    from stylefuse.evaluation.context import EvaluationContext
    from stylefuse.evaluation.evaluate import find_evaluator
    from stylefuse.evaluation.metrics.features import FeatureNetwork
    from stylefuse.inference.predictor import load_predictor
    from stylefuse.models.task import find_task

    predictor = load_predictor(folder)
    context = EvaluationContext(
        params, find_task(predictor.name), predictor, FeatureNetwork(), Path(), params.gate.split
    )
    results: PictureResults = find_evaluator(predictor.name).picture_results(context)
    return results


def _version(client: "MlflowClient", name: str, alias: str) -> "ModelVersion":
    models = client.search_registered_models(f"name = '{name}'")
    if not models or alias not in models[0].aliases:
        message = f"{name} has no {alias} in the registry; run `make repro`"
        raise UserError(message, code=f"{alias}-missing")
    version = client.get_model_version(name, models[0].aliases[alias])
    if WEIGHTS_TAG not in version.tags:
        raise UserError(
            f"the {alias} of {name}, version {version.version}, was not registered by `stylefuse "
            f"register`; promote another one, or register the model again",
            code="version-foreign",
        )
    return version


def _decision_key(params: Params, champion: "ModelVersion", challenger: "ModelVersion") -> str:
    """A hash of everything that a decision depends on; the version stands for the code."""
    prepared = params.prepare[params.profile]
    sections = (params.gate, params.evaluate, params.data, params.serve, prepared)
    inputs = [
        __version__,
        champion.tags[WEIGHTS_TAG],
        challenger.tags[WEIGHTS_TAG],
        challenger.tags.get(LEFT_TAG),
        challenger.tags.get(TRIED_TAG),
        *(sha256(path) if path.exists() else None for path in (VALIDATION_REPORT, MANIFEST)),
        params.seed,
        *(section.model_dump(mode="json") for section in sections),
    ]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()


def _rollback_fault(challenger: "ModelVersion") -> str | None:
    rolled_back = challenger.tags.get(LEFT_TAG)
    return f"it was champion and was rolled back ({rolled_back})" if rolled_back else None
