"""Training steps on JAX: single, several in one call and on two devices, beside TensorFlow's."""

from pathlib import Path

import numpy as np
import pytest

from stylefuse.config import load_params
from stylefuse.errors import UserError
from tests.support.trainings import (
    ROOT,
    add_sketch_model,
    changed,
    import_sketch_model,
    make_project,
    run_on_jax,
)

STEPS, CALL = 8, 4
SINGLE = {
    "kimg": 0.2, "r1": 0, "discriminator_interval": 2, "augment_target": 0.3, "fusion_share": 0.5,
    "precision": "float32", "steps_per_call": 1,
}  # fmt: skip
MULTI = {"steps_per_call": CALL}
SIMPLE = MULTI | {"discriminator_interval": 1}  # of the sketch model, which is soon compiled
RUNS = {  # by the number of devices and by name: a model, and its settings
    1: {
        "transfer": ("transfer", {}),
        "transfer, multi-step": ("transfer", MULTI),
        "portrait": ("portrait", {}),
        "portrait, multi-step": ("portrait", MULTI),
        "simple": ("sketch", SIMPLE),
        "simple, tiles on the host": ("sketch", SIMPLE | {"max_tiles_share": 0}),
        "simple, bfloat16": ("sketch", SIMPLE | {"precision": "bfloat16"}),
    },
    2: {
        "simple": ("sketch", SIMPLE),
        "odd batch": ("sketch", SIMPLE | {"batch": 3}),
    },
}


def make_state(folder, model, special):
    """The state of a training, with the initial weights of the first one in the folder: another
    backend would draw others."""
    import keras

    from stylefuse.training.state import TrainingState

    params, settings = load_params(folder / "params.yaml"), SINGLE | special
    if model != "transfer":
        del settings["fusion_share"]
    keras.distribution.set_distribution(None)
    state = TrainingState(model, changed(params, model, **settings), folder / "data/prepared")
    initial = folder / f"initial_{model}.npz"
    if not initial.exists():
        np.savez(initial, *(np.asarray(v.value) for v in state.variables))
    for variable, value in zip(state.variables, np.load(initial).values(), strict=True):
        variable.assign(value)
    return state


def advance(folder, model, special):
    """The outcome of some steps: metrics, weights, their dtypes and a painted picture."""
    from stylefuse.data.batches import arrays
    from stylefuse.training import multi_step
    from stylefuse.training.compile_steps import compile_steps

    special = dict(special)
    multi_step.MAX_TILES_SHARE = special.pop("max_tiles_share", 0.25)
    state = make_state(folder, model, special)
    steps = compile_steps(state)
    metrics = np.concatenate([steps(i, CALL) for i in range(0, STEPS, CALL)])
    batch = arrays(state.held_out.at(0))
    inputs = {"transfer": batch[0:3:2], "portrait": batch[1:2], "sketch": batch}[model]
    return {
        "metrics": metrics,
        "weights": np.concatenate([np.ravel(v.value) for v in state.variables]),
        "dtypes": sorted({str(v.value.dtype) for v in state.variables}),
        "painted": np.asarray(state.generator(*inputs)),
        "augment": state.augment.value,
        "tiles_on_device": len(getattr(steps, "tiles", [])),
    }


def advance_all(folder, devices):
    """Make all runs of a number of devices, and save their outcomes by name."""
    import_sketch_model()
    for name, (model, special) in RUNS[int(devices)].items():
        try:
            outcome = advance(Path(folder), model, special)
        except UserError as error:
            outcome = {"code": error.code}
        np.savez(Path(folder, f"{devices} {name}.npz"), **outcome)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What `advance` returned for every run, by number of devices and name."""
    folder = tmp_path_factory.mktemp("multi_step")
    make_project(folder)
    on_tensorflow = advance(folder, "transfer", {})
    add_sketch_model(folder)
    program = f"import sys; from {__name__} import advance_all; advance_all(*sys.argv[1:])"
    for devices in RUNS:
        run_on_jax(program, folder, devices, cwd=ROOT, devices=devices)
    return {
        (devices, name): np.load(folder / f"{devices} {name}.npz")
        for devices, runs in RUNS.items()
        for name in runs
    } | {"tensorflow": on_tensorflow}


def assert_same(one, other):
    """Equal but for rounding, except for the few biases that a normalisation removes again:
    their gradient is rounding error, which Adam enlarges to whole steps. Processors sum in
    different orders, which moved painted values by up to 2e-4."""
    close = np.isclose(one["weights"], other["weights"], atol=1e-4, rtol=1e-4)
    assert close.mean() > 0.998
    np.testing.assert_allclose(one["metrics"], other["metrics"], atol=1e-4)
    np.testing.assert_allclose(one["painted"], other["painted"], atol=1e-3)


@pytest.mark.parametrize("model", ["transfer", "portrait"])
def test_several_steps_in_one_call_equal_single_steps(outcomes, model):
    single, multi = outcomes[1, model], outcomes[1, f"{model}, multi-step"]
    assert_same(multi, single)
    assert len(np.unique(multi["metrics"][:, 3])) == STEPS  # each step paints something else
    assert (np.diff(multi["metrics"][:, 0]) == 0)[::2].all()  # the discriminator rests
    assert multi["augment"] == single["augment"]


def test_jax_makes_the_steps_that_tensorflow_makes(outcomes):
    assert_same(outcomes[1, "transfer"], outcomes["tensorflow"])
    assert outcomes[1, "transfer"]["augment"] == outcomes["tensorflow"]["augment"]


def test_two_devices_equal_one(outcomes):
    assert_same(outcomes[2, "simple"], outcomes[1, "simple"])


def test_a_batch_that_cannot_be_split_among_devices_is_refused(outcomes):
    assert outcomes[2, "odd batch"]["code"] == "batch-not-divisible"


def test_tiles_that_do_not_fit_come_from_the_host(outcomes):
    device, host = outcomes[1, "simple"], outcomes[1, "simple, tiles on the host"]
    assert (device["tiles_on_device"], host["tiles_on_device"]) == (1, 0)
    assert_same(host, device)


def test_bfloat16_paints_almost_the_same_and_is_nowhere_kept(outcomes):
    short, full = outcomes[1, "simple, bfloat16"], outcomes[1, "simple"]
    assert "bfloat16" not in short["dtypes"]
    assert list(short["dtypes"]) == list(full["dtypes"])
    assert short["painted"].dtype == np.float32
    assert np.isfinite(short["weights"]).all()
    assert np.quantile(abs(short["painted"] - full["painted"]), 0.999) < 0.1
    np.testing.assert_allclose(short["metrics"][0], full["metrics"][0], atol=0.02)
    assert abs(short["painted"] - full["painted"]).mean() > 0  # it was in use
