"""The models that the page uses, each loaded when it is first needed."""

import contextlib
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.images.resize import limit_side
from stylefuse.inference.options import Options
from stylefuse.models.task import find_task
from stylefuse.registry.fetch import (
    MODELS_URI,
    FetchedModel,
    default_model,
    fetch_model,
    resolve_alias,
)

MAX_PICTURES_AT_ONCE = 2  # painted at the same time
PREVIEW_SIDE = 512  # pixels, the longer side


class LoadedModels:
    """Loads models and paints with them; safe to use from several threads.

    Args:
        params: the registry and the limits.
    """

    def __init__(self, params: Params):
        self.params = params
        self._models: dict[str, FetchedModel] = {}
        self._loading = threading.Lock()
        self._slots = threading.BoundedSemaphore(MAX_PICTURES_AT_ONCE)

    def model(self, name: str) -> FetchedModel:
        """The model of a task, loaded if it is not yet.

        Raises:
            UserError: there is none.
        """
        with self._loading:
            if name not in self._models:
                self._load(name, default_model(self.params.registry, name))
            return self._models[name]

    def warm_up(self) -> None:
        """Load all models and paint a small picture with each, so that the first use is fast."""
        for name in self.params.models:
            with contextlib.suppress(UserError):  # the user sees it when the model is used
                task = find_task(name)
                grey = Image.new("RGB", (64, 64), "grey")
                inputs = {n: grey if kind is Image.Image else 1 for n, kind in task.inputs.items()}
                self.paint(name, inputs, task.options())

    def refresh(self) -> dict[str, str]:
        """Replace loaded models that are no longer the default ones.

        Returns:
            Name of each task → its model's version or folder; tasks without a model are missing.
        """
        with self._loading:
            defaults = {
                name: default_model(self.params.registry, name) for name in self.params.models
            }
            versions = {name: self._version(model) for name, model in defaults.items()}
            for name, model in list(self._models.items()):
                if versions[name] != version_or_folder(model):
                    self._load(name, defaults[name])
        return {name: version for name, version in versions.items() if version}

    def paint(self, name: str, inputs: dict[str, Any], options: Options) -> Image.Image:
        """Paint at the size of the pictures.

        Args:
            name: of the task.
            inputs: by the names of the task's inputs.
            options: the task's.

        Raises:
            UserError: there is no such model, or inputs and options do not fit.
        """
        model = self.model(name)
        with self._slots:
            picture: Image.Image = model.predictor.paint(inputs, options)
            return picture

    def preview(self, name: str, inputs: dict[str, Any], options: Options) -> Image.Image:
        """`paint`, with pictures scaled down to `PREVIEW_SIDE`."""
        small = {
            key: limit_side(value, PREVIEW_SIDE) if isinstance(value, Image.Image) else value
            for key, value in inputs.items()
        }
        return self.paint(name, small, options)

    def settings(self, name: str, inputs: dict[str, Any], options: Options) -> dict[str, Any]:
        """Everything that determines a picture beside its input pictures, for its metadata."""
        model = self.model(name)
        origin = {"model": version_or_folder(model), "weights": model.origin["sha256"]}
        numbers = {key: value for key, value in inputs.items() if isinstance(value, int)}
        return {**origin, **numbers, **asdict(options)}

    def _load(self, name: str, model: str) -> None:
        self._models[name] = fetch_model(find_task(name), model, self.params)

    def _version(self, model: str) -> str:
        if model.startswith(MODELS_URI):
            return resolve_alias(model, self.params.registry).removeprefix(MODELS_URI)
        return model if Path(model).is_dir() else ""


def version_or_folder(model: FetchedModel) -> str:
    """A model's version in the registry, like `stylefuse-transfer/1`, or else its folder."""
    return model.origin.get("version") or model.origin["folder"]
