"""The training loop at its smallest: it learns, resumes to the same bytes, and stops when ill."""

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.training import checkpoints, loop
from stylefuse.training.backend import gradient_step
from tests.test_config import SHIPPED


@pytest.fixture
def params(tmp_path, monkeypatch):
    """A tiny profile over random tiles, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    prepared = tmp_path / "data/prepared"
    prepared.mkdir(parents=True)
    stream = np.random.default_rng(0)
    for split in ("train", "validation"):
        for domain in ("photograph", "painting"):
            tiles = stream.integers(0, 256, (8, 40, 40, 3), dtype=np.uint8)
            np.save(prepared / f"{split}_{domain}.npy", tiles)
    (prepared / "tiles.json").write_text("{}")
    shipped = load_params(SHIPPED)
    settings = shipped.active.train.model_copy(
        update={"crop": 32, "batch": 4, "kimg": 0.024, "width": 4, "blocks": 1, "code": 8,
                "discriminator_width": 4, "tick_kimg": 0.008, "sample_kimg": 0.016,
                "r1_interval": 2}
    )  # fmt: skip
    profile = shipped.active.model_copy(update={"train": settings})
    return shipped.model_copy(update={"profiles": {"cpu": profile}, "profile": "cpu"})


def weights(folder):
    return json.loads((folder / "models/transfer/manifest.json").read_text())


def products(folder):
    """The bytes of everything that a run leaves."""
    report = folder / "reports/train"
    files = [report / "transfer.csv", *sorted((report / "samples").iterdir())]
    return weights(folder), {file.name: file.read_bytes() for file in files}


def test_a_stopped_run_ends_with_the_same_bytes(params, tmp_path, monkeypatch):
    loop.train(params)
    whole = products(tmp_path)
    assert not list(tmp_path.glob(".ckpt/transfer/*"))

    step = loop.Run.step

    def dies(self, index):
        if index == 5:  # after the checkpoint of step 4
            raise KeyboardInterrupt
        return step(self, index)

    monkeypatch.setattr(loop.Run, "step", dies)
    with pytest.raises(KeyboardInterrupt):
        loop.train(params)
    shutil.rmtree(tmp_path / "reports")  # as DVC does before it runs a stage
    first = []
    monkeypatch.setattr(loop.Run, "step", lambda self, i: first.append(i) or step(self, i))
    loop.train(params)
    assert first[0] == 4
    assert products(tmp_path) == whole


def test_metrics_and_pictures_are_left_along_the_way(params, tmp_path):
    seen = []

    class Tracker:
        def start(self, key, params):
            seen.clear()

        def finish(self, weights_hash):
            assert weights_hash == weights(tmp_path)["generator.weights.h5"]

        def log_metrics(self, metrics, step):
            seen.append((step, sorted(metrics)))

        def log_image(self, path, step):
            assert path.exists()

    loop.train(params, Tracker())
    rows = list(csv.DictReader((tmp_path / "reports/train/transfer.csv").open()))
    assert [step for step, _ in seen] == [8, 16, 24]
    assert [float(row["kimg"]) for row in rows] == [0.008, 0.016, 0.024]
    assert len(list((tmp_path / "reports/train/samples").glob("*.png"))) == 2


def test_a_run_that_diverges_stops_and_keeps_its_checkpoint(params, tmp_path, monkeypatch):
    step = loop.Run.step
    monkeypatch.setattr(loop.Run, "step", lambda self, i: step(self, i) * (np.nan if i == 5 else 1))
    with pytest.raises(UserError, match="diverged at step 5"):
        loop.train(params)
    assert list(tmp_path.glob(".ckpt/transfer/*/step-00000004.npz"))
    assert not (tmp_path / "models").exists()


def test_a_backend_that_cannot_train_is_named_with_the_remedy(monkeypatch):
    import keras

    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(UserError, match="'torch' cannot train here; set KERAS_BACKEND"):
        gradient_step(None, [], None, [])


def test_a_torn_checkpoint_is_passed_over(tmp_path):
    import keras

    variable = keras.Variable(np.zeros(3, "float32"))
    for step in (1, 2):
        variable.assign(np.full(3, step, "float32"))
        checkpoints.save_checkpoint(tmp_path, step, [variable], [{"kimg": step}])
    newest = tmp_path / "step-00000002.npz"
    newest.write_bytes(newest.read_bytes()[:-7])
    step, history = checkpoints.load_checkpoint(tmp_path, [variable])
    assert (step, history) == (1, [{"kimg": 1}])
    np.testing.assert_array_equal(np.asarray(variable.value), 1)


CROSS = """
import numpy as np, sys
from stylefuse.models.transfer import build_generator
from stylefuse.models.stylizer import Stylizer, save_generator
import keras
keras.utils.set_random_seed(1)
if sys.argv[2] == "save":
    save_generator(build_generator(4, 1, 8), __import__("pathlib").Path(sys.argv[1]))
stylizer = Stylizer(sys.argv[1])
stream = np.random.default_rng(0)
content = stream.integers(0, 256, (45, 62, 3), dtype=np.uint8)
code = stylizer.style_code([content[::-1]])[0]
np.save(sys.argv[3], stylizer.render(content, code, 0.7))
"""


def test_weights_made_on_one_backend_paint_the_same_on_the_other(tmp_path):
    pictures = []
    for backend, task in (("tensorflow", "save"), ("jax", "load")):
        out = tmp_path / f"{backend}.npy"
        subprocess.run(
            [sys.executable, "-c", CROSS, str(tmp_path / "model"), task, str(out)],
            env={**__import__("os").environ, "KERAS_BACKEND": backend}, check=True,
        )  # fmt: skip
        pictures.append(np.load(out).astype(int))
    assert pictures[0].shape == (45, 62, 3)
    assert abs(pictures[0] - pictures[1]).max() <= 1


def test_training_runs_on_jax_without_the_pipeline_packages(params, tmp_path):
    """A GPU machine has Keras and JAX; mlflow, prefect, dvc and pandas may be missing there."""
    program = """
import sys
for name in ("mlflow", "prefect", "dvc", "great_expectations", "tensorflow", "pandas"):
    sys.modules[name] = None
from stylefuse.config import Params
from stylefuse.training.loop import train
train(Params.model_validate_json(sys.argv[1]))
"""
    subprocess.run(
        [sys.executable, "-c", program, params.model_dump_json()],
        env={**__import__("os").environ, "KERAS_BACKEND": "jax"}, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert weights(tmp_path)
