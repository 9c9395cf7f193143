"""The transfer predictor keeps its promises whatever the weights are."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stylefuse.errors import UserError
from stylefuse.evaluation.metrics.ssim import ssim
from stylefuse.images.open import BACKGROUND
from stylefuse.inference.colour_preservation import match_colour_distribution
from stylefuse.inference.options import FusionOptions, TransferOptions, TransferRequestOptions
from stylefuse.inference.predictor import load_predictor
from tests.support.models import make_model, noise
from tests.support.trainings import ROOT

DEFAULTS, REQUEST = TransferOptions(), TransferRequestOptions()


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return load_predictor(make_model(tmp_path_factory.mktemp("model")), max_side=64)


@pytest.fixture(scope="module")
def shipped():
    return load_predictor(ROOT / "models/base/transfer")


@pytest.fixture(scope="module")
def style(predictor):
    return predictor.style([noise(40, 30, seed=1)])


def test_only_the_ratios_of_weights_matter_however_large_they_are(predictor):
    pictures = [noise(40, 30, seed=1), noise(40, 30, seed=2)]
    codes = [predictor.style(pictures, [2 * w, w]).code for w in (1.0, 1e-300, 8e307)]
    np.testing.assert_allclose(codes[1:], [codes[0]] * 2, rtol=1e-6)


@pytest.mark.parametrize("size", [(40, 30), (31, 17), (1, 1), (3, 60)])
def test_the_result_has_the_contents_size(predictor, style, size):
    assert predictor.transfer(noise(*size), style, DEFAULTS).size == size


@pytest.mark.parametrize(
    ("size", "option", "result"),
    [((40, 30), 20, (20, 15)), ((40, 30), 60, (60, 45)), ((128, 96), 0, (64, 48)),
     ((200, 1), 0, (64, 1))],
)  # fmt: skip
def test_another_size(predictor, style, size, option, result):
    assert predictor.transfer(noise(*size), style, TransferOptions(size=option)).size == result


def test_a_request_is_a_content_and_a_style(predictor, style):
    content = noise(40, 30)
    painted = predictor.paint({"content": content, "style": noise(40, 30, seed=1)}, REQUEST)
    np.testing.assert_array_equal(painted, predictor.transfer(content, style, DEFAULTS))


def test_a_request_may_hold_several_styles(predictor):
    content, styles = noise(40, 30), [noise(40, 30, seed=1), noise(30, 40, seed=2)]
    options = TransferRequestOptions(style_weights=(1, 3), strength=0.5)
    painted = predictor.paint({"content": content, "style": styles}, options)
    style = predictor.style(styles, [1, 3])
    np.testing.assert_array_equal(painted, predictor.transfer(content, style, options))
    with pytest.raises(UserError, match="holds 2 numbers for 1 styles") as error:
        predictor.paint({"content": content, "style": styles[0]}, options)
    assert error.value.code == "style-weight-invalid"


def test_a_request_may_hold_another_picture_to_fuse_with(predictor, style):
    a, b, mask = noise(40, 30), noise(30, 40, seed=2), noise(40, 30, seed=3)
    fused = predictor.paint(
        {"content": a, "other": b, "mask": mask}, TransferRequestOptions(content_balance=0.4)
    )
    options = FusionOptions(0.4, mode="mask")
    np.testing.assert_array_equal(fused, predictor.fuse(a, b, options, mask))
    styled = predictor.paint({"content": a, "other": b, "style": noise(40, 30, seed=1)}, REQUEST)
    np.testing.assert_array_equal(styled, predictor.fuse(a, b, FusionOptions(), style=style))


@pytest.mark.parametrize(
    ("others", "error_code"), [({}, "style-missing"), ({"mask": noise(40, 30)}, "mask-unexpected")]
)
def test_a_request_without_style_and_second_picture_is_refused(predictor, others, error_code):
    with pytest.raises(UserError, match="send") as error:
        predictor.paint({"content": noise(40, 30), **others}, REQUEST)
    assert error.value.code == error_code


def test_transparency_is_kept(predictor, style):
    content = noise(24, 20, "RGBA")
    painted = predictor.transfer(content, style, DEFAULTS)
    assert painted.mode == "RGBA"
    np.testing.assert_array_equal(painted.getchannel("A"), content.getchannel("A"))


def test_colours_can_be_preserved_by_luminance(predictor, style):
    content = noise(32, 32).resize((8, 8)).resize((32, 32))
    free = predictor.transfer(content, style, DEFAULTS)
    kept = predictor.transfer(content, style, TransferOptions(preserve_color="luminance"))

    def luminance(picture):
        return np.asarray(picture.convert("YCbCr"), float)[..., 0]

    def chroma(picture):
        return np.asarray(picture.convert("YCbCr"), float)[..., 1:]

    inside = (np.asarray(kept) > 0).all(-1) & (np.asarray(kept) < 255).all(-1)  # not clipped
    assert inside.mean() > 0.2
    assert abs(chroma(kept) - chroma(content))[inside].max() <= 2
    assert abs(luminance(kept) - luminance(free))[inside].max() <= 2


def test_colours_can_be_preserved_by_matching_the_distribution(predictor, style):
    content = noise(32, 32).point(lambda level: 60 + level // 3)
    kept = predictor.transfer(content, style, TransferOptions(preserve_color="match"))
    painted, target = (np.asarray(p, float).reshape(-1, 3) for p in (kept, content))
    np.testing.assert_allclose(painted.mean(0), target.mean(0), atol=2)
    np.testing.assert_allclose(np.cov(painted.T), np.cov(target.T), rtol=0.2, atol=60)


def test_a_painting_of_one_colour_is_not_stretched():
    flat = np.full((8, 8, 3), 90, np.uint8)
    reference = np.asarray(noise(8, 8))
    assert np.ptp(match_colour_distribution(flat, reference)) <= np.ptp(reference)


def test_weights_mix_the_styles(predictor):
    a, b = noise(40, 30, seed=1), noise(30, 40, seed=2).point(lambda level: level // 3)
    code_a, code_b = predictor.style([a]).code, predictor.style([b]).code
    mixed = predictor.style([a, b], [3, 1]).code
    np.testing.assert_allclose(mixed, 0.75 * code_a + 0.25 * code_b, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(mixed, predictor.style([a, b], [0.75, 0.25]).code)


def test_a_very_long_style_is_scaled_down(predictor):
    assert np.isfinite(predictor.style([noise(4000, 1)]).code).all()


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_a_weight_out_of_range_is_refused(predictor, weight):
    with pytest.raises(UserError, match="weight must be a positive number") as error:
        predictor.style([noise(8, 8), noise(8, 8)], [1, weight])
    assert error.value.code == "style-weight-invalid"


def test_a_size_out_of_range_is_refused(predictor, style):
    with pytest.raises(UserError, match="more than the 64 pixels") as error:
        predictor.transfer(noise(8, 8), style, TransferOptions(size=65))
    assert error.value.code == "option-out-of-range"


def test_strength_0_is_the_content_itself(predictor, style):
    content = noise(40, 30, "RGBA")
    unchanged = predictor.transfer(content, style, TransferOptions(0))
    np.testing.assert_array_equal(unchanged.getchannel("A"), content.getchannel("A"))
    pixels, expected = np.asarray(unchanged), np.array(content)
    is_clear = expected[..., 3] == 0
    expected[is_clear] = (*BACKGROUND, 0)  # its colours are not seen
    np.testing.assert_array_equal(pixels, expected)


def test_strokes_have_the_same_share_of_a_picture_of_any_size(shipped):
    """Painted small, or large and scaled down, a picture looks alike."""
    content = Image.fromarray(data.coffee()).resize((1800, 1200))
    style = shipped.style([Image.fromarray(data.astronaut()[:300, 200:])])
    small = shipped.transfer(content.resize((512, 341), Image.Resampling.LANCZOS), style, DEFAULTS)
    large = shipped.transfer(content, style, DEFAULTS)
    assert large.size == content.size
    scaled = large.resize(small.size, Image.Resampling.LANCZOS)
    assert ssim(np.asarray(small), np.asarray(scaled)) > 0.95


def test_smaller_strokes_take_a_larger_painting(shipped):
    content = Image.fromarray(data.coffee())
    style = shipped.style([Image.fromarray(data.astronaut()[:300, 200:])])
    coarse, fine = (
        shipped.transfer(content, style, TransferOptions(stroke_size=size))
        for size in (1 / 24, 1 / 64)
    )
    assert coarse.size == fine.size == content.size
    assert ssim(np.asarray(coarse), np.asarray(fine)) < 0.9


MODES = ["saliency", "scalar", "mask"]


def own(predictor, picture):
    """A picture painted in its own style."""
    return np.asarray(predictor.transfer(picture, predictor.style([picture]), DEFAULTS), int)


def fused(predictor, a, b, *values, **others):
    options = FusionOptions(*values, **others)
    mask = noise(9, 9, "L") if options.mode == "mask" else None
    return np.asarray(predictor.fuse(a, b, options, mask), int)


@pytest.mark.parametrize("others", [{}, {"style_by_region": True}, {"seamless": True}], ids=str)
@pytest.mark.parametrize("mode", MODES)
def test_a_fusion_at_its_ends_is_a_picture_in_its_own_style(predictor, mode, others):
    a, b = noise(40, 32, seed=1), noise(40, 32, seed=2).point(lambda level: level // 3)
    for balance, expected in ((1, own(predictor, a)), (0, own(predictor, b))):
        fusion = fused(predictor, a, b, balance, balance, mode=mode, **others)
        assert abs(fusion - expected).max() <= 1


def test_content_and_style_have_separate_balances(predictor):
    a, b = noise(40, 32, seed=1), noise(40, 32, seed=2).point(lambda level: level // 3)
    crossed = fused(predictor, a, b, 1, 0)
    expected = np.asarray(predictor.transfer(a, predictor.style([b]), DEFAULTS), int)
    assert abs(crossed - expected).max() <= 1
    strokes = fused(predictor, a, b, 1, 0, 1)
    assert abs(strokes - crossed).max() > 1
    assert abs(strokes - own(predictor, a)).mean() > 10  # the palette is still B's


def test_a_third_style_replaces_both(predictor, style):
    a, b = noise(40, 32, seed=1), noise(40, 32, seed=2)
    painted = np.asarray(predictor.fuse(a, b, FusionOptions(1, 0.5), style=style), int)
    assert abs(painted - np.asarray(predictor.transfer(a, style, DEFAULTS), int)).max() <= 1


def test_a_fusion_has_the_size_of_a(predictor):
    fusion = predictor.fuse(noise(50, 31, "RGBA"), noise(20, 70), FusionOptions())
    assert (fusion.size, fusion.mode) == ((50, 31), "RGB")
    assert predictor.fuse(noise(128, 96), noise(8, 8), FusionOptions()).size == (64, 48)


def test_a_mask_is_not_white_where_it_is_transparent(predictor):
    a, b = noise(40, 32, seed=1), noise(40, 32, seed=2)
    opaque = noise(40, 32, "L")
    transparent = Image.new("RGBA", opaque.size, "white")
    transparent.putalpha(opaque)
    options = FusionOptions(mode="mask")
    expected, fusion = (
        np.asarray(predictor.fuse(a, b, options, mask), int) for mask in (opaque, transparent)
    )
    assert abs(fusion - expected).max() <= 1
