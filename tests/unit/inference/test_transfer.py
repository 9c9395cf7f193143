"""The artist keeps what it promises to keep, whatever the weights have learned."""

import numpy as np
import pytest

from stylefuse.errors import UserError
from stylefuse.inference.colour_preservation import matched
from stylefuse.inference.options import FusionOptions, TransferOptions, TransferRequestOptions
from stylefuse.models.saving import load_predictor
from tests.support.models import make_model, noise

DEFAULTS, DIALS = TransferOptions(), TransferRequestOptions()


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    _, predictor = load_predictor(make_model(tmp_path_factory.mktemp("model")), max_side=64)
    return predictor


@pytest.fixture(scope="module")
def code(predictor):
    return predictor.style_code([noise(40, 30, seed=1)])


@pytest.mark.parametrize("size", [(40, 30), (31, 17), (1, 1), (3, 60)])
def test_the_size_is_the_contents(predictor, code, size):
    assert predictor.transfer(noise(*size), code, DEFAULTS).size == size


@pytest.mark.parametrize(
    ("own", "asked", "painted"),
    [((40, 30), 20, (20, 15)), ((40, 30), 60, (60, 45)), ((128, 96), 0, (64, 48)),
     ((200, 1), 0, (64, 1))],
)  # fmt: skip
def test_another_size(predictor, code, own, asked, painted):
    assert predictor.transfer(noise(*own), code, TransferOptions(size=asked)).size == painted


def test_a_request_is_a_content_and_a_style(predictor, code):
    content = noise(40, 30)
    painted = predictor.paint({"content": content, "style": noise(40, 30, seed=1)}, DIALS)
    np.testing.assert_array_equal(painted, predictor.transfer(content, code, DEFAULTS))


def test_a_request_may_hold_several_styles(predictor):
    content, styles = noise(40, 30), [noise(40, 30, seed=1), noise(30, 40, seed=2)]
    options = TransferRequestOptions(style_weights=(1, 3), strength=0.5)
    painted = predictor.paint({"content": content, "style": styles}, options)
    code = predictor.style_code(styles, [1, 3])
    np.testing.assert_array_equal(painted, predictor.transfer(content, code, options))
    with pytest.raises(UserError, match="holds 2 numbers for 1 styles"):
        predictor.paint({"content": content, "style": styles[0]}, options)


def test_a_request_may_hold_another_picture_to_fuse_with(predictor, code):
    a, b, mask = noise(40, 30), noise(30, 40, seed=2), noise(40, 30, seed=3)
    fused = predictor.paint(
        {"content": a, "other": b, "mask": mask}, TransferRequestOptions(content_balance=0.4)
    )
    options = FusionOptions(0.4, mode="mask")
    np.testing.assert_array_equal(fused, predictor.fuse(a, b, options, mask))
    styled = predictor.paint({"content": a, "other": b, "style": noise(40, 30, seed=1)}, DIALS)
    np.testing.assert_array_equal(styled, predictor.fuse(a, b, FusionOptions(), style=code))


@pytest.mark.parametrize("held", [{}, {"mask": noise(40, 30)}])
def test_a_request_that_is_neither_is_told_what_it_lacks(predictor, held):
    with pytest.raises(UserError, match="send"):
        predictor.paint({"content": noise(40, 30), **held}, DIALS)


def test_transparency_is_kept(predictor, code):
    content = noise(24, 20, "RGBA")
    painted = predictor.transfer(content, code, DEFAULTS)
    assert painted.mode == "RGBA"
    np.testing.assert_array_equal(painted.getchannel("A"), content.getchannel("A"))


def test_colours_are_kept_where_asked(predictor, code):
    content = noise(32, 32).resize((8, 8)).resize((32, 32))
    free = predictor.transfer(content, code, DEFAULTS)
    kept = predictor.transfer(content, code, TransferOptions(preserve_color="luminance"))

    def luminance(picture):
        return np.asarray(picture.convert("YCbCr"), float)[..., 0]

    def chroma(picture):
        return np.asarray(picture.convert("YCbCr"), float)[..., 1:]

    inside = (np.asarray(kept) > 0).all(-1) & (np.asarray(kept) < 255).all(-1)  # not clipped
    assert inside.mean() > 0.2
    assert abs(chroma(kept) - chroma(content))[inside].max() <= 2
    assert abs(luminance(kept) - luminance(free))[inside].max() <= 2


def test_a_paintings_colours_are_matched_to_its_contents(predictor, code):
    content = noise(32, 32).point(lambda level: 60 + level // 3)
    kept = predictor.transfer(content, code, TransferOptions(preserve_color="match"))
    painted, wanted = (np.asarray(p, float).reshape(-1, 3) for p in (kept, content))
    np.testing.assert_allclose(painted.mean(0), wanted.mean(0), atol=2)
    np.testing.assert_allclose(np.cov(painted.T), np.cov(wanted.T), rtol=0.2, atol=60)
    with pytest.raises(UserError, match="none, luminance, match, not 'hue'"):
        TransferOptions(preserve_color="hue")


def test_a_painting_of_one_colour_has_none_to_be_matched():
    flat = np.full((8, 8, 3), 90, np.uint8)
    assert np.ptp(matched(flat, np.asarray(noise(8, 8)))) <= np.ptp(np.asarray(noise(8, 8)))


def test_weights_mix_the_styles(predictor):
    a, b = noise(40, 30, seed=1), noise(30, 40, seed=2).point(lambda level: level // 3)
    one, two = predictor.style_code([a]), predictor.style_code([b])
    mixed = predictor.style_code([a, b], [3, 1])
    np.testing.assert_allclose(mixed, 0.75 * one + 0.25 * two, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(mixed, predictor.style_code([a, b], [0.75, 0.25]))


def test_a_very_long_style_does_not_fill_the_memory(predictor):
    assert np.isfinite(predictor.style_code([noise(4000, 1)])).all()


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_strength_out_of_range_is_refused(strength):
    with pytest.raises(UserError, match="strength must be a number from 0 to 1"):
        TransferOptions(strength=strength)


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_a_weight_out_of_range_is_refused(predictor, weight):
    with pytest.raises(UserError, match="weight must be a positive number"):
        predictor.style_code([noise(8, 8), noise(8, 8)], [1, weight])


def test_a_size_out_of_range_is_refused(predictor, code):
    with pytest.raises(UserError, match="more than the 64 pixels"):
        predictor.transfer(noise(8, 8), code, TransferOptions(size=65))
    with pytest.raises(UserError, match="size must be"):
        TransferOptions(size=-1)


MODES = ["saliency", "scalar", "mask"]


def own(predictor, picture):
    """A picture painted in its own style."""
    return np.asarray(predictor.transfer(picture, predictor.style_code([picture]), DEFAULTS), int)


def fused(predictor, a, b, *dials, **more):
    options = FusionOptions(*dials, **more)
    mask = noise(9, 9, "L") if options.mode == "mask" else None
    return np.asarray(predictor.fuse(a, b, options, mask), int)


@pytest.mark.parametrize("more", [{}, {"style_by_region": True}, {"seamless": True}], ids=str)
@pytest.mark.parametrize("mode", MODES)
def test_a_fusion_at_its_ends_is_a_picture_in_its_own_style(predictor, mode, more):
    a, b = noise(40, 32, seed=1), noise(40, 32, seed=2).point(lambda level: level // 3)
    for balance, whole in ((1, own(predictor, a)), (0, own(predictor, b))):
        assert abs(fused(predictor, a, b, balance, balance, mode=mode, **more) - whole).max() <= 1


def test_content_and_style_are_turned_apart(predictor):
    a, b = noise(40, 32, seed=1), noise(40, 32, seed=2).point(lambda level: level // 3)
    crossed = fused(predictor, a, b, 1, 0)
    expected = np.asarray(predictor.transfer(a, predictor.style_code([b]), DEFAULTS), int)
    assert abs(crossed - expected).max() <= 1
    strokes = fused(predictor, a, b, 1, 0, 1)
    assert abs(strokes - crossed).max() > 1
    assert abs(strokes - own(predictor, a)).mean() > 10  # the palette is still B's


def test_a_third_style_takes_the_place_of_both(predictor, code):
    a, b = noise(40, 32, seed=1), noise(40, 32, seed=2)
    painted = np.asarray(predictor.fuse(a, b, FusionOptions(1, 0.5), style=code), int)
    assert abs(painted - np.asarray(predictor.transfer(a, code, DEFAULTS), int)).max() <= 1


def test_a_fusion_has_the_size_of_a(predictor):
    fusion = predictor.fuse(noise(50, 31, "RGBA"), noise(20, 70), FusionOptions())
    assert (fusion.size, fusion.mode) == ((50, 31), "RGB")
    assert predictor.fuse(noise(128, 96), noise(8, 8), FusionOptions()).size == (64, 48)
