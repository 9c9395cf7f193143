"""The `MLmodel` of a folder that somebody else made."""

import os
import string

import pytest

from stylefuse.errors import UserError
from stylefuse.registry.fetch import data_folder, read_mlmodel

FLAVOR = "flavors: {python_function: {data: %s}}"
MERGED = (
    "a: &a {x: 1}\n"
    + "".join(  # 9 ** 20 pairs, if each level is merged into the next
        f"{name}: &{name} {{<<: [{', '.join(9 * ['*' + before])}]}}\n"
        for before, name in zip(string.ascii_lowercase, string.ascii_lowercase[1:21], strict=False)
    )
)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    (folder / "data/restore").mkdir(parents=True)
    (folder / "link").symlink_to("..")
    return folder


def error_of(folder):
    with pytest.raises(UserError) as error:
        data_folder(folder)
    assert error.value.exit_code == 2
    assert "\n" not in str(error.value)
    return error.value


def test_the_data_of_an_mlflow_model_is_found(folder):
    assert data_folder(folder) == folder
    (folder / "MLmodel").write_text(FLAVOR % "data/restore")
    assert data_folder(folder) == folder / "data/restore"
    (folder / "MLmodel").write_text("flavors: {python_function: {loader_module: x}}")
    assert data_folder(folder) == folder


def test_merged_mappings_take_no_time(folder):
    (folder / "MLmodel").write_text(MERGED + FLAVOR % "data/restore")
    assert data_folder(folder) == folder / "data/restore"


@pytest.mark.parametrize(
    "text",
    ["- 1", "1", "", "{{{{", "\0", "[" * 20_000, "&a [*a]", "a: *b", "flavors: " + "x" * 100_000],
)
def test_a_damaged_description_is_refused(folder, text):
    (folder / "MLmodel").write_text(text)
    assert error_of(folder).code == "model-unreadable"


def test_a_pipe_is_not_opened(folder):
    os.mkfifo(folder / "MLmodel")
    assert error_of(folder).code == "model-unreadable"


@pytest.mark.parametrize(
    "text",
    ["x: 1", "flavors: 1", "flavors: [python_function]", "flavors: {sklearn: {}}",
     "flavors: {python_function: x}", *(FLAVOR % path for path in
     ("../../../../etc", "/etc", "link", "link/other", "data/../..", r'"\0"'))],
)  # fmt: skip
def test_a_description_of_no_model_of_ours_is_refused(folder, text):
    (folder / "MLmodel").write_text(text)
    assert error_of(folder).code == "model-foreign"


def test_values_are_texts(folder):
    (folder / "MLmodel").write_text("run_id: 1_000\nmetadata: {a: 0x10, b: null}")
    assert read_mlmodel(folder) == {"run_id": "1_000", "metadata": {"a": "0x10", "b": "null"}}
