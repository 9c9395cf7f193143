"""The one place that knows which backend Keras runs on: gradients and compilation."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

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
    """Split batches among the devices where JAX sees several.

    Raises:
        UserError: the batch cannot be split evenly.
    """
    if keras.backend.backend() != "jax":
        return
    devices = keras.distribution.list_devices()
    if len(devices) < 2 or keras.distribution.distribution():
        return
    if batch % len(devices):
        raise UserError(f"a batch of {batch} cannot be split among {len(devices)} devices")
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))


def gradient_step(loss_function: Loss, variables: Sequence, optimizer, fixed: Sequence) -> Callable:
    """Compile one step of gradient descent.

    Args:
        objective: calls Keras models; returns a scalar loss and a tuple of scalars to report.
        variables: what the step changes.
        optimizer: a Keras optimizer, built on `variables`.
        fixed: every other variable that the objective reads.

    Returns:
        A function of the objective's arguments that changes `variables` in place and returns the
        reported scalars as backend tensors.

    Raises:
        UserError: the running backend is neither TensorFlow nor JAX.
    """
    make = {"tensorflow": _tensorflow_step, "jax": _jax_step}.get(keras.backend.backend())
    if make is None:
        raise UserError(
            f"Keras backend {keras.backend.backend()!r} cannot train here; set KERAS_BACKEND to "
            "tensorflow or jax"
        )
    return make(loss_function, list(variables), optimizer, list(fixed))


def compile_loss(loss_function: Loss, variables: Sequence) -> Callable:
    """Compile what an objective reports, without a step.

    Args:
        objective: see `gradient_step`.
        variables: every variable that it reads.

    Returns:
        A function of the objective's arguments that returns the reported scalars.
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


def compile_update(targets: Sequence, sources: Sequence, rule: Callable) -> Callable:
    """Compile `target = rule(target, source, *numbers)` for many pairs of variables at once.

    Returns:
        A function of the numbers.
    """
    pairs = list(zip(targets, sources, strict=True))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        @tf.function
        def update(*numbers):
            for target, source in pairs:
                target.assign(rule(target.value, source.value, *numbers))

        return update
    import jax

    compiled = jax.jit(lambda a, b, *n: [rule(x, y, *n) for x, y in zip(a, b, strict=True)])

    def apply(*numbers):
        values = compiled([t.value for t in targets], [s.value for s in sources], *numbers)
        for target, value in zip(targets, values, strict=True):
            target.assign(value)

    return apply


def _tensorflow_step(loss_function, variables, optimizer, fixed):
    import tensorflow as tf

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


def _jax_step(loss_function, variables, optimizer, fixed):
    import jax

    def pure(values, state, constants, batch):
        def loss_of(values):
            mapping = [*zip(variables, values, strict=True), *zip(fixed, constants, strict=True)]
            with keras.StatelessScope(state_mapping=mapping):
                return loss_function(*batch)

        gradients, report = jax.grad(loss_of, has_aux=True)(values)
        return *optimizer.stateless_apply(state, gradients, values), report

    compiled = jax.jit(pure, donate_argnums=(0, 1))

    def step(*batch):
        values, state, report = compiled(
            [v.value for v in variables],
            [v.value for v in optimizer.variables],
            [v.value for v in fixed],
            batch,
        )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        for variable, value in zip(optimizer.variables, state, strict=True):
            variable.assign(value)
        return report

    return step
