"""The dials of a fusion: exact ends, no jumps, and each mode does what it says."""

import numpy as np
import pytest
from skimage import data

from stylefuse.errors import UserError
from stylefuse.inference.fusion_masks import content_mask, leaning, saliency, style_regions
from stylefuse.inference.options import FusionOptions

BALANCES = [tenth / 10 for tenth in range(11)]
MODES = ("saliency", "mask", "scalar")


@pytest.fixture(scope="module")
def light():
    """The luminances of two photographs, `[2, 120, 160]`."""
    both = (data.astronaut()[:480, :510:3], data.coffee()[:400:3, :480:3])
    return np.stack([np.float32(picture.mean(-1)[:120, :160]) for picture in both])


@pytest.fixture(scope="module")
def drawn():
    """A white disc."""
    y, x = np.mgrid[:120, :160]
    return np.float32((y - 60) ** 2 + (x - 80) ** 2 < 40**2)


def masked(light, drawn, mode, balance):
    options = FusionOptions(content_balance=balance, mode=mode)
    return content_mask(*light, options, drawn if mode == "mask" else None)


@pytest.mark.parametrize("mode", MODES)
def test_the_ends_are_whole(light, drawn, mode):
    for balance in (0.0, 1.0):
        mask = masked(light, drawn, mode, balance)
        assert mask.shape == (120, 160)
        assert mask.dtype == np.float32
        assert (mask == balance).all()


@pytest.mark.parametrize("mode", MODES)
def test_more_balance_shows_more_of_a_everywhere(light, drawn, mode):
    masks = np.stack([masked(light, drawn, mode, balance) for balance in BALANCES])
    assert (np.diff(masks, axis=0) >= 0).all()
    assert (np.diff(masks.mean((1, 2))) > 0).all()


@pytest.mark.parametrize("mode", ["saliency", "scalar"])
def test_a_balance_is_the_share_of_a(light, drawn, mode):
    shares = [masked(light, drawn, mode, balance).mean() for balance in BALANCES]
    np.testing.assert_allclose(shares, BALANCES, atol=1e-3)


def test_saliency_shows_where_more_goes_on(light):
    noise = np.random.default_rng(0).uniform(0, 255, (96, 96))
    flat, lively = np.full((96, 96), 128.0), noise
    a, b = np.where(np.arange(96) < 48, (lively, flat), (flat, lively))
    mask = saliency(a, b, 0.5)
    assert mask[:, :36].min() > 0.9
    assert mask[:, 60:].max() < 0.1
    np.testing.assert_allclose(saliency(b, a, 0.5), 1 - mask, atol=0.01)
    np.testing.assert_allclose(saliency(100 + 0.5 * a, 100 + 0.5 * b, 0.5), mask, atol=0.1)


def test_saliency_holds_one_picture_at_most_places(light):
    mask = saliency(*light, 0.5)
    assert ((mask > 0.1) & (mask < 0.9)).mean() < 0.3


def test_a_given_mask_is_kept_but_for_a_soft_edge(light, drawn):
    mask = masked(light, drawn, "mask", 0.5)
    y, x = np.mgrid[:120, :160]
    from_edge = abs(np.hypot(y - 60, x - 80) - 40)
    np.testing.assert_allclose(mask[from_edge > 8], drawn[from_edge > 8], atol=1e-4)
    assert 0.2 < mask[from_edge < 1].mean() < 0.8


def test_a_mask_leans():
    mask = np.float32([0, 0.2, 0.5, 0.9, 1])
    np.testing.assert_allclose(leaning(mask, 0.5), mask, atol=1e-6)
    np.testing.assert_array_equal(leaning(mask, 1.0), 1)
    np.testing.assert_array_equal(leaning(mask, 0.0), 0)
    np.testing.assert_allclose(leaning(mask, 0.3), 1 - leaning(1 - mask, 0.7), atol=1e-6)
    assert (leaning(mask, 0.7) >= leaning(mask, 0.6)).all()
    np.testing.assert_array_equal(leaning(mask, 0.7)[[0, -1]], [0, 1])  # no doubt there


def test_regions_are_shares_of_both_styles():
    mask = np.random.default_rng(0).random((8, 9), dtype=np.float32)
    for balance in BALANCES:
        shares = style_regions(mask, balance)
        assert shares.shape == (8, 9, 2)
        assert shares.dtype == np.float32
        np.testing.assert_allclose(shares.sum(-1), 1, atol=1e-6)
        np.testing.assert_array_equal(shares[..., 0], leaning(mask, balance))


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
@pytest.mark.parametrize("dial", ["content_balance", "style_balance", "detail_balance"])
def test_a_dial_out_of_range_is_refused(dial, value):
    with pytest.raises(UserError, match=f"{dial} must be a number from 0 to 1"):
        FusionOptions(**{dial: value})


def test_a_mode_needs_what_it_needs(light, drawn):
    with pytest.raises(
        UserError, match="mode must be one of auto, saliency, mask, scalar, not 'sum'"
    ):
        FusionOptions(mode="sum")
    with pytest.raises(UserError, match="'mask' needs a mask"):
        content_mask(*light, FusionOptions(mode="mask"), None)
    for mode in ("saliency", "scalar"):
        with pytest.raises(UserError, match=f"'{mode}' takes no mask"):
            content_mask(*light, FusionOptions(mode=mode), drawn)
