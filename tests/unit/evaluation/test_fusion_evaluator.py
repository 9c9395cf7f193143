"""The judge of fusions on some whose figures are known: a cross-fade, and dials that are loose."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from stylefuse.evaluation.evaluators import fusion
from stylefuse.evaluation.pairs import Pairs
from tests.unit.evaluation.conftest import scenes, see

PHOTOGRAPHS, PAINTINGS = scenes(5, 1), scenes(4, 2)
ROWS = np.array([(i, j) for i in range(5) for j in range(4)])
PAIRS = Pairs(PHOTOGRAPHS, PAINTINGS, ROWS, PAINTINGS, np.arange(4))


def predictor(share):
    """Fuses pixels by what `share` makes of the options."""

    def fuse(a, b, options, mask=None):
        return Image.blend(b, a, share(options))

    stylizer = SimpleNamespace(render=lambda picture, code: picture)
    return SimpleNamespace(fuse=fuse, style_code=lambda pictures: None, stylizer=stylizer)


@pytest.fixture
def couples(monkeypatch):
    monkeypatch.setattr(fusion, "COUPLES", 4)
    return fusion.make_couples(PAIRS, seed=3)


def test_couples_are_half_of_both_kinds_and_never_a_picture_with_itself(couples):
    photographs, paintings = (
        {picture.tobytes() for picture in pictures} for pictures in (PHOTOGRAPHS, PAINTINGS)
    )
    kinds = [tuple(x.tobytes() in photographs for x in couple) for couple in couples]
    assert kinds == [(True, False)] * 4 + [(True, True)] * 2 + [(False, False)] * 2
    assert all((a != b).any() for a, b in couples)
    assert {x.tobytes() for couple in couples for x in couple} <= photographs | paintings
    again = fusion.make_couples(PAIRS, seed=3)
    assert all(np.array_equal(x, y) for x, y in zip(couples, again, strict=True))


def test_a_cross_fade_by_the_content_dial(couples):
    result = fusion.evaluate_fusion(predictor(lambda o: o.content_balance), see, couples)
    content, style = result["dials"]["content"], result["dials"]["style"]
    assert content["monotonicity"] == 1
    assert content["reach"] == pytest.approx(1)
    assert content["smoothness"] == pytest.approx(1, abs=0.05)
    assert style["monotonicity"] == style["reach"] == 0
    assert result["largest_difference"] == 0
    assert result["ends"]["fusion at the ends"] == {"ssim": pytest.approx(1), "difference": 0}

    modes = result["modes"]
    assert modes["saliency"]["double_exposure"] == pytest.approx(1, abs=0.02)
    assert modes["saliency"] == pytest.approx(modes["cross-fade"], abs=0.05)
    assert modes["cut"]["double_exposure"] < 0.3
    assert modes["cut"]["seam_energy"] > 3 > modes["cross-fade"]["seam_energy"]


def test_a_jumping_dial_is_not_smooth_and_a_wrong_end_is_seen(couples):
    jumping = fusion.evaluate_fusion(
        predictor(lambda o: float(o.content_balance > 0.5)), see, couples
    )
    steps = len(fusion.DIAL) - 1
    assert jumping["dials"]["content"]["smoothness"] == pytest.approx(steps)
    stuck = fusion.evaluate_fusion(predictor(lambda o: 1.0), see, couples)
    assert stuck["dials"]["content"]["reach"] == 0
    assert stuck["largest_difference"] > 20
