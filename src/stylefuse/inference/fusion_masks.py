"""Whose content shows where, and whose style: the dials of a fusion as masks."""

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude
from scipy.stats import rankdata

from stylefuse.inference.options import FusionOptions

NEAR, FAR = 0.004, 0.04  # scales at which activity is seen and compared, shares of the width
SHARPNESS = 25.0  # how soon the livelier picture takes all, per unit of rank
FEATHER = 0.01  # softness of a given mask's edge, share of the width


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
        UserError: the mode needs a mask, or was given one in vain.
    """
    options.check_mask(mask is not None)
    balance = options.content_balance
    if options.mode == "scalar":
        return np.full(a.shape, balance, np.float32)
    if mask is not None:
        return leaning(gaussian_filter(mask, FEATHER * a.shape[1]), balance)
    return saliency(a, b, balance)


def saliency(a: np.ndarray, b: np.ndarray, balance: float) -> np.ndarray:
    """Where A shows because more goes on there: its share is `balance` of the whole.

    Local activities, the smoothed gradient energies of both pictures, decide, as fusion of
    infra-red and visible pictures weighs its sources (after Xu et al. 2020, U2Fusion, eq. 2 and
    3). Places are ranked by A's lead, so that a step of the balance always moves as much of the
    picture, however much sharper one of the two is.

    Args:
        a: luminance, float `[height, width]`.
        b: the same of the other picture.
        balance: from 0 to 1.

    Returns:
        float32 `[height, width]` from 0 to 1, soft where the ranks are close.
    """
    if balance in (0.0, 1.0):
        return np.full(a.shape, balance, np.float32)
    near, far = NEAR * a.shape[1], FAR * a.shape[1]
    activity = [
        np.log(gaussian_filter(gaussian_gradient_magnitude(x, max(near, 1)), far) + 1e-2)
        for x in (a, b)
    ]
    lead = activity[0] - activity[1]
    rank = (rankdata(lead) / lead.size).reshape(lead.shape)
    # the rank at which both are mixed evenly, for A's share of all ranks to be the balance
    odds = np.expm1(SHARPNESS * balance) / (np.exp(SHARPNESS) - np.exp(SHARPNESS * balance))
    border = -np.log(odds) / SHARPNESS
    return (1 / (1 + np.exp(-SHARPNESS * (rank - border)))).astype(np.float32)


def leaning(mask: np.ndarray, balance: float) -> np.ndarray:
    """A mask leant to one side: itself at a balance of ½, all 1 at 1, all 0 at 0, and on the way
    every place goes over smoothly, the ones in doubt first (a Möbius map of the odds)."""
    mask = np.clip(mask, 0, 1).astype(np.float32)
    if balance in (0.0, 1.0):
        return np.full_like(mask, balance)
    a, b = balance * mask, (1 - balance) * (1 - mask)
    return a / np.maximum(a + b, 1e-9)


def style_regions(mask: np.ndarray, balance: float) -> np.ndarray:
    """Shares of the two styles, float32 `[height, width, 2]`, where each content has its own."""
    share = leaning(mask, balance)
    return np.stack([share, 1 - share], axis=-1)
