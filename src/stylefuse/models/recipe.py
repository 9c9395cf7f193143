"""What the pipeline asks of a model, and the only thing that it knows of one.

A model called NAME is the package `stylefuse.models.NAME`: it holds `Settings`, a subclass of
`stylefuse.config.Train` with the model's own fields, and `RECIPE`, a `Recipe`. An entry NAME under
`models` in `params.yaml` makes the pipeline train, judge, register and serve it. The module itself
imports no Keras: a command that only reads parameters must not wait for it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from PIL import Image

from stylefuse.config import Split

Objective = Callable[..., tuple]  # (*batch, probability) → (loss, tuple of scalars to report)


class Batches(Protocol):
    """Batches as a pure function of the step, so that a resumed run sees the same ones."""

    def at(self, step: int) -> tuple:
        """Arrays, and what `stylefuse.data.batches.arrays` makes arrays of."""
        ...


@dataclass(frozen=True)
class Options:
    """The dials of a model, each with its default; a subclass checks their ranges."""


class Recipe(ABC):
    """How one model is built, trained, looked at and used.

    Class attributes:
        name: of the package, the entry in `params.yaml`, and `stylefuse-NAME` in the registry.
        card: what the registry says of it, in Markdown.
        caution: what it is for and what not, in Markdown, for its model card.
        inputs: what a request holds, by name: pictures (`PIL.Image.Image`) or whole numbers.
        extras: what it may hold beside them.
        any_number: names of picture inputs of which there may be none, one or a list.
        source_type: what the metadata of its pictures says, a term of IPTC's digital source types.
        options: the dials of a request.
        shape: names of the settings that shape the generator; they are saved with its weights.
        reports: names of the scalars that the generator's objective reports.
    """

    name: ClassVar[str]
    card: ClassVar[str]
    caution: ClassVar[str] = ""
    inputs: ClassVar[Mapping[str, type]] = {"picture": Image.Image}
    extras: ClassVar[Mapping[str, type]] = {}
    any_number: ClassVar[tuple[str, ...]] = ()
    source_type: ClassVar[str] = "compositeWithTrainedAlgorithmicMedia"
    options: ClassVar[type[Options]] = Options
    shape: ClassVar[tuple[str, ...]] = ("width",)
    reports: ClassVar[tuple[str, ...]] = ("adversarial",)

    @abstractmethod
    def build_generator(self, **shape: Any) -> Any:
        """A Keras model with its weights made."""

    @abstractmethod
    def build_discriminator(self, settings: Any) -> Any:
        """A Keras model with its weights made."""

    @abstractmethod
    def batches(self, folder: Path, split: Split, settings: Any, seed: int) -> Batches:
        """What the steps see of a split of the prepared arrays."""

    @abstractmethod
    def discriminator_objective(
        self, generator: Any, discriminator: Any, settings: Any, penalise: bool, stage: int
    ) -> Objective:
        """Reports `(loss, accuracy on real, accuracy on fake)`, the loss without its penalty.

        Beside a batch it is given the probability of augmentation, a scalar from 0 to 1.
        """

    @abstractmethod
    def generator_objective(
        self, generator: Any, discriminator: Any, settings: Any, stage: int
    ) -> Objective:
        """Reports the scalars that `reports` names."""

    @abstractmethod
    def show(self, generator: Any, held_out: Any) -> np.ndarray:
        """A sheet that shows what a generator has learned, uint8 `[height, width, 3]`."""

    def as_sent(self, picture: np.ndarray, stream: np.random.Generator) -> np.ndarray:
        """A training picture, uint8 `[height, width, 3]`, as people would send it: what a model
        mends is broken first."""
        return picture

    def settle(self, generator: Any) -> None:  # noqa: B027
        """Make averaged weights ready to be used and saved, if that takes more than averaging."""

    def stage(self, step: int, settings: Any) -> int:
        """Which of a few differently compiled phases a step belongs to; most models have one."""
        return 0

    def artist(self, generator: Any, max_side: int) -> Any:
        """The generator, ready to paint Pillow pictures: a `stylefuse.models.artist.Artist`."""
        from stylefuse.models.artist import Artist

        return Artist(generator, max_side)


def find_recipe(name: str) -> Recipe:
    """The recipe of a model that `params.yaml` names."""
    return import_module(f"stylefuse.models.{name}").RECIPE
