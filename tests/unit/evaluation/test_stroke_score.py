"""The stroke score sees brushwork, whatever its colours, and no other change."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from stylefuse.evaluation.metrics.ssim import luminance
from stylefuse.evaluation.metrics.stroke_score import StrokeScore, StrokeSpace, equalised
from stylefuse.evaluation.painting_halves import CROPS, halve
from tests.unit.evaluation.conftest import SimpleNetwork, scenes

SIDE = 64
HATCHING = {"horizontal": (0, 4, 0), "vertical": (0, 0, 4), "fine": (0, 1, 1)}  # blur of noise


def hatched(name: str, seed: int, count: int) -> np.ndarray:
    """Grey pictures with strokes of one direction, uint8 `[count, SIDE, SIDE, 3]`."""
    noise = np.random.default_rng(seed).normal(size=(count, SIDE, SIDE))
    strokes = gaussian_filter(noise, HATCHING[name])
    levels = np.clip(128 + 45 * strokes / strokes.std(), 0, 255)
    return np.repeat(levels[..., None], 3, axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def score():
    training = [*scenes(8, 1), *(x for name in HATCHING for x in hatched(name, 2, 4))]
    space = StrokeSpace(SimpleNetwork().maps, np.stack(training))
    crops = np.stack([hatched(name, 3, CROPS) for name in HATCHING])
    return StrokeScore(space, crops, scenes(2, 4))


ROWS = np.array([[0, 0], [1, 1], [0, 2]])
CONTENTS = scenes(2, 4)[ROWS[:, 0]]
PAINTED = np.concatenate([hatched(name, 5, 1) for name in HATCHING])


def test_a_photograph_has_none_and_another_picture_of_the_painter_all(score):
    assert score(CONTENTS, ROWS).stroke_score == pytest.approx(0, abs=1e-9)
    scores = score(PAINTED, ROWS)
    assert scores.stroke_score.mean() == pytest.approx(1, abs=0.1)
    assert (scores.stroke_score > 0.7).all()
    assert scores.nearest.all()


def test_another_painters_strokes_do_not_count(score):
    scores = score(PAINTED[[1, 0, 0]], ROWS)
    assert (scores.stroke_score < 0.7).all()
    assert not scores.nearest.any()


def test_colour_and_contrast_do_not_count(score):
    dull = (PAINTED * [0.3, 0.5, 0.2] + [90, 40, 70]).astype(np.uint8)
    assert score(dull, ROWS).stroke_score == pytest.approx(
        score(PAINTED, ROWS).stroke_score, abs=0.1
    )
    tinted = (0.6 * CONTENTS + [40, 30, 60]).astype(np.uint8)
    assert score(tinted, ROWS).stroke_score == pytest.approx(0, abs=0.1)


def test_more_strokes_score_more(score):
    way = [
        score(((1 - s) * CONTENTS + s * PAINTED).astype(np.uint8), ROWS).stroke_score.mean()
        for s in (0, 0.15, 0.3, 0.45, 0.6)
    ]
    assert way == sorted(way)


def test_an_equalised_picture_has_the_histogram_and_the_order_of_its_levels():
    picture = scenes(1, 6)[0]
    histogram = np.linspace(20, 220, 257)
    grey = equalised(picture, histogram)
    assert np.quantile(grey, [0, 0.25, 0.5, 1]) == pytest.approx([20, 70, 120, 220], abs=1)
    before, after = luminance(picture).ravel(), grey.ravel()
    order = np.argsort(before, kind="stable")
    brighter = before[order][1:] > before[order][:-1]
    assert (np.diff(after[order])[brighter] >= -1).all()
    flat = equalised(np.full((SIDE, SIDE, 3), 7, np.uint8), histogram)
    assert np.isfinite(flat).all()


@pytest.mark.parametrize("size", [(90, 64), (64, 90), (64, 64)])
def test_the_half_that_judges_is_not_given_to_the_model(size, tmp_path):
    width, height = size
    picture = np.zeros((height, width, 3), np.uint8)
    if width >= height:
        picture[:, width // 2 + 1 :] = 255
    else:
        picture[height // 2 + 1 :] = 255
    Image.fromarray(picture).save(tmp_path / "painting.png")
    halves = halve([str(tmp_path / "painting.png")], 64)
    assert halves.styles[0].mean() < 10
    assert halves.crops.shape == (1, CROPS, 32, 32, 3)
    assert halves.crops.mean() > 240
