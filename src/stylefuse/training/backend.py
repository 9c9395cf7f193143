"""Gradients and compilation on TensorFlow and JAX; `stylefuse.inference` has its own for pictures.

TensorFlow changes Keras variables in place. JAX compiles pure functions of their values.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from stylefuse.errors import UserError
from stylefuse.models.task import Loss


@contextmanager
def dtype_policy(precision: str) -> Iterator[None]:
    """Layers made inside compute in this precision; their weights are kept in float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def use_all_devices(batch: int) -> None:
    """Split batches among the devices where JAX has several.

    Raises:
        UserError: the batch cannot be split evenly.
    """
    if keras.backend.backend() != "jax":
        return
    devices = keras.distribution.list_devices()
    if len(devices) < 2 or keras.distribution.distribution():
        return
    if batch % len(devices):
        raise UserError(
            f"a batch of {batch} cannot be split among {len(devices)} devices; set batch in "
            f"params.yaml to a multiple of {len(devices)}",
            code="batch-not-divisible",
        )
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))


def gradient_step(loss_function: Loss, variables: Sequence, optimizer: Any) -> Callable:
    """Compile one step of gradient descent with TensorFlow.

    Args:
        loss_function: calls Keras models; returns a scalar loss and a tuple of scalars to report.
        variables: what the step changes.
        optimizer: a Keras optimizer, built on `variables`.

    Returns:
        A function of the loss function's arguments that changes `variables` in place and returns
        the reported scalars as tensors.
    """
    import tensorflow as tf

    variables = list(variables)
    tf.get_logger().setLevel("ERROR")  # it takes several phases for one that is traced again

    @tf.function
    def step(*batch):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for variable in variables:
                tape.watch(variable.value)
            loss, report = loss_function(*batch)
        gradients = tape.gradient(loss, [v.value for v in variables], unconnected_gradients="zero")
        # Without this, some weights may change while the pass forward still reads them: the order
        # that the graph keeps by itself is lost when TensorFlow fuses its operations.
        with tf.control_dependencies([loss, *report, *gradients]):
            optimizer.apply(gradients, variables)
        return report

    return step


def pure_gradient_step(
    loss_function: Loss, batch: Sequence, values: dict[int, Any], variables: Sequence,
    all_variables: Sequence, optimizer: Any,
) -> tuple[dict[int, Any], Any]:  # fmt: skip
    """One step of gradient descent in JAX, as a pure function of all variables' values.

    Args:
        loss_function: calls Keras models; returns a scalar loss and a tuple of scalars to report.
        batch: the loss function's arguments.
        values: of every variable, by its `id`.
        variables: what the step changes.
        all_variables: every variable that the loss function reads.
        optimizer: a Keras optimizer, built on `variables`.

    Returns:
        The new values of `variables` and of the optimizer's variables, by `id`, and the reported
        scalars, float32 `[scalars]`.
    """
    import jax
    from jax import numpy as jnp

    changed_ids = set(map(id, variables))
    fixed = [(v, values[id(v)]) for v in all_variables if id(v) not in changed_ids]

    def loss_of(weights):
        with keras.StatelessScope([*zip(variables, weights, strict=True), *fixed]):
            return loss_function(*batch)

    weights = [values[id(v)] for v in variables]
    gradients, report = jax.grad(loss_of, has_aux=True)(weights)
    optimizer_values = [values[id(v)] for v in optimizer.variables]
    weights, optimizer_values = optimizer.stateless_apply(optimizer_values, gradients, weights)
    changed = dict(zip(map(id, variables), weights, strict=True))
    changed |= zip(map(id, optimizer.variables), optimizer_values, strict=True)
    return changed, jnp.stack([jnp.asarray(scalar, jnp.float32) for scalar in report])


def compile_loss(loss_function: Loss, variables: Sequence) -> Callable:
    """Compile what a loss function reports, without a gradient.

    Args:
        loss_function: see `gradient_step`.
        variables: every variable that it reads.

    Returns:
        A function of the loss function's arguments that returns the reported scalars.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(lambda *batch: loss_function(*batch)[1])
    import jax

    def pure(values, batch):
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return loss_function(*batch)[1]

    compiled = jax.jit(pure)
    return lambda *batch: compiled([v.value for v in variables], batch)
