"""Several training steps in one call, for an accelerator (JAX only).

Tiles lie on the device, where crops are cut and noise is drawn, so that steps need not wait for the
host.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import jax
import keras
import numpy as np
from jax import lax
from jax import numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec

from stylefuse.data.batches import Crops, Normal
from stylefuse.training.schedule import StepPlan
from stylefuse.training.state import TrainingState
from stylefuse.training.step import plan_arrays, pure_step

MAX_TILES_SHARE = 0.25  # of a device's memory


class MultiStep:
    """Scans `stylefuse.training.step.pure_step` over several steps in one compiled call.

    With more than one device, batches are split among them and weights are kept on each
    (`keras.distribution.DataParallel`).
    """

    def __init__(self, state: TrainingState):
        self.state = state
        self.tiles: dict[int, Any] = {}  # on the device, by the id of the array on the host
        self._calls: dict[tuple, Any] = {}
        self._last_call: tuple = ()  # what `flops` counts

    def __call__(self, first: int, count: int) -> np.ndarray:
        """See `stylefuse.training.compile_steps.Advance`."""
        state = self.state
        plans = [state.schedule.plan(index) for index in range(first, first + count)]
        phases = sorted({plan.phase for plan in plans})
        arrays = [plan_arrays(plan, phases) for plan in plans]
        plan = StepPlan(*map(np.stack, zip(*arrays, strict=True)))
        forms, parts = self._stack([state.data.at(index) for index in range(first, first + count)])
        values = [v.value for v in state.variables]
        inputs = (values, plan, parts, list(self.tiles.values()))
        key = (tuple(phases), count)
        if key not in self._calls:
            scan = jax.jit(self._scan(phases, forms), donate_argnums=0)
            self._calls[key] = scan.lower(*inputs).compile()
            shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), inputs)
            self._last_call = phases, forms, count, shapes
        values, metrics = self._calls[key](*inputs)
        for variable, value in zip(state.variables, values, strict=True):
            variable.assign(value)
        return np.asarray(metrics)

    def flops(self) -> float:
        """Floating-point operations of a call, if every step were the costliest.

        They are counted as for the host: an accelerator's own count leaves its library's calls out.
        """
        phases, forms, count, shapes = self._last_call
        with jax.default_device(jax.devices("cpu")[0]):
            lowered = jax.jit(self._scan(phases, forms)).lower(*shapes)
        return count * float((lowered.cost_analysis() or {}).get("flops", 0.0))

    def _scan(self, phases: list[int], forms: list[tuple]) -> Callable:
        """A pure function of state and inputs that makes the steps one after another."""
        step = pure_step(self.state, phases)

        def scan(values, plan, parts, tiles):
            def body(values, inputs):
                step_plan, step_parts = inputs
                batch = [
                    _make_part(form, part, tiles)
                    for form, part in zip(forms, step_parts, strict=True)
                ]
                return step(values, step_plan, batch)

            return lax.scan(body, values, (plan, parts))

        return scan

    def _stack(self, batches: Sequence[tuple]) -> tuple[list[tuple], list]:
        """The batches of several steps as arrays `[steps, …]`, and how `_make_part` makes a batch
        from one step's entry of each."""
        forms: list[tuple] = []
        parts: list[Any] = []
        for column in zip(*batches, strict=True):
            head = column[0]
            if isinstance(head, Crops) and self._on_device(head.tiles):
                forms.append(("crops", list(self.tiles).index(id(head.tiles)), head.side))
                fields = "rows", "tops", "lefts", "orientations"
                numbers = np.stack([np.stack([getattr(c, f) for c in column]) for f in fields], 1)
                parts.append(self._put(numbers.astype(np.int32), batch_axis=2))
            elif isinstance(head, Normal):
                forms.append(("normal", head.shape))
                parts.append(np.array([c.key for c in column], np.int32))
            else:
                arrays = [c.array() if isinstance(c, Crops) else c for c in column]
                forms.append(("array",))
                parts.append(self._put(np.stack(arrays), batch_axis=1))
        return forms, parts

    def _on_device(self, tiles: np.ndarray) -> bool:
        """Whether tiles lie on the device. They are put there at their first use, if they fit."""
        if id(tiles) in self.tiles:
            return True
        memory = (jax.devices()[0].memory_stats() or {}).get("bytes_limit", sys.maxsize)
        used = sum(t.nbytes for t in self.tiles.values())
        if used + tiles.nbytes > MAX_TILES_SHARE * memory:
            return False
        self.tiles[id(tiles)] = self._put(np.asarray(tiles), batch_axis=None)
        return True

    def _put(self, array: np.ndarray, batch_axis: int | None) -> Any:
        """An array on the device. Several devices split it along its batch, or each have a copy."""
        distribution = keras.distribution.distribution()
        if distribution is None:
            return jnp.asarray(array)
        names: list[str | None] = []
        if batch_axis is not None and batch_axis < array.ndim:
            names = [None] * batch_axis + [distribution.batch_dim_name]
        mesh = distribution.device_mesh.backend_mesh
        return jax.device_put(array, NamedSharding(mesh, PartitionSpec(*names)))


def _make_part(form: tuple, part: Any, tiles: list) -> Any:
    """One part of a batch, on the device."""
    kind, *details = form
    if kind == "normal":
        return jax.random.normal(jax.random.key(part), details[0])
    if kind == "array":
        return part
    index, side = details

    def crop(row, top, left, orientation):
        square = lax.dynamic_slice(tiles[index], (row, top, left, 0), (1, side, side, 3))[0]
        turned = [jnp.rot90(square, k) for k in range(4)]
        oriented = [picture for t in turned for picture in (t, t[:, ::-1])]
        return jnp.stack(oriented)[orientation]

    return jax.vmap(crop)(*part).astype(jnp.float32) / 127.5 - 1
