"""The facts of one model version: gathered once by `register`, read by its card and its page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylefuse.config import Params, Train
from stylefuse.errors import UserError
from stylefuse.models.task import Task, find_task
from stylefuse.registry.store import registered_name

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import RunInfo

RUN = "run.json"  # beside base weights: how they were trained


@dataclass(frozen=True)
class Training:
    """How weights were trained.

    Attributes:
        profile: of `params.yaml`.
        seed: of the random numbers.
        settings: the model's settings by name (`kimg`, `crop`, `batch`, `width`, …); base weights
            may have been trained by an earlier version that knew other settings.
        environment: hardware, backend and library versions of the machine that trained, by tag
            name (`hardware`, `backend`, `version.keras`, …); empty where they were not recorded.
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
        training: how the weights were trained; None where that was not recorded.
        initial_training: how the weights that the training began with were trained; None for
            random weights, or where that was not recorded.
        run: the MLflow run that the version belongs to.
        tags: of the version: provenance, training environment, licences.
        metrics: what evaluation measured on held-out pictures, by method and metric; empty where
            these weights were not evaluated.
        licences: how many training pictures are under which licence, see `training_licences`.
        sample_grids: PNG files of samples.
        reports: paths of the reports among the run's artifacts.
        becomes_champion: whether no version is champion yet, so that this one becomes it.
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


def base_training(folder: Path | str) -> Training | None:
    """How base weights were trained, from the `run.json` beside them.

    Args:
        folder: of the weights; "" for random weights.

    Returns:
        None where there is no such file.

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
