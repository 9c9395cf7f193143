"""Content preservation: can a patch of the output be found again in the content picture?"""

import numpy as np

from stylefuse.evaluation.metrics.ssim import luminance

PATCH = 32  # side of a patch, pixels


def patch_retrieval(output: np.ndarray, content: np.ndarray) -> float:
    """Compute the share of output patches whose best match in the content is at the same place.

    Patches of 32×32 pixels are compared by the correlation of their luminances, which ignores
    brightness and contrast. Chance level is one over the number of patches.

    Args:
        output: uint8 `[height, width, 3]`.
        content: the same shape.

    Returns:
        0 to 1.
    """
    output_patches, content_patches = (_standard_patches(luminance(p)) for p in (output, content))
    best_match = (output_patches @ content_patches.T).argmax(axis=1)
    return float((best_match == np.arange(len(output_patches))).mean())


def _standard_patches(channel: np.ndarray) -> np.ndarray:
    """Patches of zero mean and unit norm, `[patches, PATCH²]`."""
    rows, columns = (n // PATCH for n in channel.shape)
    grid = channel[: rows * PATCH, : columns * PATCH].reshape(rows, PATCH, columns, PATCH)
    patches = grid.transpose(0, 2, 1, 3).reshape(rows * columns, PATCH * PATCH)
    patches = patches - patches.mean(axis=1, keepdims=True)
    return patches / (np.linalg.norm(patches, axis=1, keepdims=True) + 1e-6)
