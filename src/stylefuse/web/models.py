"""What stands behind the page: the models, each loaded when it is first asked for."""

import contextlib
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.images.resize import fit
from stylefuse.inference.options import Options
from stylefuse.models.task import find_task
from stylefuse.registry.fetch import (
    REGISTRY,
    FetchedModel,
    default_model,
    fetch_model,
    resolve_alias,
)

AT_ONCE = 2  # pictures painted at the same time
PREVIEW = 512  # longer side of what a slider shows, pixels


class LoadedModels:
    """Paints for the page; safe to use from several threads.

    Args:
        params: tell the registry and the limits.
    """

    def __init__(self, params: Params):
        self.params = params
        self._models: dict[str, FetchedModel] = {}
        self._loading = threading.Lock()
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def model(self, name: str) -> FetchedModel:
        """The model of a name, loaded when it is first asked for.

        Raises:
            UserError: there is none.
        """
        with self._loading:
            if name not in self._models:
                self._load(name, default_model(self.params.registry, name))
            return self._models[name]

    def warm(self) -> None:
        """Load all models and let each paint, so that nobody waits for the first time."""
        for name in self.params.models:
            with contextlib.suppress(UserError):  # told when it is asked for
                self.model(name)
                task = find_task(name)
                gray = Image.new("RGB", (64, 64), "gray")
                request = {n: gray if kind is Image.Image else 1 for n, kind in task.inputs.items()}
                self.paint(name, request, task.options())

    def refresh(self) -> dict[str, str]:
        """Name of each model → what is used for it from now on; none where there is none yet."""
        with self._loading:
            addresses = {
                name: default_model(self.params.registry, name) for name in self.params.models
            }
            named = {name: self._named(address) for name, address in addresses.items()}
            for name, model in list(self._models.items()):
                if named[name] != called(model):
                    self._load(name, addresses[name])
        return {name: told for name, told in named.items() if told}

    def paint(self, name: str, request: dict[str, Any], options: Options) -> Image.Image:
        """Paint a request at its pictures' size.

        Args:
            name: of the model.
            request: by the names of the recipe's inputs and extras.
            options: the recipe's dials.

        Raises:
            UserError: the request cannot be painted.
        """
        model = self.model(name)
        with self._turns:
            painted: Image.Image = model.predictor.paint(request, options)
            return painted

    def preview(self, name: str, request: dict[str, Any], options: Options) -> Image.Image:
        """The same, of pictures that are no larger than `PREVIEW`."""
        small = {
            key: fit(value, PREVIEW) if isinstance(value, Image.Image) else value
            for key, value in request.items()
        }
        return self.paint(name, small, options)

    def told(self, name: str, request: dict[str, Any], options: Options) -> dict[str, Any]:
        """What a downloaded picture says of how it was made."""
        model = self.model(name)
        numbers = {key: value for key, value in request.items() if isinstance(value, int)}
        made = {"model": called(model), "weights": model.origin["sha256"]}
        return {**made, **numbers, **asdict(options)}

    def _load(self, name: str, address: str) -> None:
        self._models[name] = fetch_model(find_task(name), address, self.params)

    def _named(self, address: str) -> str:
        if address.startswith(REGISTRY):
            return resolve_alias(address, self.params.registry).removeprefix(REGISTRY)
        return address if Path(address).is_dir() else ""


def called(model: FetchedModel) -> str:
    """What a model is called: its version in the registry, or its folder."""
    return model.origin.get("version") or model.origin["folder"]
