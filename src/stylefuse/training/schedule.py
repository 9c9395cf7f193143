"""The schedule of a training: what each step does, and after which steps it reports."""

import math
from typing import Any, NamedTuple

import keras

from stylefuse.config import Train
from stylefuse.models.augmentation import adapt
from stylefuse.models.task import Task
from stylefuse.training.ema import ema_decay

AUGMENTATION_SPAN = 0.25  # share of a run in which augmentation can go from never to always


class StepPlan(NamedTuple):
    """What one step does. A tuple of numbers, so that JAX can scan over the plans of many steps."""

    phase: Any  # which of the task's separately compiled losses are used, see `Task.phase`
    train_discriminator: Any  # whether the discriminator learns before the generator does
    penalise: Any  # whether the discriminator's loss contains the gradient penalty
    generator_rate: Any  # learning rates
    discriminator_rate: Any
    ema_decay: Any  # of the averaged weights, see `ema_decay`


class Schedule:
    """Plans the steps of a run.

    Args:
        task: the model's.
        settings: the model's.

    Attributes:
        steps: of the whole run.
        tick_steps: steps from one row of metrics to the next. Ticks have one length, so that the
            last row is not the mean of a few steps.
        sample_steps: steps from one sample grid and checkpoint to the next, in whole ticks, so that
            no row of metrics begins before a checkpoint and ends after it.
    """

    def __init__(self, task: Task, settings: Train):
        self.task, self.settings = task, settings
        self.steps = max(1, math.ceil(settings.kimg * 1000 / settings.batch))
        ticks = max(1, round(self.steps * settings.batch / (1000 * settings.tick_kimg)))
        self.tick_steps = math.ceil(self.steps / ticks)
        self.sample_steps = self.tick_steps * max(
            1, round(settings.sample_kimg / settings.tick_kimg)
        )
        rates = settings.learning_rate, settings.discriminator_learning_rate
        self._rate_curves = [keras.optimizers.schedules.CosineDecay(r, self.steps) for r in rates]

    def plan(self, step: int) -> StepPlan:
        """What a step does."""
        interval = self.settings.discriminator_interval
        generator_rate, discriminator_rate = self.learning_rates(step)
        return StepPlan(
            phase=self.task.phase(step, self.settings),
            train_discriminator=step % interval == 0,
            penalise=bool(self.settings.r1) and step // interval % self.settings.r1_interval == 0,
            generator_rate=generator_rate,
            discriminator_rate=discriminator_rate,
            ema_decay=ema_decay(self.settings, step),
        )

    def learning_rates(self, step: int) -> tuple[float, float]:
        """Learning rates of generator and discriminator in a step.

        Steps get them as inputs, so that what is compiled does not depend on the length of a run.
        """
        updates = step, step // self.settings.discriminator_interval
        generator, discriminator = (
            float(curve(n)) for curve, n in zip(self._rate_curves, updates, strict=True)
        )
        return generator, discriminator

    def adapt_augmentation(self, probability: Any, accuracy_real: Any) -> Any:
        """The augmentation probability after an update of the discriminator, see `adapt`."""
        pictures = self.settings.batch * self.settings.discriminator_interval
        span = 1000 * self.settings.kimg * AUGMENTATION_SPAN
        return adapt(probability, accuracy_real, self.settings.augment_target, pictures, span)
