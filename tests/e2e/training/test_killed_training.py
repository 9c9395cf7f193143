"""A training that is killed with -9 and resumed by another process ends with the same bytes."""

import os
import subprocess
import sys
import time
from contextlib import chdir

import pytest

from stylefuse.config import load_params
from stylefuse.training import trainer
from tests.support.trainings import ROOT, add_sketch_model, import_sketch_model, make_project

CLOCK = {  # 48 steps and 23 checkpoints
    "kimg": 0.192, "tick_kimg": 0.008, "sample_kimg": 0.008, "r1": 0, "width": 64,
}  # fmt: skip
MODEL = "sketch"  # it is soon compiled
TRAIN = """
from tests.support.trainings import import_sketch_model
import_sketch_model()
from stylefuse.training.__main__ import main
main()
"""


def begin(folder):
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN, MODEL], cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def end(process):
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


def kill_when(process, condition):
    """Kill a process as soon as a condition holds, unless it ends before that."""
    while not condition():
        if process.poll() is not None:
            return
        time.sleep(0.0005)
    process.kill()
    process.wait()


def products(folder):
    folders = [folder / "models" / MODEL, folder / "reports/train" / MODEL]
    files = sorted(p for root in folders for p in root.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def make_sketch_project(folder):
    make_project(folder, **CLOCK)
    add_sketch_model(folder)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """What a run in this process writes."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    make_sketch_project(folder)
    import_sketch_model()
    with chdir(folder):
        assert trainer.train(MODEL, load_params())
    return products(folder)


def test_killed_while_a_checkpoint_is_written_and_while_the_weights_are(uninterrupted, tmp_path):
    make_sketch_project(tmp_path)
    checkpoints, weights = tmp_path / ".ckpt", tmp_path / f"models/{MODEL}/generator.weights.h5"

    def while_one_is_written():
        complete = list(checkpoints.rglob("step-*.npz"))
        return len(complete) > 1 and list(checkpoints.rglob("*.part"))

    kill_when(begin(tmp_path), while_one_is_written)
    assert list(checkpoints.rglob("step-*.npz"))
    kill_when(second := begin(tmp_path), weights.exists)
    if second.returncode:  # otherwise it ended between two checks of the condition
        assert "resumes at" in end(begin(tmp_path))
    assert products(tmp_path) == uninterrupted
    assert {path.rsplit(".", 1)[1] for path in uninterrupted} >= {"h5", "json", "csv", "png"}
