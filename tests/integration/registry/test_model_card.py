"""The card of a version: what its run says, in a file that stands by itself."""

import pandas as pd
import pytest
import yaml
from PIL import Image

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.registry.pages.model_card import CARD, SAMPLES, write_card
from tests.support.models import SHAPES
from tests.unit.test_config import SHIPPED

PARAMS = load_params(SHIPPED)
METHODS = {
    "doing nothing": {"kid": 0.2, "style_ratio": 1.0, "low_pass_ssim": 1.0, "unheard_of": 3},
    "a published network": {"kid": 0.12, "style_ratio": 0.4, "low_pass_ssim": 0.8},
    "stylefuse": {"kid": 0.1, "style_ratio": 0.5, "low_pass_ssim": 0.9},
}
LICENCES = pd.DataFrame(
    {"licence": ["CC0-1.0", "GPL-2+"], "pictures": [30, 7], "sources": ["art, photos", "game"]}
)
TAGS = {"git.commit": "0" * 40, "hardware": "a processor, 2 cores"}


@pytest.fixture
def write(tmp_path):
    sample_grids = []
    for name in ("pairs", "styles"):
        sample_grids.append(tmp_path / f"{name}.png")
        Image.new("RGB", (1500, 900)).save(sample_grids[-1])

    def write(model, methods=METHODS, licences=LICENCES, sample_grids=sample_grids, params=PARAMS):
        (tmp_path / "card").mkdir(exist_ok=True)
        write_card(tmp_path / "card", params, model, TAGS, methods, licences, sample_grids)
        return (tmp_path / "card" / CARD).read_text()

    return write


def section(text, title):
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0].strip()


@pytest.mark.parametrize("model", SHAPES)
def test_every_model_says_what_it_is_for_and_how_it_was_made(write, model):
    text = write(model)
    _, header, _ = text.split("---\n", 2)
    told = yaml.safe_load(header)
    assert told["library_name"] == "keras"
    assert told["pipeline_tag"].endswith("image-generation" if model == "portrait" else "to-image")
    assert f"# stylefuse-{model}\n\n**" in text
    assert "Not for" in section(text, "What it is for, and what not")
    assert "/invocations" in section(text, "How to use it")
    assert f"kimg: {PARAMS.train(model).kimg}" in section(text, "Training")
    assert "| CC0-1.0 | art, photos | 30 |" in section(text, "Training pictures")
    assert "37 " in section(text, "Training pictures")
    assert f"- git.commit: `{'0' * 40}`" in section(text, "Where it comes from")


def test_the_weights_that_it_begins_with_are_told(write):
    training = " ".join(section(write("transfer"), "Training").split())
    assert "from the weights in `models/base/transfer`" in training
    assert "saw 64.512 thousand pictures of 256 px" in training
    assert "the 221 pictures that `models/base/transfer/pictures.json` names" in training
    assert "squares of 256 px at most" in section(write("transfer"), "Limits")
    assert "random weights" in section(write("restore"), "Training")
    assert "squares of 64 px at most" in section(write("restore"), "Limits")


def test_what_others_do_better_is_said(write):
    figures = section(write("transfer"), "Figures")
    assert "| stylefuse | 0.100 | 0.50 | 0.90 |" in figures
    _, worse = figures.split("Better than it:")
    assert worse.strip().splitlines() == [
        "- style distance: a published network (0.40)",
        "- low-pass SSIM: doing nothing (1.00)",
    ]
    best = {"stylefuse": METHODS["stylefuse"]}
    assert "Better than it" not in write("transfer", best)
    assert "It was not judged." in write("transfer", {})


def test_the_nearest_to_one_is_best_where_that_is_wanted(write):
    methods = {"training pictures": {"variety": 1.05}, "stylefuse": {"variety": 0.9}}
    assert "- variety: training pictures (1.05)" in write("portrait", methods)
    methods["training pictures"]["variety"] = 1.2
    assert "Better than it" not in write("portrait", methods)


def test_the_samples_go_with_it(write, tmp_path):
    assert f"![Samples]({SAMPLES})" in write("transfer")
    with Image.open(tmp_path / "card" / SAMPLES) as picture:
        assert picture.size == (640, 384)
    assert (tmp_path / "card" / SAMPLES).stat().st_size < 300_000
    assert "## Samples" not in write("transfer", sample_grids=[])


def test_the_same_run_makes_the_same_card(write):
    assert write("restore") == write("restore")
    assert "sources that are not told" in write("restore", licences=LICENCES[:0])


def test_a_model_that_is_given_no_pictures_claims_no_limit_of_them(write):
    limits = section(write("portrait"), "Limits")
    assert "million pixels" not in limits
    assert f"up to {PARAMS.serve.max_batch} pictures to a request" in limits


@pytest.mark.parametrize("name", ["run.json", "pictures.json"])
@pytest.mark.parametrize("content", ["{", "3", "\\"])
def test_torn_accounts_of_the_weights_it_begins_with_are_named(write, tmp_path, name, content):
    begun = tmp_path / "begun"
    begun.mkdir()
    (begun / name).write_text(content)
    settings = PARAMS.train("transfer").model_copy(update={"start": str(begun)})
    models = PARAMS.models | {"transfer": {PARAMS.profile: settings}}
    params = PARAMS.model_copy(update={"models": models})
    with pytest.raises(UserError, match=rf"{name} cannot be read"):
        write("transfer", params=params)
