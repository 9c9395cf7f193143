"""Several steps in one call, for an accelerator: tiles lie on the device, crops are cut and noise
is drawn there, and nothing waits for the host in between. JAX only."""

import sys
from collections.abc import Sequence
from typing import Any

import jax
import keras
import numpy as np
from jax import lax
from jax import numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec

from stylefuse.data.batches import Crops, Normal
from stylefuse.models.augmentation import adapt
from stylefuse.training.ema import ema_decay, mixed

FITS = 0.25  # share of a device's memory that tiles may take


class MultiStep:
    """Runs steps of a `stylefuse.training.run.Run`, many in one compiled call.

    Which phase a step needs (with a penalty or without, fused or not) is chosen on the device. With
    more than one device, batches are split among them and weights are kept on each
    (`keras.distribution.DataParallel`).
    """

    def __init__(self, run: Any):
        self.run = run
        self._tiles: dict[int, Any] = {}
        self._calls: dict[tuple, Any] = {}
        self._last: tuple = ()  # what `flops` counts

    def __call__(self, first: int, count: int) -> np.ndarray:
        """Train steps `first` to `first + count`; returns their reports, `[count, names]`."""
        run, settings = self.run, self.run.settings
        indices = range(first, first + count)
        stages = sorted({run.task.phase(i, settings) for i in indices})
        plan = {
            "stage": np.array([stages.index(run.task.phase(i, settings)) for i in indices]),
            "judge": np.array([run.judges(i) for i in indices]),
            "penalise": np.array([run.penalises(i) for i in indices]),
            "keep": np.array([ema_decay(settings, i) for i in indices], np.float32),
            "rates": np.array([run.rates(i) for i in indices], np.float32),
        }
        forms, parts = self._stacked([run.data.at(i) for i in indices])
        values = [v.value for v in run.variables]
        inputs = (values, plan, parts, list(self._tiles.values()))
        key = (tuple(stages), count)
        if key not in self._calls:
            step = jax.jit(self._block(stages, forms), donate_argnums=0)
            self._calls[key] = step.lower(*inputs).compile()
            shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), inputs)
            self._last = stages, forms, count, shapes
        values, reports = self._calls[key](*inputs)
        for variable, value in zip(run.variables, values, strict=True):
            variable.assign(value)
        return np.asarray(reports)

    def flops(self) -> float:
        """Floating-point operations of a call, with every step taken for the costliest. They are
        counted as for the host: an accelerator's own count leaves its library's calls out."""
        stages, forms, count, shapes = self._last
        with jax.default_device(jax.devices("cpu")[0]):
            lowered = jax.jit(self._block(stages, forms)).lower(*shapes)
        return count * float((lowered.cost_analysis() or {}).get("flops", 0.0))

    def _stacked(self, batches: Sequence[tuple]) -> tuple[list, list]:
        """The batches of several steps as arrays `[steps, …]`, and how each part is made of one."""
        forms: list[tuple] = []
        parts: list[Any] = []
        for column in zip(*batches, strict=True):
            head = column[0]
            if isinstance(head, Crops) and self._on_device(head.tiles):
                forms.append(("crops", list(self._tiles).index(id(head.tiles)), head.side))
                fields = [np.stack([getattr(c, f) for c in column]) for f in
                          ("rows", "tops", "lefts", "lays")]  # fmt: skip
                parts.append(self._placed(np.stack(fields, 1).astype(np.int32), batch_axis=2))
            elif isinstance(head, Normal):
                forms.append(("normal", head.shape))
                parts.append(np.array([c.key for c in column], np.int32))
            else:
                arrays = [c.array() if isinstance(c, Crops) else c for c in column]
                forms.append(("array",))
                parts.append(self._placed(np.stack(arrays), batch_axis=1))
        return forms, parts

    def _on_device(self, tiles: np.ndarray) -> bool:
        """Whether tiles lie on the device; they are put there when first seen, where they fit."""
        if id(tiles) in self._tiles:
            return True
        memory = (jax.devices()[0].memory_stats() or {}).get("bytes_limit", sys.maxsize)
        taken = sum(t.nbytes for t in self._tiles.values())
        if taken + tiles.nbytes > FITS * memory:
            return False
        self._tiles[id(tiles)] = self._placed(np.asarray(tiles), batch_axis=None)
        return True

    def _placed(self, array: np.ndarray, batch_axis: int | None) -> Any:
        """An array on the device; where there are several, split along its batches, or copied."""
        distribution = keras.distribution.distribution()
        if distribution is None:
            return jnp.asarray(array)
        names: list[str | None] = []
        if batch_axis is not None and batch_axis < array.ndim:
            names = [None] * batch_axis + [distribution.batch_dim_name]
        mesh = distribution.device_mesh.backend_mesh
        return jax.device_put(array, NamedSharding(mesh, PartitionSpec(*names)))

    def _block(self, stages: list[int], forms: list):
        """A pure function of state and inputs that makes the steps one after another."""
        run = self.run
        judges = [
            (run.loss_function("discriminator", stage), run.loss_function("penalised", stage))
            for stage in stages
        ]
        makes = [run.loss_function("generator", stage) for stage in stages]

        def body(values, step):
            plan, parts, tiles = step
            batch = [_made(form, part, tiles) for form, part in zip(forms, parts, strict=True)]
            state = dict(zip(map(id, run.variables), values, strict=True))
            batch.append(state[id(run.augment)])
            optimizers = run.generator_optimizer, run.discriminator_optimizer
            for optimizer, rate in zip(optimizers, plan["rates"], strict=True):
                state[id(optimizer.learning_rate)] = rate

            def judged(loss_function):
                return lambda: self._descend(
                    loss_function, batch, state, run.discriminator, run.discriminator_optimizer
                )

            branches = [judged(o) for pair in judges for o in pair]
            branches.append(lambda: self._unjudged(state))
            which = jnp.where(
                plan["judge"], 2 * plan["stage"] + plan["penalise"], len(branches) - 1
            )
            changed, report = lax.switch(which, branches)
            changed |= {id(run.judged): report}
            if target := run.settings.augment_target:
                moved = adapt(
                    state[id(run.augment)], report[1], target, run.pictures_per_turn, run.span
                )
                changed |= {id(run.augment): jnp.where(plan["judge"], moved, batch[-1])}
            state |= changed

            made = [
                lambda o=o: self._descend(o, batch, state, run.generator, run.generator_optimizer)
                for o in makes
            ]
            changed, scalars = lax.switch(plan["stage"], made)
            state |= changed
            keep = plan["keep"]
            for weight, mean in run.average.pairs:
                state[id(mean)] = mixed(state[id(mean)], state[id(weight)], keep)
            return [state[id(v)] for v in run.variables], jnp.concatenate([report, scalars])

        def block(values, plan, parts, tiles):
            return lax.scan(lambda v, s: body(v, (*s, tiles)), values, (plan, parts))

        return block

    def _descend(self, loss_function, batch, state, network, optimizer):
        """One step of gradient descent: what it changes by variable, and what it reports."""
        moving = network.trainable_variables
        fixed = [v for v in self.run.variables if id(v) not in set(map(id, moving))]

        def loss_of(values):
            mapping = [*zip(moving, values, strict=True), *((v, state[id(v)]) for v in fixed)]
            with keras.StatelessScope(state_mapping=mapping):
                return loss_function(*batch)

        gradients, report = jax.grad(loss_of, has_aux=True)([state[id(v)] for v in moving])
        values, kept = optimizer.stateless_apply(
            [state[id(v)] for v in optimizer.variables], gradients, [state[id(v)] for v in moving]
        )
        changed = dict(zip(map(id, moving), values, strict=True))
        changed |= dict(zip(map(id, optimizer.variables), kept, strict=True))
        return changed, jnp.stack([jnp.asarray(r, jnp.float32) for r in report])

    def _unjudged(self, state):
        """A step in which the discriminator rests."""
        run = self.run
        rests = [*run.discriminator.trainable_variables, *run.discriminator_optimizer.variables]
        return {id(v): state[id(v)] for v in rests}, state[id(run.judged)]


def _made(form: tuple, part: Any, tiles: list) -> Any:
    """One part of a batch, on the device."""
    kind, *details = form
    if kind == "normal":
        return jax.random.normal(jax.random.key(part), details[0])
    if kind == "array":
        return part
    index, side = details

    def cut(row, top, left, orientation):
        square = lax.dynamic_slice(tiles[index], (row, top, left, 0), (1, side, side, 3))[0]
        ways = [w for k in range(4) for w in (jnp.rot90(square, k), jnp.rot90(square, k)[:, ::-1])]
        return jnp.stack(ways)[orientation]

    return jax.vmap(cut)(*part).astype(jnp.float32) / 127.5 - 1
