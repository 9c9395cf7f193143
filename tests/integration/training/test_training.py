"""The training loop at its smallest: it resumes to the same bytes, and stops when it diverges."""

import csv
import json
import shutil
from contextlib import chdir
from pathlib import Path
from unittest.mock import Mock

import keras
import numpy as np
import pytest

import stylefuse
from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.models.saving import load_generator
from stylefuse.training import checkpoints, trainer
from stylefuse.training.compile_steps import compile_steps
from stylefuse.training.step import InPlaceSteps
from tests.support.models import SHAPES, make_model
from tests.support.trainings import (
    ROOT,
    add_sketch_model,
    changed,
    import_sketch_model,
    make_project,
    run_on_jax,
)

CLOCK = {
    "kimg": 0.032, "tick_kimg": 0.008, "sample_kimg": 0.016,  # 8 steps, a checkpoint after the 4th
    "discriminator_interval": 3, "r1_interval": 3, "augment_target": 0.1,
}  # fmt: skip
SHORT = {  # 3 steps with few functions to compile; samples and a checkpoint after the second
    "kimg": 0.012, "tick_kimg": 0.004, "sample_kimg": 0.008,
    "discriminator_interval": 1, "r1": 0, "augment_target": 0,
}  # fmt: skip
MODEL = "sketch"  # what all models have in common is tested with this one
SHORT_ROWS = [4, 8, 12]  # pictures at each tick of such a run


# what a training imports, but what cannot change its result; settings are in its key by value
WITHOUT_NUMBERS = "cancellation.py", "config.py", "errors.py", "fileio.py", "paths.py"


def make_sketch_project(folder, **changes):
    """All models at their smallest, and the one that is soon compiled."""
    import_sketch_model()
    make_project(folder, **changes)
    add_sketch_model(folder)
    return load_params(folder / "params.yaml")


@pytest.fixture
def params(tmp_path, monkeypatch):
    """A tiny profile over random tiles, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return make_sketch_project(tmp_path, **CLOCK)


class RecordingTracker:
    """A tracker that records its calls, and copies the first checkpoint to `copies`."""

    def __init__(self):
        self.started, self.rows, self.images, self.alarms, self.weights = [], {}, [], [], None

    def start(self, model, key, params):
        self.started.append((model, key))
        self.checkpoints, self.copy = Path(".ckpt", model, key), Path("copies", model, key)

    def log_metrics(self, metrics, step):
        self.rows[step] = metrics
        if not self.copy.exists() and list(self.checkpoints.glob("*.npz")):
            shutil.copytree(self.checkpoints, self.copy)

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
    """The bytes of everything that a run writes for DVC."""
    report = Path("reports/train", model)
    files = [report / "curves.csv", *sorted((report / "samples").iterdir())]
    return manifest(model), {file.name: file.read_bytes() for file in files}


@pytest.mark.parametrize(
    ("model", "special"),
    [
        ("transfer", {"fusion_share": 0.5, "r1": 0}),  # two phases, without penalties
        ("restore", {"r1": 0}),
        ("portrait", {"architecture": "regular"}),
        ("portrait", {"architecture": "dcgan"}),
    ],
)
def test_a_stopped_run_ends_with_the_same_bytes(params, model, special):
    params = changed(params, model, **special)
    first, second = RecordingTracker(), RecordingTracker()
    trainer.train(model, params, first)
    uninterrupted = products(model)
    assert not list(Path(".ckpt", model).iterdir())
    assert "0.8" in {row["augment"] for row in rows_of(model)}  # augmented before it was stopped

    shutil.rmtree("reports")  # as DVC does before it runs a stage
    shutil.copytree("copies", ".ckpt", dirs_exist_ok=True)
    trainer.train(model, params, second)
    assert second.started == first.started
    assert list(second.rows) == [24, 32]
    assert products(model) == uninterrupted


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a short run of the model; its tracker; and what it wrote."""
    folder, tracker = tmp_path_factory.mktemp("finished"), RecordingTracker()
    params = make_sketch_project(folder, **SHORT)
    with chdir(folder):
        assert trainer.train(MODEL, params, tracker)
        return folder, tracker, products(MODEL)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The folder of such a run that was stopped at its first tick; and how it ended."""
    folder = tmp_path_factory.mktemp("stopped")
    params = make_sketch_project(folder, **SHORT)
    with chdir(folder):
        is_finished = trainer.train(MODEL, params, stop=lambda: True)
    return folder, is_finished


@pytest.fixture
def resumable(stopped, tmp_path, monkeypatch):
    """A copy of that folder as the working directory, with its parameters."""
    shutil.copytree(stopped[0], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return load_params()


def test_a_run_that_is_stopped_at_a_tick_resumes_there(finished, stopped, resumable):
    """The tick has no samples, so that the checkpoint is the one that stopping saves."""
    assert not stopped[1]
    assert not Path("models").exists()
    stop = Mock(return_value=False)
    assert trainer.train(MODEL, resumable, tracker := RecordingTracker(), stop)
    assert list(tracker.rows) == SHORT_ROWS[1:]
    assert stop.call_count == 1  # a run is not stopped at its last tick
    assert products(MODEL) == finished[2]


def test_other_code_does_not_resume_a_checkpoint(resumable, monkeypatch):
    monkeypatch.setattr(trainer, "code_digest", lambda: "of other code")
    assert trainer.train(MODEL, resumable, tracker := RecordingTracker())
    assert list(tracker.rows) == SHORT_ROWS
    assert len(list(Path(".ckpt", MODEL).glob("*/step-*.npz"))) == 1  # that of the other code


def test_other_tiles_of_the_same_names_do_not_resume_a_checkpoint(resumable):
    tiles = np.load("data/prepared/train_photograph.npy")
    np.save("data/prepared/train_photograph.npy", 255 - tiles)
    assert trainer.train(MODEL, resumable, tracker := RecordingTracker())
    assert list(tracker.rows) == SHORT_ROWS


@pytest.fixture
def initialised(finished, tmp_path, monkeypatch):
    """A copy of the finished run as the working directory, with its model in `initial`; and the
    parameters of a run that begins with that model, and learns next to nothing."""
    shutil.copytree(finished[0], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    Path("models", MODEL).rename("initial")
    return changed(load_params(), MODEL, init_from="initial", learning_rate=1e-9)


def test_a_run_begins_with_the_weights_of_init_from(finished, initialised):
    """The weights know one picture that is trained on, and one that is not there any more."""
    known = ["photograph/train-0.png", "photograph/gone.png"]
    Path("initial/pictures.json").write_text(json.dumps(known))
    trainer.train(MODEL, initialised, tracker := RecordingTracker())
    saved, averaged = (load_generator(folder)[1] for folder in ("initial", f"models/{MODEL}"))
    for one, other in zip(saved.weights, averaged.weights, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), atol=1e-6)
    assert tracker.started != finished[1].started


def test_weights_that_were_trained_on_held_out_pictures_are_refused(initialised):
    held_out = "photograph/validation-1.png"
    Path("initial/pictures.json").write_text(json.dumps(["photograph/train-0.png", held_out]))
    with pytest.raises(
        UserError, match=f"trained on 1 pictures that are held out now, {held_out} among them"
    ) as error:
        trainer.train(MODEL, initialised)
    assert error.value.code == "held-out-pictures-known"


def test_weights_of_another_architecture_or_none_are_refused(initialised):
    wider = changed(initialised, MODEL, width=8)
    with pytest.raises(UserError, match="initial holds a sketch model"):
        trainer.train(MODEL, wider)
    with pytest.raises(UserError, match="nowhere"):
        trainer.train(MODEL, changed(initialised, MODEL, init_from="nowhere"))


def test_a_tracker_gets_metrics_samples_and_alarms_during_the_run(params, capsys):
    """Of a portrait model that cannot learn: all its faces are the same."""
    settings = {"architecture": "dcgan", "learning_rate": 1e-9, "tick_kimg": 0.004}
    trainer.train(
        "portrait", changed(params, "portrait", **settings), tracker := RecordingTracker()
    )
    assert tracker.weights == manifest("portrait")["generator.weights.h5"]
    assert list(tracker.rows) == list(range(4, 33, 4))
    assert tracker.images == [(True, 16), (True, 32)]
    rows = rows_of("portrait")
    assert [float(row.pop("kimg")) for row in rows] == [step / 1000 for step in tracker.rows]
    assert rows == [{k: str(v) for k, v in row.items()} for row in tracker.rows.values()]
    message = "generator collapses at 0.016 kimg; raise r1, or lower learning_rate"
    assert tracker.alarms.count(message) == 1
    assert sum("generator collapses" in message for message in tracker.alarms) == 1
    assert capsys.readouterr().err.count("warning: generator collapses") == 1


def test_a_run_that_diverges_stops_and_keeps_its_checkpoint(params, monkeypatch):
    step = InPlaceSteps.step
    monkeypatch.setattr(
        InPlaceSteps, "step", lambda self, i: step(self, i) * (np.nan if i == 2 else 1)
    )
    with pytest.raises(UserError, match="diverged at step 2") as error:
        trainer.train(MODEL, changed(params, MODEL, **SHORT))
    assert (error.value.code, error.value.exit_code) == ("training-diverged", 1)
    (checkpoint,) = Path(".ckpt", MODEL).glob("*/*.npz")
    assert checkpoint.name.startswith("step-00000002-")
    assert str(checkpoint.parent) in str(error.value)
    assert not Path("models").exists()


def test_a_backend_that_cannot_train_is_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(UserError, match="'torch' cannot train here; set KERAS_BACKEND") as error:
        compile_steps(None)
    assert error.value.code == "backend-cannot-train"


def test_a_training_that_is_in_progress_is_not_begun_again(params, monkeypatch):
    monkeypatch.setattr(trainer, "run_key", lambda **inputs: "key")
    with (
        checkpoints.lock_checkpoints(Path(".ckpt", MODEL, "key")),
        pytest.raises(UserError) as error,
    ):
        trainer.train(MODEL, params)
    assert (error.value.code, error.value.exit_code) == ("training-in-progress", 75)


def test_a_damaged_checkpoint_is_skipped_and_deleted(tmp_path):
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


def test_a_run_killed_while_it_deletes_checkpoints_keeps_its_samples(
    finished, resumable, monkeypatch
):
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(checkpoints, "shutil", Mock(rmtree=Mock(side_effect=KeyboardInterrupt)))
        trainer.train(MODEL, resumable)
    assert not list(Path(".ckpt", MODEL).glob("*/step-*.npz"))
    assert list(Path(".ckpt", MODEL).glob("*/samples/*.png"))
    shutil.rmtree("reports")
    assert trainer.train(MODEL, resumable)
    assert products(MODEL) == finished[2]


def test_graphs_exported_on_one_backend_are_those_of_the_other(tmp_path):
    for name in SHAPES:
        make_model(tmp_path / name, name)
    program = """
import sys
from pathlib import Path
from stylefuse.inference.model_folder import ModelFolder
from stylefuse.models.saving import load_generator
for folder in Path(sys.argv[1]).iterdir():
    task, generator = load_generator(folder)
    assert task.largest_difference(generator, ModelFolder(folder)) <= 1, folder
"""
    run_on_jax(program, tmp_path, cwd=ROOT)


def test_training_runs_on_jax_without_the_pipeline_packages(tmp_path):
    """A GPU machine has Keras and JAX; mlflow, prefect, dvc and pandas may be missing there."""
    make_project(tmp_path, **CLOCK | {"kimg": 0.008})
    program = """
import sys
for name in ("mlflow", "prefect", "dvc", "great_expectations", "tensorflow", "pandas"):
    sys.modules[name] = None
from stylefuse.training.__main__ import main
main()
import json
loaded = [m.__file__ for n, m in sys.modules.items() if n.startswith("stylefuse") and m]
json.dump(loaded, open("loaded.json", "w"))
"""
    run_on_jax(program, "portrait", cwd=tmp_path)
    assert (tmp_path / "models/portrait/generator.weights.h5").stat().st_size > 0
    facts = json.loads((tmp_path / "reports/environments/portrait.json").read_text())
    manifest = json.loads((tmp_path / "models/portrait/manifest.json").read_text())
    assert facts["weights"] == manifest["generator.weights.h5"]
    assert facts["backend"] == "jax"
    assert facts["versions"]["jax"]
    assert facts["hardware"]["devices"] == ["cpu:0 cpu"]

    package = Path(stylefuse.__file__).parent
    loaded = json.loads((tmp_path / "loaded.json").read_text())
    modules = {Path(file).relative_to(package) for file in loaded}
    executed = {m for m in modules if m.name != "__init__.py"} - {Path(m) for m in WITHOUT_NUMBERS}
    uncovered = {m for m in executed if not any(m.is_relative_to(c) for c in checkpoints.CODE)}
    assert not uncovered, "a checkpoint would be resumed by other code"
    assert {Path("training/step.py"), Path("models/portrait/losses.py")} <= executed
