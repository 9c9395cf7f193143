"""The fusion evaluator on predictors with known metrics: cross-fades with and without effect."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from stylefuse.evaluation.evaluators import fusion
from stylefuse.evaluation.pairs import Pairs
from tests.unit.evaluation.conftest import SimpleNetwork, scenes

PHOTOGRAPHS, PAINTINGS = scenes(5, 1), scenes(4, 2)
ROWS = np.array([(i, j) for i in range(5) for j in range(4)])
PAIRS = Pairs(PHOTOGRAPHS, PAINTINGS, ROWS, PAINTINGS, np.arange(4))


def cross_fading_predictor(share):
    """A predictor that blends pixels; `share` computes the share of A from the options."""

    def fuse(a, b, options, mask=None):
        return Image.blend(b, a, share(options))

    stylizer = SimpleNamespace(render=lambda picture, code: picture)
    style = SimpleNamespace(code=None)
    return SimpleNamespace(fuse=fuse, style=lambda pictures: style, stylizer=stylizer)


@pytest.fixture
def fusion_pairs(monkeypatch):
    monkeypatch.setattr(fusion, "MAX_PAIRS", 4)
    return fusion.make_fusion_pairs(PAIRS, seed=3)


def test_half_of_the_pairs_mix_domains_and_no_picture_is_paired_with_itself(fusion_pairs):
    photographs, paintings = (
        {picture.tobytes() for picture in pictures} for pictures in (PHOTOGRAPHS, PAINTINGS)
    )
    kinds = [tuple(x.tobytes() in photographs for x in pair) for pair in fusion_pairs]
    assert kinds == [(True, False)] * 4 + [(True, True)] * 2 + [(False, False)] * 2
    assert all((a != b).any() for a, b in fusion_pairs)
    assert {x.tobytes() for pair in fusion_pairs for x in pair} <= photographs | paintings
    again = fusion.make_fusion_pairs(PAIRS, seed=3)
    assert all(np.array_equal(x, y) for x, y in zip(fusion_pairs, again, strict=True))


def test_a_cross_fade_by_the_content_balance(fusion_pairs):
    result = fusion.evaluate_fusion(
        cross_fading_predictor(lambda o: o.content_balance), SimpleNetwork(), fusion_pairs
    )
    content, style = result["balances"]["content"], result["balances"]["style"]
    assert content["monotonicity"] == 1
    assert content["reach"] == pytest.approx(1)
    assert content["smoothness"] == pytest.approx(1, abs=0.05)
    assert style["monotonicity"] == style["reach"] == 0
    assert result["max_difference"] == 0
    assert result["endpoints"]["fusion"] == {"ssim": pytest.approx(1), "difference": 0}

    modes = result["modes"]
    assert modes["saliency"]["double_exposure"] == pytest.approx(1, abs=0.02)
    assert modes["saliency"] == pytest.approx(modes["cross-fade"], abs=0.05)
    assert modes["cut"]["double_exposure"] < 0.3
    assert modes["cut"]["seam_energy"] > 3 > modes["cross-fade"]["seam_energy"]


def test_a_step_is_not_smooth_and_a_wrong_endpoint_is_detected(fusion_pairs):
    jumping = fusion.evaluate_fusion(
        cross_fading_predictor(lambda o: float(o.content_balance > 0.5)),
        SimpleNetwork(),
        fusion_pairs,
    )
    steps = len(fusion.BALANCES) - 1
    assert jumping["balances"]["content"]["smoothness"] == pytest.approx(steps)
    stuck = fusion.evaluate_fusion(
        cross_fading_predictor(lambda o: 1.0), SimpleNetwork(), fusion_pairs
    )
    assert stuck["balances"]["content"]["reach"] == 0
    assert stuck["max_difference"] > 20
