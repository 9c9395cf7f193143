"""The facts of one version, gathered once when it is registered; cards and pages read them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylefuse.config import Params, Train
from stylefuse.errors import UserError
from stylefuse.inference.model_folder import weights_hash
from stylefuse.models.saving import training_pictures
from stylefuse.models.task import Task, find_task
from stylefuse.paths import BASE_MODELS, MANIFEST, METRICS, MODELS, REPORTS, SAMPLE_GRIDS
from stylefuse.registry.integrity.provenance import (
    ENVIRONMENT_NOT_RECORDED,
    commit_tags,
    environment_tags,
    only_environment_tags,
    provenance,
    require_committed,
)
from stylefuse.registry.pages.licences import licence_tag, training_licences
from stylefuse.registry.store import (
    FORMAT,
    FORMAT_TAG,
    SHIPPED,
    SOURCE_TAG,
    TRIED_TAG,
    WEIGHTS_TAG,
    registered_name,
)
from stylefuse.registry.tracking.flatten import flatten, numeric_values
from stylefuse.registry.tracking.runs import (
    create_run_from_files,
    create_shipped_run,
    find_run,
)
from stylefuse.training.environment import read_environment

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities import Run, RunInfo

RUN = "run.json"  # beside base weights: how they were trained
REPORT_ARTIFACTS = "reports"  # folder among a run's artifacts


@dataclass(frozen=True)
class Training:
    """How weights were trained.

    Attributes:
        profile: of `params.yaml`.
        seed: of the random numbers.
        settings: the model's settings by name (`kimg`, `crop`, `batch`, `width`, …); base weights
            may have been trained by an earlier version that knew other settings.
        environment: hardware, backend and library versions of the machine that trained, by tag
            name (`hardware`, `backend`, `version.keras`, …); empty if they were not recorded.
    """

    profile: str
    seed: int
    settings: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VersionFacts:
    """What is known of a version when it is registered.

    Attributes:
        params: the project's parameters.
        model: the model's name in `params.yaml`.
        weights: SHA-256 of the weights.
        shipped: whether the weights come with the project (`models/base/NAME`) and were not
            trained here.
        training: how the weights were trained; None if that was not recorded.
        initial_training: how the weights that the training began with were trained; None for
            random weights, or if that was not recorded.
        run: the MLflow run that the version belongs to.
        tags: of the version: provenance, training environment, licences.
        metrics: what evaluation measured on held-out pictures, by method and metric; empty if
            these weights were not evaluated.
        licences: how many training pictures are under which licence, see `training_licences`.
        sample_grids: PNG files of samples.
        reports: paths of the reports among the run's artifacts.
        becomes_champion: whether no version is champion yet, so that this one becomes it.
        measurements: all numbers of the evaluation by dotted name, for the version's metrics.
    """

    params: Params
    model: str
    weights: str
    shipped: bool
    training: Training | None
    initial_training: Training | None
    run: "RunInfo"
    tags: Mapping[str, str]
    metrics: Mapping[str, Mapping[str, Any]]
    licences: "pd.DataFrame"
    sample_grids: Sequence[Path]
    reports: Sequence[str]
    becomes_champion: bool
    measurements: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The registered model's name."""
        return registered_name(self.model)

    @property
    def task(self) -> Task:
        """The model's task."""
        return find_task(self.model)

    @property
    def settings(self) -> Train:
        """The model's settings in the chosen profile of `params.yaml`."""
        return self.params.model_settings(self.model)


def gather_facts(
    client: "MlflowClient",
    params: Params,
    model: str,
    folder: Path,
    tried: int,
    becomes_champion: bool,
) -> VersionFacts:
    """Gather everything that is known of the weights in a folder.

    An MLflow run is created for weights that no run made; nothing else is written.

    Args:
        client: of the open store.
        params: the project's parameters.
        model: its name in `params.yaml`.
        folder: `models/NAME`, or `models/base/NAME` for the weights that come with the project.
        tried: of how many variants the model is the best.
        becomes_champion: whether no version is champion yet.

    Raises:
        UserError: a file is missing or damaged, the evaluation is of other weights, or the model
            was made with uncommitted changes.
    """
    weights, shipped = weights_hash(folder), folder == BASE_MODELS / model
    run = find_run(client, params, weights)
    if shipped:
        training, evaluation = base_training(folder), {}
        origin = {SOURCE_TAG: SHIPPED, **commit_tags()}
    else:
        training, evaluation = _training(params, model, weights, run), _evaluation(model, weights)
        origin = provenance(params, model)
    origin |= {**ENVIRONMENT_NOT_RECORDED, **(training.environment if training else {})}
    if not params.registry.allow_dirty:
        require_committed(origin)
    pictures = training_pictures(folder) if shipped else None
    licences = training_licences(MANIFEST, params.model_settings(model).domains, pictures)
    tags = {
        WEIGHTS_TAG: weights,
        FORMAT_TAG: FORMAT,
        **licence_tag(licences),
        **origin,
        **({TRIED_TAG: str(tried)} if tried > 1 else {}),
    }
    initial_weights = training.settings.get("init_from", "") if training else ""
    return VersionFacts(
        params=params,
        model=model,
        weights=weights,
        shipped=shipped,
        training=training,
        initial_training=base_training(initial_weights),
        run=run.info if run else _create_run(params, model, weights, training, shipped),
        tags=tags,
        metrics=evaluation.get("methods", {}),
        licences=licences,
        sample_grids=[] if shipped else sorted((SAMPLE_GRIDS / model).glob("*.png")),
        reports=[f"{REPORT_ARTIFACTS}/{path.name}" for path in report_files(model, shipped)],
        becomes_champion=becomes_champion,
        measurements=numeric_values(evaluation),
    )


def _create_run(
    params: Params, model: str, weights: str, training: Training | None, shipped: bool
) -> "RunInfo":
    if not shipped:
        return create_run_from_files(params, model, weights)
    settings = {}
    if training:
        settings = {"profile": training.profile, "seed": training.seed}
        settings |= flatten({"train": training.settings})
    return create_shipped_run(model, weights, settings)


def report_files(model: str, shipped: bool) -> list[Path]:
    """The evaluation's files of a trained model; evaluation does not cover shipped weights."""
    if shipped:
        return []
    paths = [*sorted((SAMPLE_GRIDS / model).glob("*.png")), REPORTS / f"{model}.html"]
    return [path for path in paths if path.exists()]


def _training(params: Params, model: str, weights: str, run: "Run | None") -> Training:
    """How a model was trained; its environment is in a file of this folder, or in its run."""
    if environment := read_environment(model, weights):
        tags = environment_tags(environment)
    else:
        tags = only_environment_tags(run.data.tags) if run else {}
    settings = params.model_settings(model).model_dump()
    return Training(params.profile, params.seed, settings, tags)


def _evaluation(model: str, weights: str) -> dict[str, Any]:
    """The result of the evaluation of these weights; empty if it has not run."""
    path = METRICS / f"{model}.json"
    try:
        result = dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"{path} cannot be read ({error}); run `dvc repro evaluate`", code="evaluation-damaged"
        ) from None
    if result.get("weights") != weights:
        raise UserError(
            f"{path} is the evaluation of other weights than those in {MODELS / model}; run "
            "`dvc repro`",
            code="evaluation-of-other-weights",
        )
    return result


def base_training(folder: Path | str) -> Training | None:
    """How base weights were trained, from the `run.json` beside them.

    Args:
        folder: of the weights; "" for random weights.

    Returns:
        None if there is no such file.

    Raises:
        UserError: the file is damaged.
    """
    path = Path(folder) / RUN
    if not folder or not path.exists():
        return None
    try:
        record = json.loads(path.read_text())
        speed = record.get("speed", {})
        environment = {"hardware": str(speed["device"])} if "device" in speed else {}
        return Training(
            record["profile"], int(record.get("seed", 0)), dict(record["settings"]), environment
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UserError(
            f"{path} cannot be read; get it again with `git checkout {path}`",
            code="training-record-damaged",
        ) from None
