"""One run: networks, optimisers and data, and the phases that a step goes through in turn."""

import math
from pathlib import Path

import keras
import numpy as np

from stylefuse.config import Params
from stylefuse.data.batches import Ahead, arrays
from stylefuse.models.blocks.augment import adapt
from stylefuse.models.files import begin_with
from stylefuse.models.recipe import find_recipe
from stylefuse.training.average import WeightAverage, keep_share
from stylefuse.training.backend import (
    compile_objective,
    computing_in,
    gradient_step,
    use_all_devices,
)

PREPARED = Path("data/prepared")
AUGMENT_SPAN = 0.25  # share of a run that augmentation takes from never to always
JUDGED = ("discriminator_loss", "accuracy_real", "accuracy_fake")


class Run:
    """Networks, optimisers, data and clock of one training run."""

    def __init__(self, model: str, params: Params, prepared: Path = PREPARED):
        self.settings = settings = params.train(model)
        self.recipe = recipe = find_recipe(model)
        use_all_devices(settings.batch)
        keras.utils.set_random_seed(params.seed)
        self.data = recipe.batches(prepared, "train", settings, params.seed)
        self.ahead = Ahead(self.data.at)
        self.held_out = recipe.batches(prepared, "validation", settings, params.seed)
        shape = {key: getattr(settings, key) for key in recipe.shape}
        with computing_in(settings.precision):
            self.generator = recipe.build_generator(**shape)
        if settings.start:
            begin_with(self.generator, settings.start, recipe)
        self.discriminator = recipe.build_discriminator(settings)
        self.averaged = recipe.build_generator(**shape)
        self.average = WeightAverage(self.generator, self.averaged)
        self.augment = keras.Variable(0.0, trainable=False, name="augment")  # its probability
        self.judged = keras.Variable(np.zeros(len(JUDGED)), trainable=False, name="judged")
        self.steps = max(1, math.ceil(settings.kimg * 1000 / settings.batch))
        self.names = (*JUDGED, *recipe.reports)
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
            from stylefuse.training.fused import FusedSteps

            self.advance = FusedSteps(self)

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

    def objective(self, name: str, stage: int):
        """The objective of a phase: "generator", "discriminator" or "penalised"."""
        networks = self.generator, self.discriminator
        if name == "generator":
            return self.recipe.generator_objective(*networks, self.settings, stage)
        penalise = name == "penalised"
        return self.recipe.discriminator_objective(*networks, self.settings, penalise, stage)

    def step(self, index: int) -> np.ndarray:
        """Train discriminator, then generator, on the batch of one step; returns `names`."""
        stage = self.recipe.stage(index, self.settings)
        batch = (*self.ahead.at(index), np.asarray(self.augment.value, np.float32))
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
        self.average.update(keep_share(self.settings, index))
        return np.array([*np.asarray(self.judged.value), *(float(value) for value in made)])

    def held_out_accuracy(self, index: int) -> float:
        """Share of held-out pictures that the discriminator takes for real."""
        stage = self.recipe.stage(index, self.settings)
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
            return compile_objective(self.objective("discriminator", stage), both)
        moving, optimizer, fixed = (
            (g, self.generator_optimizer, d)
            if name == "generator"
            else (d, self.discriminator_optimizer, g)
        )
        return gradient_step(
            self.objective(name, stage), moving.trainable_variables, optimizer,
            [*moving.non_trainable_variables, *fixed.variables],
        )  # fmt: skip
