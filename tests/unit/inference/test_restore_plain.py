"""Photographs that need no mending: what is grey, flat or transparent stays so, at any size."""

import numpy as np
import pytest
from PIL import Image

from stylefuse.inference.options import RestoreOptions
from stylefuse.inference.predictor import load_predictor
from tests.support.models import make_model

Y, X = np.indices((48, 64))
NOISE = np.random.default_rng(0).integers(60, 200, (48, 64, 1))
COLOURS = np.stack([4 * X, 5 * Y, 255 - 4 * X], -1)


def grey(levels):
    return np.broadcast_to(np.asarray(levels), (*np.shape(levels)[:2], 3))


PICTURES = {
    "ramp": grey(4 * X[..., None]), "dark ramp": grey(X[..., None] // 8),
    "light ramp": grey(246 + X[..., None] // 8), "noise": grey(NOISE),
    "checks": grey(255 * ((X // 4 + Y // 4) % 2)[..., None]),
    "strip": grey(np.arange(200).reshape(1, 200, 1)),
    "tall strip": grey(np.arange(99).reshape(-1, 1, 1)),
    "black": np.zeros((40, 40, 3)), "white": np.full((40, 40, 3), 255),
    "red": np.full((33, 31, 3), (200, 30, 30)), "one pixel": np.full((1, 1, 3), (90, 60, 30)),
    "six pixels": np.full((3, 2, 3), 77),
}  # fmt: skip


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return load_predictor(make_model(tmp_path_factory.mktemp("model"), "restore"))


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("has_alpha", [False, True])
def test_grey_stays_grey_and_one_colour_stays_itself(predictor, name, has_alpha):
    picture = Image.fromarray(PICTURES[name].astype(np.uint8))
    if has_alpha:
        picture.putalpha(Image.linear_gradient("L").resize(picture.size).point(lambda v: v | 128))
    restored = predictor.paint({"picture": picture}, RestoreOptions(1.0))
    assert (restored.size, restored.mode) == (picture.size, picture.mode)
    before, after = (np.asarray(p)[..., :3].astype(int) for p in (picture, restored))
    if np.ptp(before, axis=-1).max() == 0:
        assert np.ptp(after, axis=-1).max() <= 1
    if not has_alpha and np.ptp(before, axis=(0, 1)).max() == 0:
        assert abs(after - before).max() <= 2
    if has_alpha:
        assert restored.getchannel("A").tobytes() == picture.getchannel("A").tobytes()


@pytest.mark.parametrize("alpha", [1, 77, 128, 254])
def test_a_strength_of_0_changes_nothing_that_is_seen(predictor, alpha):
    picture = Image.fromarray(COLOURS.clip(0, 255).astype(np.uint8))
    picture.putalpha(alpha)
    restored = predictor.paint({"picture": picture}, RestoreOptions(0.0))
    assert restored.tobytes() == picture.tobytes()
