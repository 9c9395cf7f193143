"""Kinds of degradation that are mended for certain, or left as they are."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stylefuse.errors import UserError
from stylefuse.evaluation.metrics.psnr import psnr
from stylefuse.inference.degradation_features import degradation_features
from stylefuse.inference.degradation_kinds import COLOURS, FREQUENT, KINDS, MENDED_AS
from stylefuse.inference.degradation_switches import probability_bounds
from stylefuse.inference.options import RestoreOptions
from stylefuse.inference.predictor import load_predictor
from stylefuse.models.restore import degradation
from stylefuse.models.restore.networks import BOUNDED
from stylefuse.paths import BASE_MODELS
from tests.support.models import make_model

PHOTOGRAPH = np.asarray(Image.fromarray(data.astronaut()).resize((256, 256), Image.Resampling.BOX))


@pytest.fixture(scope="module")
def predictor():
    return load_predictor(BASE_MODELS / "restore")


def damaged(kind, seed=0):
    return degradation.degrade(PHOTOGRAPH, kind, np.random.default_rng(seed))


def test_the_kinds_are_those_of_training():
    assert set(KINDS) == set(degradation.DETAIL | degradation.COLOURS)
    assert set(COLOURS) == set(degradation.COLOURS)
    assert set(KINDS) >= set(MENDED_AS)
    assert set(FREQUENT) >= set(MENDED_AS.values())


def test_bounds_force_a_kind_with_its_filter_and_exclude_the_others():
    low, high = probability_bounds(["folds"], [])
    expected = [kind == "scratches" for kind in FREQUENT] + [kind == "folds" for kind in KINDS]
    np.testing.assert_array_equal(low, [*expected, True])
    np.testing.assert_array_equal(high, low)
    low, high = probability_bounds(["sepia"], [])
    assert low[-1] == 0  # its detail is not degraded


def test_a_remedy_is_excluded_only_with_all_kinds_that_it_mends():
    noise = FREQUENT.index("noise")
    _, high = probability_bounds([], ["noise", "grain"])
    assert high[noise] == 1
    low, high = probability_bounds([], ["noise", "grain", "halftone"])
    assert high[noise] == 0
    assert low.shape == (BOUNDED,)
    assert low.max() == 0


def test_without_switches_the_graph_is_as_without_bounds(predictor):
    picture = damaged("scratches")
    inputs = {"picture": picture[None], "features": degradation_features(picture)[None]}
    graph = predictor.model.graph("restorer")
    free = graph(**inputs, bounds=probability_bounds([], []))["restored"]
    np.testing.assert_array_equal(free, graph(**inputs)["restored"])


def test_scratches_that_are_not_detected_are_mended_if_asked_for(predictor):
    scratched = damaged("scratches")
    assert psnr(scratched, predictor.render(scratched)) > 50
    mended = predictor.render(scratched, RestoreOptions(only=["scratches"]))
    assert psnr(PHOTOGRAPH, mended) > psnr(PHOTOGRAPH, scratched) + 3


@pytest.mark.parametrize("kind", ["noise", "sepia", "jpeg"])
def test_a_kind_that_is_kept_stays(predictor, kind):
    picture = damaged(kind)
    kept = predictor.render(picture, RestoreOptions(keep=[kind]))
    assert psnr(picture, kept) > psnr(picture, predictor.render(picture)) + 10


def test_what_a_computer_drew_is_mended_if_asked_for(predictor):
    sheet = np.full((64, 96, 3), 230, np.uint8)
    sheet[20:40, 30:60] = 90, 40, 160
    np.testing.assert_array_equal(predictor.render(sheet), sheet)
    assert (predictor.render(sheet, RestoreOptions(only=["blur"])) != sheet).any()


def test_a_version_without_bounds_says_so_and_goes_on_working(tmp_path, monkeypatch):
    old = load_predictor(make_model(tmp_path, "restore"))
    monkeypatch.setattr(type(old.model.graph("restorer")), "takes", lambda *_: False)
    assert old.render(PHOTOGRAPH).shape == PHOTOGRAPH.shape
    with pytest.raises(UserError) as error:
        old.render(PHOTOGRAPH, RestoreOptions(keep=["noise"]))
    assert error.value.code == "switches-missing"
