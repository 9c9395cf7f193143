"""The painter keeps what it promises to keep, whatever the weights have learned."""

import numpy as np
import pytest

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.serving.painter import Painter, PaintOptions
from tests.serving.tiny import make_model, noise
from tests.test_config import SHIPPED


@pytest.fixture(scope="module")
def painter(tmp_path_factory):
    limits = load_params(SHIPPED).serve.model_copy(update={"max_side": 64})
    return Painter(make_model(tmp_path_factory.mktemp("model") / "transfer"), limits)


@pytest.fixture(scope="module")
def code(painter):
    return painter.style_code([noise(40, 30, seed=1)])


@pytest.mark.parametrize("size", [(40, 30), (31, 17), (1, 1), (3, 60)])
def test_the_size_is_the_contents(painter, code, size):
    assert painter.paint(noise(*size), code).size == size


@pytest.mark.parametrize(
    ("own", "asked", "painted"),
    [((40, 30), 20, (20, 15)), ((40, 30), 60, (60, 45)), ((128, 96), 0, (64, 48)),
     ((200, 1), 0, (64, 1))],
)  # fmt: skip
def test_another_size(painter, code, own, asked, painted):
    assert painter.paint(noise(*own), code, PaintOptions(size=asked)).size == painted


def test_transparency_is_kept(painter, code):
    content = noise(24, 20, "RGBA")
    painted = painter.paint(content, code)
    assert painted.mode == "RGBA"
    np.testing.assert_array_equal(painted.getchannel("A"), content.getchannel("A"))


def test_colours_are_kept_where_asked(painter, code):
    content = noise(32, 32).resize((8, 8)).resize((32, 32))
    free = painter.paint(content, code)
    kept = painter.paint(content, code, PaintOptions(preserve_color=True))

    def luminance(picture):
        return np.asarray(picture.convert("YCbCr"), float)[..., 0]

    def chroma(picture):
        return np.asarray(picture.convert("YCbCr"), float)[..., 1:]

    inside = (np.asarray(kept) > 0).all(-1) & (np.asarray(kept) < 255).all(-1)  # not clipped
    assert inside.mean() > 0.2
    assert abs(chroma(kept) - chroma(content))[inside].max() <= 2
    assert abs(luminance(kept) - luminance(free))[inside].max() <= 2


def test_weights_mix_the_styles(painter):
    a, b = noise(40, 30, seed=1), noise(30, 40, seed=2).point(lambda level: level // 3)
    one, two = painter.style_code([a]), painter.style_code([b])
    mixed = painter.style_code([a, b], [3, 1])
    np.testing.assert_allclose(mixed, 0.75 * one + 0.25 * two, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(mixed, painter.style_code([a, b], [0.75, 0.25]))


def test_a_very_long_style_does_not_fill_the_memory(painter):
    assert np.isfinite(painter.style_code([noise(4000, 1)])).all()


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_strength_out_of_range_is_refused(strength):
    with pytest.raises(UserError, match="strength must be a number from 0 to 1"):
        PaintOptions(strength=strength)


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_a_weight_out_of_range_is_refused(painter, weight):
    with pytest.raises(UserError, match="weight must be a positive number"):
        painter.style_code([noise(8, 8), noise(8, 8)], [1, weight])


def test_a_size_out_of_range_is_refused(painter, code):
    with pytest.raises(UserError, match="more than the 64 pixels"):
        painter.paint(noise(8, 8), code, PaintOptions(size=65))
    with pytest.raises(UserError, match="size must be"):
        PaintOptions(size=-1)
