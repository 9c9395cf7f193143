"""A trained model → a version in MLflow's registry. The same weights are registered once."""

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.models.saving import weights_hash
from stylefuse.models.task import find_task
from stylefuse.registry import package
from stylefuse.registry.integrity.provenance import LOCK, provenance, refuse_dirty
from stylefuse.registry.integrity.sbom import SBOM, write_sbom
from stylefuse.registry.integrity.signing import SIGNATURE, sign
from stylefuse.registry.pages.licences import licence_tag, training_licences
from stylefuse.registry.pages.model_card import write_card
from stylefuse.registry.pages.model_page import describe_model
from stylefuse.registry.pages.sample_images import log_pictures
from stylefuse.registry.pages.version_page import version_card
from stylefuse.registry.reference_statistics import reference
from stylefuse.registry.store import (
    CHALLENGER,
    CHAMPION,
    TRIED_TAG,
    WEIGHTS_TAG,
    exit_code,
    open_store,
    reason,
    registered_name,
    registry_lock,
)
from stylefuse.registry.tracking.flatten import numbers
from stylefuse.registry.tracking.runs import training_run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

MODELS, DATA, REPORTS = Path("models"), Path("data"), Path("reports")
PREPARED, MANIFEST, ATTRIBUTION = (
    DATA / name for name in ("prepared", "manifest.parquet", "ATTRIBUTION.md")
)
KEPT = "reports"  # among a run's artifacts
TURN = Path("mlflow/register.lock")


@dataclass(frozen=True)
class RegisteredVersion:
    """A version in the registry.

    `created` is false where the same weights had been registered before.
    """

    name: str
    version: int
    created: bool
    aliases: tuple[str, ...]

    def __str__(self) -> str:
        named = f" ({', '.join(self.aliases)})" if self.aliases else ""
        what = "registered as" if self.created else "the same weights are already"
        return f"{what} {self.name} version {self.version}{named}"


def register(params: Params, model: str, tried: int = 1) -> RegisteredVersion:
    """Register a trained model together with its reports and where it comes from.

    A new version gets the alias `challenger`, and `champion` where no version has it yet.

    Args:
        params: tell the settings and the registry.
        model: its name in `params.yaml`.
        tried: of how many variants it is the best; the gate asks more of one of many.

    Raises:
        UserError: there is no whole model, it was judged or made from what is no longer here, or
            the store cannot be used.
    """
    params.model_settings(
        model
    )  # a name that is none is told as that, not as a model that is missing
    weights = weights_hash(MODELS / model)
    client = open_store(params.registry)
    from mlflow.exceptions import MlflowException

    name = registered_name(model)
    try:
        with registry_lock(TURN):  # two that look for the same weights would both find none
            known = client.search_model_versions(
                f"name = '{name}' and tags.`{WEIGHTS_TAG}` = '{weights}'"
            )
            version = known[0] if known else _new_version(client, params, model, weights, tried)
            _set_aliases(client, version, new=not known)
            describe_model(client, params, model)
        aliases = client.get_model_version(name, version.version).aliases
    except (MlflowException, OSError) as error:
        told = f"the model {model} could not be registered: {reason(error)}"
        raise UserError(told, exit_code(error)) from None
    return RegisteredVersion(name, int(version.version), not known, tuple(sorted(aliases)))


def _new_version(
    client: "MlflowClient", params: Params, model: str, weights: str, tried: int
) -> "ModelVersion":
    import mlflow

    origin = provenance(params, model)
    if not params.registry.allow_dirty:
        refuse_dirty(origin)
    result = _result(model, weights)
    licences = training_licences(MANIFEST, params.model_settings(model).domains)
    sample_grids = sorted((REPORTS / "sample_grids" / model).glob("*.png"))
    reports = [path for path in (*sample_grids, REPORTS / f"{model}.html") if path.exists()]
    with training_run(client, params, model, weights) as run:
        tags = {
            WEIGHTS_TAG: weights,
            **licence_tag(licences),
            **origin,
            **({"backend": backend} if (backend := run.data.params.get("backend")) else {}),
            **({TRIED_TAG: str(tried)} if tried > 1 else {}),
        }
        logged = _log_model(params, model, tags, result.get("methods", {}), licences, sample_grids)
        if metrics := numbers(result):
            mlflow.log_metrics(metrics, model_id=logged.model_id)
        for path in reports:
            mlflow.log_artifact(str(path), KEPT)
        if ATTRIBUTION.exists():
            mlflow.log_artifact(str(ATTRIBUTION), "data")
        pictures = log_pictures(run.info, sample_grids, KEPT)

    card = version_card(
        params,
        model,
        run.info,
        tags,
        first=not _has_champion(client, model),
        methods=result.get("methods", {}),
        pictures=pictures,
        licences=licences,
        reports=[f"{KEPT}/{path.name}" for path in reports],
    )
    return client.create_model_version(
        registered_name(model),
        source=logged.model_uri,
        run_id=run.info.run_id,
        tags=tags,
        description=card,
        model_id=logged.model_id,
    )


class Signed:
    """MLflow's flavor of Python functions, with a signature over all that it writes."""

    @staticmethod
    def save_model(path: str, **what: Any) -> None:
        import mlflow

        mlflow.pyfunc.save_model(path, **what)
        (Path(path) / SIGNATURE).write_text(sign(Path(path)))


def _log_model(
    params: Params,
    model: str,
    tags: dict[str, str],
    methods: dict[str, Any],
    licences: pd.DataFrame,
    sample_grids: list[Path],
) -> Any:
    """Log the model to the active run; its artifact holds data only, no code and no pickle."""
    import mlflow

    task = find_task(model)
    settings = params.model_settings(model)
    example = package.example(task, settings.domains, PREPARED)
    trained_on = reference(task, settings, PREPARED, params.seed) if PREPARED.exists() else {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / model
        package.write_package(MODELS / model, params.serve, trained_on, folder)
        if LOCK.exists():
            shutil.copyfile(LOCK, folder / package.PIPELINE)
        write_sbom(folder / SBOM)
        write_card(folder, params, model, tags, methods, licences, sample_grids)
        return mlflow.models.Model.log(
            artifact_path=None,
            name=model,
            flavor=Signed,
            loader_module=package.LOADER,
            data_path=str(folder),
            signature=package.signature(task),
            input_example=pd.DataFrame(example),
            pip_requirements=package.requirements(),
            tags=tags,
            metadata=tags,  # and so into the files that are signed
        )


def _result(model: str, weights: str) -> dict[str, Any]:
    """What evaluation found of these weights; nothing where it has not run."""
    path = REPORTS / "metrics" / f"{model}.json"
    try:
        result = dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path} cannot be read ({error}); run `dvc repro evaluate`") from None
    if result.get("weights") != weights:
        raise UserError(f"{path} judges other weights than {MODELS / model} has; run `dvc repro`")
    return result


def _has_champion(client: "MlflowClient", model: str) -> bool:
    """Whether there is one; the registered model is made where it is missing."""
    name = registered_name(model)
    found = client.search_registered_models(f"name = '{name}'")
    return CHAMPION in (found[0] if found else client.create_registered_model(name)).aliases


def _set_aliases(client: "MlflowClient", version: "ModelVersion", new: bool) -> None:
    """Point the aliases; a call that was cut short is made good by the next one."""
    taken = client.get_registered_model(version.name).aliases
    if new or CHALLENGER not in taken:
        client.set_registered_model_alias(version.name, CHALLENGER, version.version)
    if CHAMPION not in taken:
        client.set_registered_model_alias(version.name, CHAMPION, version.version)
