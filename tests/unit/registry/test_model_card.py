"""The model card states intended use, training, metrics and limits, and is the same each time."""

import pytest
import yaml
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.models.saving import training_pictures
from stylefuse.registry.pages.model_card import CARD, SAMPLES, write_model_card
from stylefuse.registry.version_facts import base_training
from tests.support.models import SHAPES
from tests.unit.registry.conftest import LICENCES, METRICS, PARAMS


@pytest.fixture
def write(tmp_path, make_facts):
    sample_grids = [tmp_path / f"{name}.png" for name in ("pairs", "styles")]
    for path in sample_grids:
        Image.new("RGB", (1500, 900)).save(path)

    def write(model, **changes):
        (tmp_path / "card").mkdir(exist_ok=True)
        facts = make_facts(model, **{"sample_grids": sample_grids, **changes})
        write_model_card(tmp_path / "card", facts)
        return (tmp_path / "card" / CARD).read_text()

    return write


def section(text, title):
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0].strip()


@pytest.mark.parametrize("model", SHAPES)
def test_the_card_of_every_model_states_use_and_training(write, model):
    text = write(model)
    _, header, _ = text.split("---\n", 2)
    metadata = yaml.safe_load(header)
    assert metadata["library_name"] == "keras"
    kind = "image-generation" if model == "portrait" else "to-image"
    assert metadata["pipeline_tag"].endswith(kind)
    assert f"# stylefuse-{model}\n\n**" in text
    assert "Not for" in section(text, "Intended use")
    assert "/invocations" in section(text, "How to use it")
    assert f"kimg: {PARAMS.model_settings(model).kimg}" in section(text, "Training")
    assert "| CC0-1.0 | art, photos | 30 |" in section(text, "Training pictures")
    assert "37 " in section(text, "Training pictures")
    assert f"- git.commit: `{'0' * 40}`" in section(text, "Provenance")


def test_the_initial_weights_are_named(write):
    training = " ".join(section(write("transfer"), "Training").split())
    assert "from the weights in `models/base/transfer`" in training
    assert "initial weights were trained on 64.512 thousand pictures of 256 px" in training
    assert "the 221 pictures that `models/base/transfer/pictures.json` lists" in training
    assert "squares of at most 256 px" in section(write("transfer"), "Limits")
    assert "squares of at most 64 px" in section(write("restore"), "Limits")


def test_a_training_without_record_is_not_invented(write):
    text = write("transfer", training=None, initial_training=None)
    assert section(text, "Training") == "Not recorded."


def test_metrics_in_which_other_methods_are_better_are_listed(write):
    metrics = section(write("transfer"), "Metrics")
    assert "| stylefuse | 0.100 | 0.50 | 0.90 |" in metrics
    _, better = metrics.split("Methods that are better:")
    assert better.strip().splitlines() == [
        "- style distance: published network (0.40)",
        "- low-pass SSIM: unstyled photograph (1.00)",
    ]
    alone = {"stylefuse": METRICS["stylefuse"]}
    assert "Methods that are better" not in write("transfer", metrics=alone)
    assert "were not evaluated" in write("transfer", metrics={})


def test_nearest_to_one_is_best_for_ratios(write):
    metrics = {"training pictures": {"variety": 1.05}, "stylefuse": {"variety": 0.9}}
    assert "- variety: training pictures (1.05)" in write("portrait", metrics=metrics)
    metrics["training pictures"]["variety"] = 1.2
    assert "Methods that are better" not in write("portrait", metrics=metrics)


def test_samples_lie_beside_the_card(write, tmp_path):
    assert f"![Samples]({SAMPLES})" in write("transfer")
    with Image.open(tmp_path / "card" / SAMPLES) as picture:
        assert picture.size == (640, 384)
    assert (tmp_path / "card" / SAMPLES).stat().st_size < 300_000
    assert "## Samples" not in write("transfer", sample_grids=[])


def test_the_same_facts_give_the_same_card(write):
    assert write("restore") == write("restore")
    assert "sources are not recorded" in write("restore", licences=LICENCES[:0])


def test_a_model_without_picture_inputs_states_no_limit_of_them(write):
    limits = section(write("portrait"), "Limits")
    assert "million pixels" not in limits
    assert f"up to {PARAMS.serve.max_batch} pictures" in limits


@pytest.mark.parametrize("content", ["{", "3", "\\"])
@pytest.mark.parametrize(
    ("name", "read"), [("run.json", base_training), ("pictures.json", training_pictures)]
)
def test_a_damaged_record_of_the_initial_weights_is_named(tmp_path, name, read, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=rf"{name} cannot be read"):
        read(tmp_path)
