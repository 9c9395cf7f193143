"""`params.yaml`: what is right loads, what is wrong is listed whole."""

from pathlib import Path

import pytest
import yaml

from stylefuse.config import load_params
from stylefuse.errors import UserError

SHIPPED = Path(__file__).parents[1] / "params.yaml"


def changed(tmp_path, change):
    raw = yaml.safe_load(SHIPPED.read_text())
    change(raw)
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


def test_the_shipped_file_loads():
    params = load_params(SHIPPED)
    assert params.active == params.profiles[params.profile]
    assert {"cpu", "gpu"} <= set(params.profiles)
    assert {source.domain for source in params.data.sources} == {"photograph", "painting"}


def test_everything_wrong_is_listed_in_one_error(tmp_path):
    def change(raw):
        raw["sead"] = 1
        raw["seed"] = "many"
        raw["profiles"]["cpu"]["train"]["batch"] = 1
        del raw["evaluate"]["size"]

    with pytest.raises(UserError) as error:
        load_params(changed(tmp_path, change))
    message = str(error.value)
    assert "4 place(s)" in message
    for part in (
        "sead: no such key",
        "seed:",
        "profiles.cpu.train.batch:",
        "evaluate.size: is missing",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda raw: raw.update(profile="tpu"), "'tpu' is none of"),
        (lambda raw: raw["profiles"]["cpu"]["train"].update(crop=100), "multiple of 8"),
        (lambda raw: raw["profiles"]["cpu"]["train"].update(crop=4096), "larger than prepare.side"),
        (lambda raw: raw["data"]["sources"][0].pop("packages"), "needs 'packages'"),
        (lambda raw: raw["data"]["splits"].update(test=1.0), "nothing to train on"),
        (lambda raw: raw["evaluate"].update(size=float("nan")), "evaluate.size"),
    ],
)
def test_values_that_do_not_fit_together(tmp_path, change, complaint):
    with pytest.raises(UserError, match=complaint):
        load_params(changed(tmp_path, change))


@pytest.mark.parametrize("text", ["seed: [", "", "just words", "\x00"])
def test_a_file_that_is_no_parameter_file(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"params\.yaml"):
        load_params(path)


def test_a_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(UserError, match="project's folder"):
        load_params(tmp_path / "params.yaml")
