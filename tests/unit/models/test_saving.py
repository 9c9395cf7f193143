"""Saved models: the same bytes for the same weights, and messages for files that cannot be read."""

import json

import h5py
import keras
import numpy as np
import pytest

from stylefuse.errors import UserError
from stylefuse.fileio import sha256
from stylefuse.inference.model_folder import check_files, weights_hash
from stylefuse.models.saving import load_generator, load_initial_weights, training_pictures
from stylefuse.models.task import find_task
from tests.support.models import SHAPES, make_model, save_random_generator, sign

# groups of the weight files that were ever written: loading them needs these names
SAVED_GROUPS = {
    "transfer": """
        blocks/styled_residual/first blocks/styled_residual/first_norm/affine
        blocks/styled_residual/second blocks/styled_residual/second_norm/affine
        content_convs/equal_conv2d content_convs/equal_conv2d_1 content_convs/equal_conv2d_2
        last last_norm/affine
        layers/adaptive_instance_norm/affine layers/adaptive_instance_norm_1/affine
        layers/equal_conv2d_10 layers/equal_conv2d_12 layers/equal_conv2d_3 layers/equal_conv2d_4
        layers/equal_conv2d_5 layers/equal_conv2d_6 layers/equal_conv2d_7 layers/equal_conv2d_8
        layers/equal_conv2d_9 layers/equal_dense""",
    "portrait": """
        convs/conv2d convs/conv2d_1 convs/conv2d_2 convs/conv2d_3 layers/batch_norm
        layers/batch_norm_1 layers/batch_norm_2 layers/batch_norm_3 layers/batch_norm_4
        layers/conv2d_4 layers/dense""",
    "restore": """
        denoise describe/hidden/equal_dense describe/last detector/hidden/equal_dense
        detector/hidden/equal_dense_1 detector/last enter_2 enter_4 first/equal_conv2d
        heal last
        layers/__perceptron/hidden/equal_dense layers/__perceptron/hidden/equal_dense_1
        layers/__perceptron/last layers/__perceptron_3/hidden/equal_dense
        layers/__perceptron_3/hidden/equal_dense_1 layers/__perceptron_3/last
        layers/equal_conv2d_3 layers/equal_conv2d_4 layers/equal_conv2d_6 layers/equal_dense
        layers/equal_dense_2 layers/equal_dense_3""",
}


@pytest.fixture
def folder(tmp_path):
    return make_model(tmp_path / "portrait", "portrait")


def with_config(folder, **changes):
    """The folder with another configuration and a manifest that fits; None removes a key."""
    path = folder / "config.json"
    config = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
    sign(folder, **{path.name: sha256(path)})
    return folder


def test_a_saved_model_is_loaded_and_saved_again_with_the_same_bytes(folder, tmp_path):
    task, generator = load_generator(folder)
    assert task.name == "portrait"
    again = tmp_path / "again"
    save_random_generator(again, "portrait", **SHAPES["portrait"])
    assert {p.name: p.read_bytes() for p in again.iterdir()} == {
        p.name: p.read_bytes() for p in folder.iterdir()
    }
    assert weights_hash(folder) == sha256(folder / "generator.weights.h5")
    for first, second in zip(generator.weights, load_generator(again)[1].weights, strict=True):
        np.testing.assert_array_equal(np.asarray(first), np.asarray(second))


@pytest.mark.parametrize("name", SAVED_GROUPS)
def test_the_names_in_weight_files_do_not_change(tmp_path, name):
    folder = make_model(tmp_path / name, name)
    groups = set()

    def collect(path, item):
        if isinstance(item, h5py.Dataset):
            groups.add(path.rsplit("/vars/", 1)[0])

    with h5py.File(folder / "generator.weights.h5") as file:
        file.visititems(collect)
    assert groups == set(SAVED_GROUPS[name].split())


@pytest.mark.parametrize(
    "changes",
    [
        {"model": None},  # the first versions had only one model, and did not name it
        {"model": "gone"},
        {"shape": None},
        {"shape": SHAPES["portrait"] | {"width": 8}},  # layers of other sizes than the weights
    ],
    ids=str,
)
def test_a_model_of_an_incompatible_version_is_refused(folder, changes):
    with pytest.raises(UserError) as error:
        load_generator(with_config(folder, **changes))
    assert error.value.code == "model-incompatible"
    message = f"{folder} holds a model of another version of stylefuse; train again"
    assert str(error.value) == message


def test_a_changed_or_missing_file_is_named(folder):
    def refused():
        with pytest.raises(UserError) as error:
            load_generator(folder)
        return error.value

    with (folder / "generator.weights.h5").open("ab") as file:
        file.write(b"!")
    error = refused()
    assert error.code == "model-changed"
    assert "weights.h5 is not the file that was saved; train again" in str(error)
    (folder / "generator.weights.h5").unlink()
    error = refused()
    assert error.code == "weights-missing"
    assert "no weights to train from" in str(error)
    (folder / "config.json").unlink()
    error = refused()
    assert error.code == "model-missing"
    assert "config.json is missing; run `make repro`" in str(error)


@pytest.mark.parametrize("manifest", ["words", "3", '["config.json"]', "\\"])
def test_a_damaged_manifest_is_reported(folder, manifest):
    (folder / "manifest.json").write_text(manifest)
    with pytest.raises(UserError, match="cannot be read") as error:
        check_files(folder)
    assert error.value.code == "model-unreadable"


def test_initial_weights_are_assigned_or_refused_for_another_architecture(folder):
    task = find_task("portrait")
    keras.utils.set_random_seed(9)
    generator = task.build_generator(**SHAPES["portrait"])
    load_initial_weights(generator, folder, task)
    for weight, saved in zip(generator.weights, load_generator(folder)[1].weights, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), np.asarray(saved))

    wider = task.build_generator(**SHAPES["portrait"] | {"width": 8})
    with pytest.raises(UserError, match="change architecture, latent, width or init_from") as error:
        load_initial_weights(wider, folder, task)
    assert error.value.code == "initial-weights-mismatch"
    with pytest.raises(UserError, match="portrait model that the settings of restore do not fit"):
        load_initial_weights(generator, folder, find_task("restore"))


def test_names_of_training_pictures_are_read(tmp_path):
    assert training_pictures(tmp_path) == set()
    (tmp_path / "pictures.json").write_text('["a.jpg", "b.jpg"]')
    assert training_pictures(tmp_path) == {"a.jpg", "b.jpg"}
    (tmp_path / "pictures.json").write_text("[")
    with pytest.raises(UserError, match=r"pictures\.json cannot be read") as error:
        training_pictures(tmp_path)
    assert error.value.code == "training-pictures-damaged"
