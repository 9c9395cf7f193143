"""The training loop at its smallest: it learns, resumes to the same bytes, and stops when ill."""

import csv
import json
import shutil
from pathlib import Path
from unittest.mock import Mock

import keras
import numpy as np
import pytest

from stylefuse.errors import UserError
from stylefuse.models.saving import load_generator, load_predictor
from stylefuse.training import checkpoints
from stylefuse.training import trainer as loop
from stylefuse.training.backend import gradient_step
from stylefuse.training.run import Run
from tests.support.models import SHAPES, make_model, noise
from tests.support.trainings import ROOT, changed, make_project, run_on_jax

CLOCK = {
    "kimg": 0.032, "tick_kimg": 0.008, "sample_kimg": 0.016,  # 8 steps, a checkpoint after the 4th
    "discriminator_interval": 3, "r1_interval": 2, "augment_target": 0.1,
}  # fmt: skip


@pytest.fixture
def params(tmp_path, monkeypatch):
    """A tiny profile over random tiles, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path, **CLOCK)


class Follower:
    """A tracker that notes what it is told, and keeps the checkpoints as a crash would."""

    def __init__(self):
        self.started, self.rows, self.images, self.alarms, self.weights = [], {}, [], [], None

    def start(self, model, key, params):
        self.started.append((model, key))
        self.checkpoints, self.kept = Path(".ckpt", model, key), Path("kept", model, key)

    def log_metrics(self, metrics, step):
        self.rows[step] = metrics
        if not self.kept.exists() and list(self.checkpoints.glob("*.npz")):
            shutil.copytree(self.checkpoints, self.kept)

    def log_image(self, path, step):
        self.images.append((path.stat().st_size > 0, step))

    def alarm(self, message):
        self.alarms.append(message)

    def finish(self, weights_hash):
        self.weights = weights_hash


def manifest(model):
    return json.loads(Path("models", model, "manifest.json").read_text())


def rows_of(model):
    with Path("reports/train", model, "curves.csv").open() as file:
        return list(csv.DictReader(file))


def products(model):
    """The bytes of everything that a run leaves."""
    report = Path("reports/train", model)
    files = [report / "curves.csv", *sorted((report / "samples").iterdir())]
    return manifest(model), {file.name: file.read_bytes() for file in files}


@pytest.mark.parametrize(
    ("model", "special"),
    [
        ("transfer", {"fused": 0.5}),
        ("restore", {}),
        ("portrait", {"architecture": "regular"}),
        ("portrait", {"architecture": "dcgan"}),
    ],
)
def test_a_stopped_run_ends_with_the_same_bytes(params, model, special):
    params = changed(params, model, **special)
    first, second = Follower(), Follower()
    loop.train(model, params, first)
    whole = products(model)
    assert not list(Path(".ckpt", model).iterdir())
    assert "0.8" in {row["augment"] for row in rows_of(model)}  # augmented before it was stopped

    shutil.rmtree("reports")  # as DVC does before it runs a stage
    shutil.copytree("kept", ".ckpt", dirs_exist_ok=True)
    loop.train(model, params, second)
    assert second.started == first.started
    assert list(second.rows) == [24, 32]
    assert products(model) == whole


def test_a_run_with_no_time_goes_on_tick_by_tick(params):
    short = changed(params, "restore", kimg=0.016)
    assert loop.train("restore", short)
    whole = products("restore")
    shutil.rmtree("models")
    assert not loop.train("restore", short, stop=lambda: True)
    assert not Path("models").exists()
    assert loop.train("restore", short, stop=lambda: True)
    assert products("restore") == whole


def test_a_checkpoint_of_other_code_is_another_runs(params, monkeypatch):
    assert not loop.train("restore", params, stop=lambda: True)
    monkeypatch.setattr(loop, "code_digest", lambda: "as it was yesterday")
    assert loop.train("restore", params, follower := Follower())
    assert list(follower.rows) == [8, 16, 24, 32]
    assert len(list(Path(".ckpt/restore").glob("*/step-*.npz"))) == 1  # nobody's yet


def test_a_checkpoint_of_other_tiles_is_another_runs(params):
    """Of the same names: a picture may be prepared in another way."""
    assert not loop.train("restore", params, stop=lambda: True)
    tiles = np.load("data/prepared/train_photograph.npy")
    np.save("data/prepared/train_photograph.npy", 255 - tiles)
    assert loop.train("restore", params, follower := Follower())
    assert list(follower.rows) == [8, 16, 24, 32]


def test_a_run_begins_with_the_weights_that_it_is_told_to(params):
    loop.train("restore", changed(params, "restore", kimg=0.016), first := Follower())
    Path("models/restore").rename("begun")
    begun = {"start": "begun", "kimg": 0.016}
    again = changed(params, "restore", **begun, learning_rate=1e-9)
    loop.train("restore", again, second := Follower())
    saved, averaged = (load_generator(folder)[1] for folder in ("begun", "models/restore"))
    for one, other in zip(saved.weights, averaged.weights, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), atol=1e-6)
    assert second.started != first.started

    tiles = {"train_photograph": ["old", "both"], "test_photograph": ["new", "shown"]}
    Path("data/prepared/tiles.json").write_text(json.dumps(tiles))
    Path("begun/pictures.json").write_text(json.dumps(["old", "both"]))
    loop.train("restore", again)
    Path("begun/pictures.json").write_text(json.dumps(["old", "shown"]))
    with pytest.raises(UserError, match="trained on 1 pictures that are held out now, shown among"):
        loop.train("restore", again)
    Path("begun/pictures.json").unlink()

    wider = changed(params, "restore", **begun, width=8)
    with pytest.raises(UserError, match="begun holds a restore model that the settings"):
        loop.train("restore", wider)
    with pytest.raises(UserError, match="no model"):
        loop.train("restore", changed(params, "restore", start="nowhere"))


def test_metrics_pictures_and_alarms_are_told_along_the_way(params, capsys):
    """Of a portrait model that cannot learn: all its faces are the same."""
    ill = {"architecture": "dcgan", "learning_rate": 1e-9, "tick_kimg": 0.004}
    loop.train("portrait", changed(params, "portrait", **ill), follower := Follower())
    assert follower.weights == manifest("portrait")["generator.weights.h5"]
    assert list(follower.rows) == list(range(4, 33, 4))
    assert follower.images == [(True, 16), (True, 32)]
    rows = rows_of("portrait")
    assert [float(row.pop("kimg")) for row in rows] == [step / 1000 for step in follower.rows]
    assert rows == [{k: str(v) for k, v in row.items()} for row in follower.rows.values()]
    told = "generator collapses at 0.016 kimg; raise r1, or lower learning_rate"
    assert follower.alarms.count(told) == 1
    assert sum("generator collapses" in message for message in follower.alarms) == 1
    assert capsys.readouterr().err.count("warning: generator collapses") == 1


def test_a_run_that_diverges_stops_and_keeps_its_checkpoint(params, monkeypatch):
    step = Run.step
    monkeypatch.setattr(Run, "step", lambda self, i: step(self, i) * (np.nan if i == 5 else 1))
    with pytest.raises(UserError, match="diverged at step 5") as error:
        loop.train("restore", params)
    assert error.value.exit_code == 1
    (kept,) = Path(".ckpt/restore").glob("*/*.npz")
    assert kept.name.startswith("step-00000004-")
    assert str(kept.parent) in str(error.value)
    assert not Path("models").exists()


def test_a_backend_that_cannot_train_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(UserError, match="'torch' cannot train here; set KERAS_BACKEND"):
        gradient_step(None, [], None, [])


def test_a_torn_checkpoint_is_passed_over_and_takes_no_good_ones_place(tmp_path):
    variable = keras.Variable(np.zeros(3, "float32"))

    def save(step):
        variable.assign(np.full(3, step, "float32"))
        checkpoints.save_checkpoint(tmp_path, step, [variable], [{"kimg": step}])

    def steps():
        return [int(path.name.split("-")[1]) for path in sorted(tmp_path.glob("step-*.npz"))]

    for step in (1, 2, 3):
        save(step)
    assert steps() == [2, 3]
    newest = max(tmp_path.glob("step-*.npz"))
    newest.write_bytes(newest.read_bytes()[:-7])
    step, history = checkpoints.load_checkpoint(tmp_path, [variable])
    assert (step, history) == (2, [{"kimg": 2}])
    np.testing.assert_array_equal(np.asarray(variable.value), 2)
    save(3)
    assert steps() == [2, 3]


def test_a_run_killed_while_it_clears_up_keeps_its_samples(params, monkeypatch):
    """Between the last product and the end of the folder of checkpoints."""
    assert loop.train("restore", params)
    whole = products("restore")
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(checkpoints.shutil, "rmtree", Mock(side_effect=KeyboardInterrupt))
        loop.train("restore", params)
    shutil.rmtree("reports")
    assert loop.train("restore", params)
    assert products("restore") == whole


def paint_with_all(folder):
    """A picture from every model in a folder, as integers."""
    given = {
        "transfer": {"content": noise(62, 45), "style": noise(40, 52, seed=1)},
        "restore": {"picture": noise(62, 45)},
        "portrait": {"seed": 3},
    }
    pictures = {}
    for name, inputs in given.items():
        task, predictor = load_predictor(Path(folder, name), 64)
        pictures[name] = np.asarray(predictor.paint(inputs, task.options())).astype(int)
    return pictures


def test_weights_made_on_one_backend_paint_the_same_on_the_other(tmp_path):
    for name in SHAPES:
        make_model(tmp_path / name, name)
    program = """
import sys
import numpy as np
from tests.integration.training.test_training import paint_with_all
np.savez(sys.argv[2], **paint_with_all(sys.argv[1]))
"""
    run_on_jax(program, tmp_path, tmp_path / "jax.npz", cwd=ROOT)
    theirs = np.load(tmp_path / "jax.npz")
    for name, picture in paint_with_all(tmp_path).items():
        assert abs(picture - theirs[name]).max() <= 1, name


def test_training_runs_on_jax_without_the_pipeline_packages(tmp_path):
    """A GPU machine has Keras and JAX; mlflow, prefect, dvc and pandas may be missing there."""
    make_project(tmp_path, **CLOCK | {"kimg": 0.008})
    program = """
import sys
for name in ("mlflow", "prefect", "dvc", "great_expectations", "tensorflow", "pandas"):
    sys.modules[name] = None
from stylefuse.training.__main__ import main
main()
"""
    run_on_jax(program, "portrait", cwd=tmp_path)
    assert (tmp_path / "models/portrait/generator.weights.h5").stat().st_size > 0
