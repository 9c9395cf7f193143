"""The state of a training: networks, optimisers, data and schedule."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from stylefuse.config import Params
from stylefuse.data.batches import Prefetcher, arrays
from stylefuse.models.saving import load_initial_weights
from stylefuse.models.task import Loss, find_task
from stylefuse.paths import PREPARED
from stylefuse.training.backend import compile_loss, dtype_policy, use_all_devices
from stylefuse.training.ema import WeightAverage
from stylefuse.training.schedule import Schedule

DISCRIMINATOR_METRICS = ("discriminator_loss", "accuracy_real", "accuracy_fake")


class TrainingState:
    """Everything that the steps of a training read and change.

    Args:
        model: its name in `params.yaml`.
        params: all parameters.
        prepared: folder that `stylefuse.data.prepare` wrote.

    Attributes:
        generator: learns, in the precision of the settings.
        averaged: the moving average of its weights, see `WeightAverage`.
        augment: probability of each single augmentation.
        discriminator_metrics: what the discriminator's last update reported.
        variables: everything that a checkpoint holds.
        metric_names: names of the numbers that a step reports.

    Raises:
        UserError: tiles or initial weights are missing or do not fit the settings.
    """

    def __init__(self, model: str, params: Params, prepared: Path = PREPARED):
        self.settings = settings = params.model_settings(model)
        self.task = task = find_task(model)
        use_all_devices(settings.batch)
        keras.utils.set_random_seed(params.seed)
        self.data = task.make_batches(prepared, "train", settings, params.seed)
        self.prefetcher = Prefetcher(self.data.at)
        self.held_out = task.make_batches(prepared, "validation", settings, params.seed)
        architecture = task.architecture_of(settings)
        with dtype_policy(settings.precision):
            self.generator = task.build_generator(**architecture)
        if settings.init_from:
            load_initial_weights(self.generator, settings.init_from, task)
        self.discriminator = task.build_discriminator(settings)
        self.averaged = task.build_generator(**architecture)
        self.average = WeightAverage(self.generator, self.averaged)
        self.augment = keras.Variable(0.0, trainable=False, name="augment")
        self.discriminator_metrics = keras.Variable(
            np.zeros(len(DISCRIMINATOR_METRICS)), trainable=False, name="discriminator_metrics"
        )
        self.schedule = Schedule(task, settings)
        self.metric_names = (*DISCRIMINATOR_METRICS, *task.metric_names)
        self.generator_optimizer = self._adam(settings.learning_rate, self.generator)
        self.discriminator_optimizer = self._adam(
            settings.discriminator_learning_rate, self.discriminator
        )
        self.variables = [
            *self.generator.variables, *self.discriminator.variables, *self.averaged.variables,
            *self.generator_optimizer.variables, *self.discriminator_optimizer.variables,
            self.augment, self.discriminator_metrics,
        ]  # fmt: skip
        self._held_out_losses: dict[int, Any] = {}

    def generator_loss(self, phase: int) -> Loss:
        """The generator's loss in a phase."""
        return self.task.generator_loss(self.generator, self.discriminator, self.settings, phase)

    def discriminator_loss(self, phase: int, penalise: bool) -> Loss:
        """The discriminator's loss in a phase, with or without gradient penalty."""
        return self.task.discriminator_loss(
            self.generator, self.discriminator, self.settings, penalise, phase
        )

    def held_out_accuracy(self, step: int) -> float:
        """Share of held-out real pictures that the discriminator takes for real."""
        phase = self.task.phase(step, self.settings)
        if phase not in self._held_out_losses:
            variables = [*self.generator.variables, *self.discriminator.variables]
            loss = self.discriminator_loss(phase, penalise=False)
            self._held_out_losses[phase] = compile_loss(loss, variables)
        batch = (*arrays(self.held_out.at(step)), np.float32(0))  # without augmentation
        return float(self._held_out_losses[phase](*batch)[1])

    def _adam(self, learning_rate: float, network: Any) -> Any:
        optimizer = keras.optimizers.Adam(
            learning_rate, self.settings.beta_1, self.settings.beta_2, 1e-8
        )
        optimizer.build(network.trainable_variables)
        return optimizer
