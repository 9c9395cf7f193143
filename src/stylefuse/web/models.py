"""The models that the page uses, each loaded when it is first needed."""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from PIL import Image

from stylefuse.cancellation import check_cancelled
from stylefuse.config import Serve
from stylefuse.errors import UserError
from stylefuse.images.resize import limit_side
from stylefuse.inference.characters.predictor import CharacterPredictor
from stylefuse.inference.options import STROKE_PIXELS, Options
from stylefuse.inference.predictor import find_predictor
from stylefuse.inference.style_file import LearnedStyle
from stylefuse.loading import load_model, locate_model
from stylefuse.painting.batch import LoadedModel
from stylefuse.web.calls import Calls

MAX_PICTURES_AT_ONCE = 2  # painted at the same time
PREVIEW_SIDE = 512  # pixels, the longer side
STEP_S = 0.5  # between two pictures of one that is being painted
MODELS = "transfer", "restore", "portrait"
CHARACTER = "character"  # a task without a model of its own


class LoadedModels:
    """Loads models and paints with them; safe to use from several threads.

    Args:
        limits: of pictures.

    Attributes:
        calls: that paint at full size.
    """

    def __init__(self, limits: Serve):
        self.limits = limits
        self.calls = Calls()
        self._models: dict[str, LoadedModel] = {}
        self._loading = threading.Lock()
        self._optimizing = threading.Lock()
        self._slots = threading.BoundedSemaphore(MAX_PICTURES_AT_ONCE)

    def model(self, name: str) -> LoadedModel:
        """The model of a task, loaded if it is not yet; "character" paints with that of transfer.

        Raises:
            UserError: there is none.
        """
        if name == CHARACTER:
            transfer = self.model("transfer")
            return transfer._replace(predictor=CharacterPredictor(transfer.predictor))
        with self._loading:
            if name not in self._models:
                self._load(name)
            return self._models[name]

    def warm_up(self) -> None:
        """Load all models and paint a small picture with each, so that the first use is fast."""
        for name in MODELS:
            with contextlib.suppress(UserError):  # the user sees it when the model is used
                kinds, options = find_predictor(name).inputs, find_predictor(name).options()
                grey = Image.new("RGB", (64, 64), "grey")
                inputs = {n: grey if kind is Image.Image else 1 for n, kind in kinds.items()}
                self.paint(name, inputs, options)

    def refresh(self) -> dict[str, str]:
        """Replace loaded models that are no longer the default ones.

        Returns:
            Name of each task → its model's version or folder; tasks without a model are missing.
        """
        with self._loading:
            versions = {}
            for name in MODELS:
                with contextlib.suppress(UserError):
                    versions[name] = version_or_folder(locate_model(name).origin)
            for name, model in list(self._models.items()):
                if versions.get(name) != version_or_folder(model.origin):
                    self._load(name)
        return versions

    def paint(self, name: str, inputs: dict[str, Any], options: Options) -> Image.Image:
        """Paint at the size of the pictures.

        Args:
            name: of the task.
            inputs: by the names of the task's inputs.
            options: the task's.

        Raises:
            UserError: there is no such model, or inputs and options do not fit.
            Cancelled: the active cancellation was cancelled.
        """
        model = self.model(name)
        with self._slots:
            check_cancelled()
            picture: Image.Image = model.predictor.paint(inputs, options)
            return picture

    def preview_steps(
        self, name: str, inputs: dict[str, Any], options: Options
    ) -> Iterator[Image.Image]:
        """`preview` while it is painted: a picture about every `STEP_S` seconds, and the last one.

        Visitors take turns, step by step, because a step takes all cores.
        """
        steps = self.model(name).predictor.steps(_small(inputs, options), options)
        shown = time.monotonic()
        while True:
            # not longer than a step: a visitor who leaves never comes back for the next one
            with self._optimizing:
                step = next(steps, None)
            if step is None:
                return
            if step.share == 1 or time.monotonic() - shown >= STEP_S:
                yield limit_side(step.picture(), PREVIEW_SIDE)
                shown = time.monotonic()

    def preview(self, name: str, inputs: dict[str, Any], options: Options) -> Image.Image:
        """`paint` at the size of the preview; strokes are those of the full size."""
        return limit_side(self.paint(name, _small(inputs, options), options), PREVIEW_SIDE)

    def settings(self, name: str, inputs: dict[str, Any], options: Options) -> dict[str, Any]:
        """Everything that determines a picture beside its input pictures, for its metadata."""
        model = self.model(name)
        origin = {"model": version_or_folder(model.origin), "weights": model.origin["sha256"]}
        numbers = {key: value for key, value in inputs.items() if isinstance(value, int)}
        styles = [
            style.name for style in inputs.get("style", ()) if isinstance(style, LearnedStyle)
        ]
        learned = {"learned_styles": styles} if styles else {}
        return {**origin, **numbers, **learned, **asdict(options)}

    def _load(self, name: str) -> None:
        self._models[name] = load_model(name, max_side=self.limits.max_side)


def _small(inputs: dict[str, Any], options: Options) -> dict[str, Any]:
    """Inputs of a size at which the strokes are those of the full size."""
    side = PREVIEW_SIDE
    if stroke_size := getattr(options, "stroke_size", None):
        side = max(side, round(STROKE_PIXELS / stroke_size))
    return {key: _limited(value, side) for key, value in inputs.items()}


def _limited(value: Any, side: int) -> Any:
    """A picture, or each of a list of pictures, of at most `side` pixels; other values as is."""
    if isinstance(value, list):
        return [_limited(picture, side) for picture in value]
    return limit_side(value, side) if isinstance(value, Image.Image) else value


def version_or_folder(origin: Mapping[str, str]) -> str:
    """A model's version in the registry, like `stylefuse-transfer/1`, or else its folder."""
    return origin.get("version") or origin["folder"]
