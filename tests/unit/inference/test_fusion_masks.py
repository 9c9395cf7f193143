"""Fusion masks: exact ends, no jumps, and each mode does what it says."""

import numpy as np
import pytest
from skimage import data

from stylefuse.errors import UserError
from stylefuse.inference.fusion_masks import content_mask, saliency_mask, shift_mask, style_regions
from stylefuse.inference.options import FusionOptions

BALANCES = [tenth / 10 for tenth in range(11)]
MODES = ("saliency", "mask", "scalar")


@pytest.fixture(scope="module")
def luminances():
    """The luminances of two photographs, `[2, 120, 160]`."""
    pictures = (data.astronaut()[:480, :510:3], data.coffee()[:400:3, :480:3])
    return np.stack([np.float32(picture.mean(-1)[:120, :160]) for picture in pictures])


@pytest.fixture(scope="module")
def disc():
    """A white disc on black."""
    y, x = np.mgrid[:120, :160]
    return np.float32((y - 60) ** 2 + (x - 80) ** 2 < 40**2)


def mask_of(luminances, disc, mode, balance):
    options = FusionOptions(content_balance=balance, mode=mode)
    return content_mask(*luminances, options, disc if mode == "mask" else None)


@pytest.mark.parametrize("mode", MODES)
def test_at_the_ends_only_one_picture_shows(luminances, disc, mode):
    for balance in (0.0, 1.0):
        mask = mask_of(luminances, disc, mode, balance)
        assert mask.shape == (120, 160)
        assert mask.dtype == np.float32
        assert (mask == balance).all()


@pytest.mark.parametrize("mode", MODES)
def test_more_balance_shows_more_of_a_everywhere(luminances, disc, mode):
    masks = np.stack([mask_of(luminances, disc, mode, balance) for balance in BALANCES])
    assert (np.diff(masks, axis=0) >= 0).all()
    assert (np.diff(masks.mean((1, 2))) > 0).all()


@pytest.mark.parametrize("mode", ["saliency", "scalar"])
def test_the_balance_is_the_share_of_a(luminances, disc, mode):
    shares = [mask_of(luminances, disc, mode, balance).mean() for balance in BALANCES]
    np.testing.assert_allclose(shares, BALANCES, atol=1e-3)


def test_saliency_shows_the_more_detailed_picture():
    noise = np.random.default_rng(0).uniform(0, 255, (96, 96))
    flat = np.full((96, 96), 128.0)
    a, b = np.where(np.arange(96) < 48, (noise, flat), (flat, noise))
    mask = saliency_mask(a, b, 0.5)
    assert mask[:, :36].min() > 0.9
    assert mask[:, 60:].max() < 0.1
    np.testing.assert_allclose(saliency_mask(b, a, 0.5), 1 - mask, atol=0.01)
    np.testing.assert_allclose(saliency_mask(100 + 0.5 * a, 100 + 0.5 * b, 0.5), mask, atol=0.1)


def test_saliency_shows_one_picture_at_most_places(luminances):
    mask = saliency_mask(*luminances, 0.5)
    assert ((mask > 0.1) & (mask < 0.9)).mean() < 0.3


def test_a_given_mask_keeps_its_shape_and_gets_a_soft_edge(luminances, disc):
    mask = mask_of(luminances, disc, "mask", 0.5)
    y, x = np.mgrid[:120, :160]
    edge_distance = abs(np.hypot(y - 60, x - 80) - 40)
    np.testing.assert_allclose(mask[edge_distance > 8], disc[edge_distance > 8], atol=1e-4)
    assert 0.2 < mask[edge_distance < 1].mean() < 0.8


def test_a_mask_is_shifted_by_its_odds():
    mask = np.float32([0, 0.2, 0.5, 0.9, 1])
    np.testing.assert_allclose(shift_mask(mask, 0.5), mask, atol=1e-6)
    np.testing.assert_array_equal(shift_mask(mask, 1.0), 1)
    np.testing.assert_array_equal(shift_mask(mask, 0.0), 0)
    np.testing.assert_allclose(shift_mask(mask, 0.3), 1 - shift_mask(1 - mask, 0.7), atol=1e-6)
    assert (shift_mask(mask, 0.7) >= shift_mask(mask, 0.6)).all()
    np.testing.assert_array_equal(shift_mask(mask, 0.7)[[0, -1]], [0, 1])  # certain places stay


def test_regions_are_shares_of_both_styles():
    mask = np.random.default_rng(0).random((8, 9), dtype=np.float32)
    for balance in BALANCES:
        shares = style_regions(mask, balance)
        assert shares.shape == (8, 9, 2)
        assert shares.dtype == np.float32
        np.testing.assert_allclose(shares.sum(-1), 1, atol=1e-6)
        np.testing.assert_array_equal(shares[..., 0], shift_mask(mask, balance))


def test_a_mode_that_does_not_fit_the_mask_is_refused(luminances, disc):
    with pytest.raises(UserError, match="'mask' needs a mask") as error:
        content_mask(*luminances, FusionOptions(mode="mask"), None)
    assert error.value.code == "mask-missing"
    for mode in ("saliency", "scalar"):
        with pytest.raises(UserError, match=f"'{mode}' takes no mask") as error:
            content_mask(*luminances, FusionOptions(mode=mode), disc)
        assert error.value.code == "mask-unexpected"
