"""Several steps in one call: the same training as one at a time, on one device or on two."""

from pathlib import Path

import numpy as np
import pytest

from stylefuse.config import load_params
from stylefuse.errors import UserError
from tests.support.trainings import ROOT, changed, make_project, run_on_jax

STEPS, CALL = 8, 4
PLAIN = {
    "kimg": 0.2, "r1": 0, "discriminator_interval": 2, "augment_target": 0.3, "fused": 0.5,
    "precision": "float32", "steps_per_call": 1,
}  # fmt: skip
MANY = {"steps_per_call": CALL}
FEW = {"fused": 0, "discriminator_interval": 1}  # phases, to be compiled soon
RUNS = {  # by the number of devices and by name: a model, and what is special
    1: {
        "transfer": ("transfer", {}),
        "transfer, many": ("transfer", MANY),
        "portrait": ("portrait", {}),
        "portrait, many": ("portrait", MANY),
        "few": ("transfer", MANY | FEW),
        "few, host": ("transfer", MANY | FEW | {"fits": 0}),
        "few, short": ("transfer", MANY | FEW | {"precision": "bfloat16"}),
    },
    2: {
        "few": ("transfer", MANY | FEW),
        "odd": ("transfer", MANY | FEW | {"batch": 3}),
    },
}


def advance(folder, model, special):
    """What comes of some steps: reports, weights, their dtypes and a painted picture."""
    import keras

    from stylefuse.data.batches import arrays
    from stylefuse.training import multi_step as fused
    from stylefuse.training.run import Run

    params, settings = load_params(folder / "params.yaml"), PLAIN | special
    fused.FITS = settings.pop("fits", 0.25)
    keras.distribution.set_distribution(None)
    run = Run(model, changed(params, model, **settings), folder / "data/prepared")
    reports = np.concatenate([run.advance(i, CALL) for i in range(0, STEPS, CALL)])
    batch = arrays(run.held_out.at(0))
    shown = batch[1:2] if model == "portrait" else [batch[0], batch[2]]
    return {
        "reports": reports,
        "weights": np.concatenate([np.ravel(v.value) for v in run.variables]),
        "dtypes": sorted({str(v.value.dtype) for v in run.variables}),
        "painted": np.asarray(run.generator(*shown)),
        "augment": run.augment.value,
        "tiles": len(getattr(run.advance, "_tiles", [])),
    }


def advance_all(folder, devices):
    """All runs of a number of devices, saved by name."""
    for name, (model, special) in RUNS[int(devices)].items():
        try:
            outcome = advance(Path(folder), model, special)
        except UserError as error:
            outcome = {"error": str(error)}
        np.savez(Path(folder, f"{devices} {name}.npz"), **outcome)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What came of every run, by number of devices and name."""
    folder = tmp_path_factory.mktemp("fused")
    make_project(folder)
    program = f"import sys; from {__name__} import advance_all; advance_all(*sys.argv[1:])"
    for devices in RUNS:
        run_on_jax(program, folder, devices, cwd=ROOT, devices=devices)
    return {
        (devices, name): np.load(folder / f"{devices} {name}.npz")
        for devices, runs in RUNS.items()
        for name in runs
    }


def assert_same(one, other):
    """The same within 1e-4, but for the few biases that a normalisation takes out again: their
    gradient is rounding error, which Adam makes steps of."""
    close = np.isclose(one["weights"], other["weights"], atol=1e-4, rtol=1e-4)
    assert close.mean() > 0.998
    for part in ("reports", "painted"):
        np.testing.assert_allclose(one[part], other[part], atol=1e-4, err_msg=part)


@pytest.mark.parametrize("model", ["transfer", "portrait"])
def test_many_steps_are_as_many_single_ones(found, model):
    registry_lock, many = found[1, model], found[1, f"{model}, many"]
    assert_same(many, registry_lock)
    assert len(np.unique(many["reports"][:, 3])) == STEPS  # each step paints something else
    assert (np.diff(many["reports"][:, 0]) == 0)[::2].all()  # the discriminator rests
    assert many["augment"] == registry_lock["augment"]


def test_two_devices_are_as_one(found):
    assert_same(found[2, "few"], found[1, "few"])


def test_a_batch_that_cannot_be_split_is_refused(found):
    assert found[2, "odd"]["error"] == "a batch of 3 cannot be split among 2 devices"


def test_tiles_that_do_not_fit_come_from_the_host(found):
    device, host = found[1, "few"], found[1, "few, host"]
    assert (device["tiles"], host["tiles"]) == (2, 0)
    assert_same(host, device)


def test_short_floats_paint_almost_the_same_and_are_nowhere_kept(found):
    short, whole = found[1, "few, short"], found[1, "few"]
    assert "bfloat16" not in short["dtypes"]
    assert list(short["dtypes"]) == list(whole["dtypes"])
    assert short["painted"].dtype == np.float32
    assert np.isfinite(short["weights"]).all()
    np.testing.assert_allclose(short["painted"], whole["painted"], atol=0.1)
    np.testing.assert_allclose(short["reports"][0], whole["reports"][0], atol=0.02)
    assert abs(short["painted"] - whole["painted"]).mean() > 0  # they were in use
