"""Registers a trained model as a version in MLflow's registry, once for the same weights."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from stylefuse.config import Params
from stylefuse.errors import EXIT_TRY_AGAIN, UserError
from stylefuse.fileio import file_lock
from stylefuse.inference.model_folder import weights_hash
from stylefuse.inference.predictor import find_predictor
from stylefuse.paths import ATTRIBUTION, BASE_MODELS, DVC_LOCK, MODELS, PREPARED, REGISTRY_HOME
from stylefuse.registry import package
from stylefuse.registry.integrity.sbom import SBOM, write_sbom
from stylefuse.registry.integrity.signing import SIGNATURE, sign
from stylefuse.registry.pages.model_card import write_model_card
from stylefuse.registry.pages.model_page import describe_model
from stylefuse.registry.pages.sample_images import log_sample_images
from stylefuse.registry.pages.version_page import version_page
from stylefuse.registry.reference_statistics import reference_statistics
from stylefuse.registry.store import (
    CHALLENGER,
    CHAMPION,
    FORMAT,
    FORMAT_TAG,
    WEIGHTS_TAG,
    error_reason,
    exit_code,
    open_store,
    registered_name,
)
from stylefuse.registry.tracking.runs import resumed
from stylefuse.registry.version_facts import (
    REPORT_ARTIFACTS,
    VersionFacts,
    gather_facts,
    report_files,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models.model import ModelInfo

DATA_ARTIFACTS = "data"  # folder among a run's artifacts
LOCK = REGISTRY_HOME / "register.lock"
PACKAGE = Path(__file__).parents[1]  # the folder of the package stylefuse


@dataclass(frozen=True)
class RegisteredVersion:
    """A version in the registry.

    Attributes:
        name: of the registered model.
        version: its number.
        created: False if the same weights were registered before.
        aliases: "champion", "challenger", both or neither.
    """

    name: str
    version: int
    created: bool
    aliases: tuple[str, ...]

    def __str__(self) -> str:
        aliases = f" ({', '.join(self.aliases)})" if self.aliases else ""
        action = "registered as" if self.created else "the same weights are already"
        return f"{action} {self.name} version {self.version}{aliases}"


def register(params: Params, model: str, tried: int = 1) -> RegisteredVersion:
    """Register a trained model with its reports and its provenance.

    A new version becomes the challenger. If the model has no champion yet, the weights that come
    with the project are registered first and become the champion, so that the gate compares the
    trained model with them; without such weights the trained model becomes the champion.

    Args:
        params: the settings and the registry.
        model: its name in `params.yaml`.
        tried: of how many variants the model is the best; the gate corrects for them.

    Raises:
        UserError: the model is missing or incomplete, its evaluation is of other weights, it was
            made with uncommitted changes, or the store cannot be used.
    """
    params.require_model(model)
    weights_hash(MODELS / model)  # raises before anything is registered
    client = open_store(params.registry)
    from mlflow.exceptions import MlflowException

    try:
        with file_lock(LOCK, timeout_s=-1):  # two processes would register the same weights twice
            base = BASE_MODELS / model
            if base.is_dir() and not _has_champion(client, model):
                _register_folder(client, params, model, base)
            version, created = _register_folder(client, params, model, MODELS / model, tried)
            describe_model(client, params, model)
        aliases = client.get_model_version(version.name, version.version).aliases
    except (MlflowException, OSError) as error:
        status = exit_code(error)
        raise UserError(
            f"the model {model} could not be registered: {error_reason(error)}; run the command "
            "again",
            status,
            code="store-unreachable" if status == EXIT_TRY_AGAIN else "registration-failed",
        ) from None
    return RegisteredVersion(version.name, int(version.version), created, tuple(sorted(aliases)))


def _register_folder(
    client: "MlflowClient", params: Params, model: str, folder: Path, tried: int = 1
) -> tuple["ModelVersion", bool]:
    """The version with the weights in a folder, and whether it is new."""
    name, weights = registered_name(model), weights_hash(folder)
    query = f"name = '{name}' and tags.`{WEIGHTS_TAG}` = '{weights}'"
    same = client.search_model_versions(query)
    if versions := [version for version in same if version.tags.get(FORMAT_TAG) == FORMAT]:
        version = versions[0]
    else:
        becomes_champion = not _has_champion(client, model)
        facts = gather_facts(client, params, model, folder, tried, becomes_champion)
        version = _create_version(client, facts, folder)
    _set_aliases(client, version, new=not versions)
    return version, not versions


def _create_version(client: "MlflowClient", facts: VersionFacts, folder: Path) -> "ModelVersion":
    """Log the model and its reports to its run, then create the version."""
    import mlflow

    with resumed(client, facts.run):
        logged = _log_model(facts, folder)
        if facts.measurements:
            mlflow.log_metrics(dict(facts.measurements), model_id=logged.model_id)
        for path in report_files(facts.model, facts.shipped):
            mlflow.log_artifact(str(path), REPORT_ARTIFACTS)
        if ATTRIBUTION.exists():
            mlflow.log_artifact(str(ATTRIBUTION), DATA_ARTIFACTS)
        samples = log_sample_images(facts.run, facts.sample_grids, REPORT_ARTIFACTS)
    return client.create_model_version(
        facts.name,
        source=logged.model_uri,
        run_id=facts.run.run_id,
        tags=dict(facts.tags),
        description=version_page(facts, samples),
        model_id=logged.model_id,
    )


class SignedPyfunc:
    """MLflow's flavor of Python functions, with a signature over all files that it writes."""

    @staticmethod
    def save_model(path: str, **options: Any) -> None:
        """Called by `mlflow.models.Model.log`."""
        import mlflow

        mlflow.pyfunc.save_model(path, **options)
        (Path(path) / SIGNATURE).write_text(sign(Path(path)))


def _log_model(facts: VersionFacts, model_folder: Path) -> "ModelInfo":
    """Log the model to the active run: its graphs, the code that paints with them, no pickles."""
    import mlflow

    task, settings, seed = facts.task, facts.settings, facts.params.seed
    predictor = find_predictor(task.name)
    statistics = reference_statistics(task, settings, PREPARED, seed) if PREPARED.exists() else {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / facts.model
        package.write_package(model_folder, facts.params.serve, statistics, folder)
        if DVC_LOCK.exists():
            shutil.copyfile(DVC_LOCK, folder / package.PIPELINE)
        write_sbom(folder / SBOM, facts.tags["backend"])
        write_model_card(folder, facts)
        return mlflow.models.Model.log(
            artifact_path=None,
            name=facts.model,
            flavor=SignedPyfunc,
            loader_module=package.LOADER,
            data_path=str(folder),
            signature=package.signature(predictor),
            input_example=pd.DataFrame(package.example(predictor, settings.domains, PREPARED)),
            pip_requirements=package.requirements(),
            code_paths=[str(PACKAGE)],  # so that a machine without stylefuse can serve it
            tags=dict(facts.tags),
            metadata=dict(facts.tags),  # a part of the signed files
        )


def _has_champion(client: "MlflowClient", model: str) -> bool:
    """Whether a version is champion; the registered model is created if it is missing."""
    name = registered_name(model)
    models = client.search_registered_models(f"name = '{name}'")
    if not models:
        client.create_registered_model(name)
        return False
    return CHAMPION in models[0].aliases


def _set_aliases(client: "MlflowClient", version: "ModelVersion", new: bool) -> None:
    """Set the aliases of a version; an earlier call may have been interrupted before that."""
    aliases = client.get_registered_model(version.name).aliases
    if new or CHALLENGER not in aliases:
        client.set_registered_model_alias(version.name, CHALLENGER, version.version)
    if CHAMPION not in aliases:
        client.set_registered_model_alias(version.name, CHAMPION, version.version)
