"""One training step: the discriminator learns, then the generator, then the average follows.

On TensorFlow a step calls compiled functions that change variables in place. On JAX it is a pure
function of the variables' values, which `stylefuse.training.multi_step` also scans.
"""

from collections.abc import Callable, Sequence

import numpy as np

from stylefuse.training.backend import gradient_step, pure_gradient_step
from stylefuse.training.ema import interpolate
from stylefuse.training.schedule import StepPlan
from stylefuse.training.state import TrainingState


class InPlaceSteps:
    """Makes one step after another with TensorFlow."""

    def __init__(self, state: TrainingState):
        import tensorflow as tf

        self.state = state
        self._update_average = tf.function(state.average.update)
        self._compiled: dict[tuple, Callable] = {}

    def __call__(self, first: int, count: int) -> np.ndarray:
        """See `stylefuse.training.compile_steps.Advance`."""
        return np.stack([self.step(index) for index in range(first, first + count)])

    def step(self, index: int) -> np.ndarray:
        """Train on the batch of one step; returns the state's `metric_names`."""
        state, plan = self.state, self.state.schedule.plan(index)
        batch = (*state.prefetcher.at(index), np.asarray(state.augment.value, np.float32))
        state.generator_optimizer.learning_rate = plan.generator_rate
        state.discriminator_optimizer.learning_rate = plan.discriminator_rate
        if plan.train_discriminator:
            report = self._discriminator_step(plan.phase, plan.penalise)(*batch)
            state.discriminator_metrics.assign(np.array([float(value) for value in report]))
            if state.settings.augment_target:
                accuracy_real = state.discriminator_metrics.value[1]
                state.augment.assign(
                    state.schedule.adapt_augmentation(state.augment.value, accuracy_real)
                )
        report = self._generator_step(plan.phase)(*batch)
        self._update_average(np.float32(plan.ema_decay))
        return np.array(
            [*np.asarray(state.discriminator_metrics.value), *(float(value) for value in report)]
        )

    def _discriminator_step(self, phase: int, penalise: bool) -> Callable:
        state, key = self.state, ("discriminator", phase, penalise)
        if key not in self._compiled:
            self._compiled[key] = gradient_step(
                state.discriminator_loss(phase, penalise),
                state.discriminator.trainable_variables,
                state.discriminator_optimizer,
            )
        return self._compiled[key]

    def _generator_step(self, phase: int) -> Callable:
        state, key = self.state, ("generator", phase)
        if key not in self._compiled:
            self._compiled[key] = gradient_step(
                state.generator_loss(phase),
                state.generator.trainable_variables,
                state.generator_optimizer,
            )
        return self._compiled[key]


class PureSteps:
    """Makes one step after another with JAX, on batches from the host."""

    def __init__(self, state: TrainingState):
        self.state = state
        self._compiled: dict[int, Callable] = {}

    def __call__(self, first: int, count: int) -> np.ndarray:
        """See `stylefuse.training.compile_steps.Advance`."""
        return np.stack([self._step(index) for index in range(first, first + count)])

    def _step(self, index: int) -> np.ndarray:
        import jax

        state, plan = self.state, self.state.schedule.plan(index)
        if plan.phase not in self._compiled:
            step = pure_step(state, [plan.phase])
            self._compiled[plan.phase] = jax.jit(step, donate_argnums=0)
        values, metrics = self._compiled[plan.phase](
            [v.value for v in state.variables],
            plan_arrays(plan, [plan.phase]),
            state.prefetcher.at(index),
        )
        for variable, value in zip(state.variables, values, strict=True):
            variable.assign(value)
        return np.asarray(metrics)


def plan_arrays(plan: StepPlan, phases: Sequence[int]) -> StepPlan:
    """A plan as NumPy scalars for `pure_step`, its phase as an index into `phases`."""
    return StepPlan(
        np.int32(phases.index(plan.phase)),
        np.bool_(plan.train_discriminator),
        np.bool_(plan.penalise),
        *np.array(plan[3:], np.float32),
    )


def pure_step(state: TrainingState, phases: Sequence[int]) -> Callable:
    """A training step as a pure JAX function.

    Args:
        state: whose variables, losses and settings are used; its values are not.
        phases: that plans may refer to, see `plan_arrays`.

    Returns:
        A function of the values of `state.variables`, a plan and a batch. It returns the new values
        and the metrics, `[names]`. Which loss a step needs is chosen on the device.
    """
    from jax import lax
    from jax import numpy as jnp

    settings, schedule = state.settings, state.schedule
    penalties = (False, True) if settings.r1 else (False,)
    discriminator_losses = [
        state.discriminator_loss(phase, penalise) for phase in phases for penalise in penalties
    ]
    generator_losses = [state.generator_loss(phase) for phase in phases]

    def step(values, plan: StepPlan, batch):
        values = dict(zip(map(id, state.variables), values, strict=True))
        values[id(state.generator_optimizer.learning_rate)] = plan.generator_rate
        values[id(state.discriminator_optimizer.learning_rate)] = plan.discriminator_rate
        batch = [*batch, values[id(state.augment)]]

        def learn(loss, network, optimizer):
            return lambda: pure_gradient_step(
                loss, batch, values, network.trainable_variables, state.variables, optimizer
            )

        def rest():
            network, optimizer = state.discriminator, state.discriminator_optimizer
            variables = [*network.trainable_variables, *optimizer.variables]
            unchanged = {id(v): values[id(v)] for v in variables}
            return unchanged, values[id(state.discriminator_metrics)]

        branches = [
            learn(loss, state.discriminator, state.discriminator_optimizer)
            for loss in discriminator_losses
        ]
        loss_index = len(penalties) * plan.phase + plan.penalise
        branch = jnp.where(plan.train_discriminator, loss_index, len(branches))
        changed, discriminator_metrics = lax.switch(branch, [*branches, rest])
        changed[id(state.discriminator_metrics)] = discriminator_metrics
        if settings.augment_target:
            before = values[id(state.augment)]
            adapted = schedule.adapt_augmentation(before, discriminator_metrics[1])
            changed[id(state.augment)] = jnp.where(plan.train_discriminator, adapted, before)
        values |= changed

        branches = [
            learn(loss, state.generator, state.generator_optimizer) for loss in generator_losses
        ]
        changed, generator_metrics = lax.switch(plan.phase, branches)
        values |= changed
        for weight, mean in state.average.pairs:
            values[id(mean)] = interpolate(values[id(mean)], values[id(weight)], plan.ema_decay)
        metrics = jnp.concatenate([discriminator_metrics, generator_metrics])
        return [values[id(v)] for v in state.variables], metrics

    return step
