"""Masks of a fusion: where each picture's content and style show."""

import numpy as np

from stylefuse.inference.cosine_transform import gaussian_blur
from stylefuse.inference.options import FusionOptions

# as shares of the picture's width
GRADIENT_SCALE = 0.004
ACTIVITY_SCALE = 0.04
FEATHER = 0.01  # of a given mask's edge

SHARPNESS = 25.0  # of the transition between the pictures, per unit of rank


def content_mask(
    a: np.ndarray, b: np.ndarray, options: FusionOptions, mask: np.ndarray | None
) -> np.ndarray:
    """Where A's content shows.

    Args:
        a: luminance of A, float `[height, width]`.
        b: luminance of B, the same size.
        options: mode and balance.
        mask: float `[height, width]` from 0 to 1, for the mode "mask".

    Returns:
        float32 `[height, width]`: all 1 at a balance of 1, all 0 at 0.

    Raises:
        UserError: the mode needs a mask and there is none, or the other way round.
    """
    options.check_mask(mask is not None)
    balance = options.content_balance
    if options.mode == "scalar":
        return np.full(a.shape, balance, np.float32)
    if mask is not None:
        return shift_mask(gaussian_blur(mask, FEATHER * a.shape[1]), balance)
    return saliency_mask(a, b, balance)


def saliency_mask(a: np.ndarray, b: np.ndarray, balance: float) -> np.ndarray:
    """Where A shows because it is more detailed there; A's share of the area is `balance`.

    The pictures are compared by local activity, the smoothed gradient energy, as infra-red and
    visible image fusion weighs its sources (after Xu et al. 2020, U2Fusion, eq. 2 and 3). Places
    are ranked by the difference in activity, so that a step of the balance always moves the same
    area, even if one picture is much sharper.

    Args:
        a: luminance, float `[height, width]`.
        b: luminance of the other picture, the same size.
        balance: from 0 to 1.

    Returns:
        float32 `[height, width]` from 0 to 1, soft where the ranks are close.
    """
    if balance in (0.0, 1.0):
        return np.full(a.shape, balance, np.float32)
    gradient_sigma, activity_sigma = GRADIENT_SCALE * a.shape[1], ACTIVITY_SCALE * a.shape[1]
    gradients = (np.gradient(gaussian_blur(x, max(gradient_sigma, 1))) for x in (a, b))
    activity = [
        np.log(np.maximum(gaussian_blur(np.hypot(*gradient), activity_sigma), 0) + 1e-2)
        for gradient in gradients
    ]
    rank = _ranks(activity[0] - activity[1])
    # the rank of an even mix, such that the mask's mean over all ranks is the balance
    odds = np.expm1(SHARPNESS * balance) / (np.exp(SHARPNESS) - np.exp(SHARPNESS * balance))
    threshold = -np.log(odds) / SHARPNESS
    return (1 / (1 + np.exp(-SHARPNESS * (rank - threshold)))).astype(np.float32)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks as shares, from above 0 to 1; equal values have their mean rank."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return (ranks / values.size)[index].reshape(values.shape)


def shift_mask(mask: np.ndarray, balance: float) -> np.ndarray:
    """Shift a mask towards one picture.

    At a balance of ½ the mask stays as it is, at 1 it is all 1, at 0 all 0. In between the odds of
    every value are multiplied by balance / (1 − balance), so that undecided places change first.

    Args:
        mask: `[height, width]`, from 0 to 1.
        balance: from 0 to 1.

    Returns:
        float32 of the mask's shape.
    """
    mask = np.clip(mask, 0, 1).astype(np.float32)
    if balance in (0.0, 1.0):
        return np.full_like(mask, balance)
    a, b = balance * mask, (1 - balance) * (1 - mask)
    return a / np.maximum(a + b, 1e-9)


def style_regions(mask: np.ndarray, balance: float) -> np.ndarray:
    """Each style's share per pixel if every content has its own style.

    Args:
        mask: where A's content shows, `[height, width]`.
        balance: shifts all shares towards A's style (1) or B's (0).

    Returns:
        float32 `[height, width, 2]`; the last axis sums to 1.
    """
    share = shift_mask(mask, balance)
    return np.stack([share, 1 - share], axis=-1)
