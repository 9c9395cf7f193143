"""One run: networks, optimisers and data, and the phases that a step goes through in turn."""

import math
from pathlib import Path

import keras
import numpy as np

from stylefuse.config import Params
from stylefuse.data.batches import Prefetcher, arrays
from stylefuse.models.augmentation import adapt
from stylefuse.models.saving import load_initial_weights
from stylefuse.models.task import find_task
from stylefuse.training.backend import (
    compile_loss,
    dtype_policy,
    gradient_step,
    use_all_devices,
)
from stylefuse.training.ema import WeightAverage, ema_decay

PREPARED = Path("data/prepared")
AUGMENT_SPAN = 0.25  # share of a run that augmentation takes from never to always
JUDGED = ("discriminator_loss", "accuracy_real", "accuracy_fake")


class Run:
    """Networks, optimisers, data and clock of one training run."""

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
        self.augment = keras.Variable(0.0, trainable=False, name="augment")  # its probability
        self.judged = keras.Variable(np.zeros(len(JUDGED)), trainable=False, name="judged")
        self.steps = max(1, math.ceil(settings.kimg * 1000 / settings.batch))
        self.names = (*JUDGED, *task.metric_names)
        self.pictures_per_turn = settings.batch * settings.discriminator_interval
        self.span = 1000 * settings.kimg * AUGMENT_SPAN

        def adam(rate, network):
            optimizer = keras.optimizers.Adam(rate, settings.beta_1, settings.beta_2, 1e-8)
            optimizer.build(network.trainable_variables)
            return optimizer

        rates = settings.learning_rate, settings.discriminator_learning_rate
        self.generator_optimizer = adam(rates[0], self.generator)
        self.discriminator_optimizer = adam(rates[1], self.discriminator)
        self._falling = [keras.optimizers.schedules.CosineDecay(r, self.steps) for r in rates]
        self.variables = [
            *self.generator.variables, *self.discriminator.variables, *self.averaged.variables,
            *self.generator_optimizer.variables, *self.discriminator_optimizer.variables,
            self.augment, self.judged,
        ]  # fmt: skip
        self._phases: dict = {}
        self.advance = self._advance
        if settings.steps_per_call > 1 and keras.backend.backend() == "jax":
            from stylefuse.training.multi_step import MultiStep

            self.advance = MultiStep(self)

    def judges(self, index: int) -> bool:
        """Whether the discriminator is trained in a step."""
        return index % self.settings.discriminator_interval == 0

    def penalises(self, index: int) -> bool:
        """Whether its gradient is penalised in a step in which it is trained."""
        turn = index // self.settings.discriminator_interval
        return bool(self.settings.r1) and turn % self.settings.r1_interval == 0

    def rates(self, index: int) -> list[float]:
        """Learning rates of generator and discriminator in a step: given from outside, so that
        what is compiled does not depend on the length of a run."""
        turns = index, index // self.settings.discriminator_interval
        return [float(falling(turn)) for falling, turn in zip(self._falling, turns, strict=True)]

    def loss_function(self, name: str, stage: int):
        """The objective of a phase: "generator", "discriminator" or "penalised"."""
        networks = self.generator, self.discriminator
        if name == "generator":
            return self.task.generator_loss(*networks, self.settings, stage)
        penalise = name == "penalised"
        return self.task.discriminator_loss(*networks, self.settings, penalise, stage)

    def step(self, index: int) -> np.ndarray:
        """Train discriminator, then generator, on the batch of one step; returns `names`."""
        stage = self.task.phase(index, self.settings)
        batch = (*self.prefetcher.at(index), np.asarray(self.augment.value, np.float32))
        self.generator_optimizer.learning_rate, self.discriminator_optimizer.learning_rate = (
            self.rates(index)
        )
        if self.judges(index):
            phase = self._phase("penalised" if self.penalises(index) else "discriminator", stage)
            self.judged.assign(np.array([float(value) for value in phase(*batch)]))
            if target := self.settings.augment_target:
                accuracy = self.judged.value[1]
                self.augment.assign(
                    adapt(self.augment.value, accuracy, target, self.pictures_per_turn, self.span)
                )
        made = self._phase("generator", stage)(*batch)
        self.average.update(ema_decay(self.settings, index))
        return np.array([*np.asarray(self.judged.value), *(float(value) for value in made)])

    def held_out_accuracy(self, index: int) -> float:
        """Share of held-out pictures that the discriminator takes for real."""
        stage = self.task.phase(index, self.settings)
        batch = (*arrays(self.held_out.at(index)), np.float32(0))
        return float(self._phase("judge", stage)(*batch)[1])

    def _advance(self, first: int, count: int) -> np.ndarray:
        """Train steps `first` to `first + count`; returns their reports, `[count, names]`."""
        return np.stack([self.step(index) for index in range(first, first + count)])

    def _phase(self, name: str, stage: int):
        """A compiled phase, made when it is first needed."""
        if (name, stage) not in self._phases:
            self._phases[name, stage] = self._compiled(name, stage)
        return self._phases[name, stage]

    def _compiled(self, name: str, stage: int):
        g, d = self.generator, self.discriminator
        if name == "judge":
            both = [*g.variables, *d.variables]
            return compile_loss(self.loss_function("discriminator", stage), both)
        moving, optimizer, fixed = (
            (g, self.generator_optimizer, d)
            if name == "generator"
            else (d, self.discriminator_optimizer, g)
        )
        return gradient_step(
            self.loss_function(name, stage), moving.trainable_variables, optimizer,
            [*moving.non_trainable_variables, *fixed.variables],
        )  # fmt: skip
