"""The interface between a model and the pipeline.

A model NAME is the package `stylefuse.models.NAME`. It defines `Settings`, a subclass of
`stylefuse.config.Train` with the model's own fields, and `TASK`, an instance of a `Task` subclass.
With an entry NAME under `models` in `params.yaml`, the pipeline trains, evaluates, registers and
serves the model. Importing the package must not import Keras, so that commands that only read
parameters stay fast.

By convention the package has the modules `networks` (`build_generator`, `build_discriminator`),
`batches` (`make_batches`, `sample_grid`), `losses` (`discriminator_loss`, `generator_loss`),
`graphs` (`graphs`, the ONNX graphs of a generator) and `export_check` (`largest_difference`, of
the graphs to the generator). A task calls these functions unless it overrides the method of the
same name. `stylefuse.inference.NAME` has the predictor, see `stylefuse.inference.predictor`.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Protocol

import numpy as np

from stylefuse.config import Split
from stylefuse.inference.model_folder import ModelFolder

Loss = Callable[..., tuple]  # (*batch, augmentation probability) → (loss, metrics)


class Batches(Protocol):
    """Training batches as a pure function of the step, so that a resumed run sees the same ones."""

    def at(self, step: int) -> tuple:
        """The batch of one step, for `stylefuse.data.batches.arrays`."""
        ...


class Task:
    """How one model is built, trained, sampled and exported.

    Attributes:
        name: of the package, of the entry in `params.yaml`, and `stylefuse-NAME` in the registry.
        description: Markdown for the registry.
        intended_use: Markdown for the model card: what the model is for, and what it is not for.
        architecture: names of the settings that determine the generator's layers; they are saved
            with its weights.
        metric_names: names of the metrics that the generator's loss returns. With "variety" among
            them (see `stylefuse.models.losses`), training detects mode collapse.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    intended_use: ClassVar[str] = ""
    architecture: ClassVar[tuple[str, ...]] = ("width",)
    metric_names: ClassVar[tuple[str, ...]] = ("adversarial",)

    def architecture_of(self, settings: Any) -> dict[str, Any]:
        """The settings that determine the generator's layers, by name."""
        return {name: getattr(settings, name) for name in self.architecture}

    def build_generator(self, **architecture: Any) -> Any:
        """A Keras model with initial weights.

        Args:
            architecture: the settings named in `architecture`.
        """
        return self._module("networks").build_generator(**architecture)

    def build_discriminator(self, settings: Any) -> Any:
        """A Keras model with initial weights."""
        return self._module("networks").build_discriminator(settings)

    def make_batches(self, folder: Path, split: Split, settings: Any, seed: int) -> Batches:
        """The batches of a split of the prepared arrays.

        Args:
            folder: what `stylefuse.data.prepare` wrote.
            split: "train" or "validation".
            settings: the model's.
            seed: of the random numbers.

        Raises:
            UserError: the arrays are missing, or their tiles are smaller than a crop.
        """
        return self._module("batches").make_batches(folder, split, settings, seed)

    def discriminator_loss(
        self, generator: Any, discriminator: Any, settings: Any, penalise: bool, phase: int
    ) -> Loss:
        """The discriminator's loss; its metrics are the loss without gradient penalty, and the
        accuracies on real and on fake pictures.

        Args:
            generator: with the weights that are being trained.
            discriminator: the same.
            settings: the model's.
            penalise: whether the loss includes the gradient penalty.
            phase: see `phase`.
        """
        losses = self._module("losses")
        return losses.discriminator_loss(generator, discriminator, settings, penalise, phase)

    def generator_loss(self, generator: Any, discriminator: Any, settings: Any, phase: int) -> Loss:
        """The generator's loss; its metrics are those in `metric_names`."""
        return self._module("losses").generator_loss(generator, discriminator, settings, phase)

    def phase(self, step: int, settings: Any) -> int:
        """The phase of a step. Losses are compiled once per phase; most models have one."""
        return 0

    def calibrate_batch_norm(self, generator: Any) -> None:
        """Calibrate the batch normalisation of a generator after its weights were averaged."""

    def sample_grid(self, generator: Any, held_out: Any) -> np.ndarray:
        """One picture with samples for held-out batches, uint8 `[height, width, 3]`."""
        return self._module("batches").sample_grid(generator, held_out)

    def degrade_for_monitoring(self, picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A training picture as a user would send it, for the reference statistics of monitoring.

        Args:
            picture: uint8 `[height, width, 3]`.
            rng: source of random degradations.

        Returns:
            uint8 `[height, width, 3]`, by default the picture itself.
        """
        return picture

    def graphs(self, generator: Any) -> dict[str, bytes]:
        """The ONNX graphs that the predictor runs: the content of each file, by graph name."""
        contents: dict[str, bytes] = self._module("graphs").graphs(generator)
        return contents

    def largest_difference(self, generator: Any, model: ModelFolder) -> int:
        """The largest difference between exported graphs and their generator, in levels of 255.

        Args:
            generator: with trained weights.
            model: the folder that it was exported to.
        """
        difference: int = self._module("export_check").largest_difference(generator, model)
        return difference

    def _module(self, name: str) -> ModuleType:
        return import_module(f"{type(self).__module__}.{name}")


def find_task(name: str) -> Task:
    """The task of the model with a name.

    Raises:
        ModuleNotFoundError: there is no such model.
    """
    return import_module(f"stylefuse.models.{name}").TASK
