"""TODO docstring."""

import numpy as np

from stylefuse.evaluation.metrics.ssim import luminance

PATCH = 32  # side of the patches of `patch_retrieval`, pixels


def patch_retrieval(output: np.ndarray, content: np.ndarray) -> float:
    """Share of the output's patches whose best match in the content lies at the same place.

    Patches of 32×32 pixels are compared by the correlation of their luminances, which brightness
    and contrast do not change; chance is one over the number of patches.
    """
    ours, theirs = (_standard_patches(luminance(picture)) for picture in (output, content))
    nearest = (ours @ theirs.T).argmax(axis=1)
    return float((nearest == np.arange(len(ours))).mean())


def _standard_patches(picture: np.ndarray) -> np.ndarray:
    rows, columns = (n // PATCH for n in picture.shape)
    cut = picture[: rows * PATCH, : columns * PATCH].reshape(rows, PATCH, columns, PATCH)
    patches = cut.transpose(0, 2, 1, 3).reshape(rows * columns, PATCH * PATCH)
    patches = patches - patches.mean(axis=1, keepdims=True)
    return patches / (np.linalg.norm(patches, axis=1, keepdims=True) + 1e-6)
