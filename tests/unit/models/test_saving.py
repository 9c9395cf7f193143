"""A saved model: the same bytes for the same weights, and one sentence for what cannot be read."""

import json

import numpy as np
import pytest

from stylefuse.errors import UserError
from stylefuse.fileio import sha256
from stylefuse.models.saving import load_generator, weights_hash
from tests.support.models import SHAPES, make_model


@pytest.fixture
def folder(tmp_path):
    return make_model(tmp_path / "portrait", "portrait")


def rewritten(folder, **changes):
    """The folder with another configuration, as whole as if it had been saved so."""
    path = folder / "config.json"
    config = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {path.name: sha256(path)}))
    return folder


def test_what_was_saved_comes_back(folder, tmp_path):
    task, generator = load_generator(folder)
    assert task.name == "portrait"
    again = make_model(tmp_path / "again", "portrait")
    assert {p.name: p.read_bytes() for p in again.iterdir()} == {
        p.name: p.read_bytes() for p in folder.iterdir()
    }
    assert weights_hash(folder) == sha256(folder / "generator.weights.h5")
    for one, other in zip(generator.weights, load_generator(again)[1].weights, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize(
    "changes",
    [
        {"model": None},  # the first versions had but one model, and did not name it
        {"model": "gone"},
        {"shape": None},
        {"shape": SHAPES["portrait"] | {"width": 8}},  # layers of other sizes than the weights
    ],
    ids=str,
)
def test_a_model_of_another_version_is_told_with_the_remedy(folder, changes):
    with pytest.raises(UserError) as error:
        load_generator(rewritten(folder, **changes))
    told = f"{folder} holds a model of another version of stylefuse; train again"
    assert str(error.value) == told


def test_a_changed_or_missing_file_is_named(folder, tmp_path):
    with (folder / "generator.weights.h5").open("ab") as file:
        file.write(b"!")
    with pytest.raises(UserError, match=r"weights\.h5 is not the file that was saved; train again"):
        load_generator(folder)
    (folder / "generator.weights.h5").unlink()
    with pytest.raises(UserError, match=r"no model: .*weights\.h5 is missing; run `make repro`"):
        load_generator(folder)
    (folder / "manifest.json").write_text("words")
    with pytest.raises(UserError, match="cannot be read"):
        load_generator(folder)
