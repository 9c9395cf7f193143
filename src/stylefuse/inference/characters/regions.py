"""Soft regions of a picture of a person: skin, hair, clothes and ground.

Each region begins with places that are almost sure to belong to it, told by the face. A pixel
belongs to the regions whose colours there are like its own, and that are near.
"""

import numpy as np

from stylefuse.inference.characters import masks
from stylefuse.inference.characters.filters import guided
from stylefuse.inference.faces.face import Face
from stylefuse.inference.faces.landmarks import CHIN, FOREHEAD, OVAL

REGIONS = "skin", "hair", "clothes", "ground"
MIN_VARIANCE = 20.0  # of a region's colours in L*a*b*
MIN_PIXELS = 16  # a region of fewer sure pixels is not in the picture
ABSENT, MAX_UNLIKE = -60.0, 40.0  # log-likelihood; squared Mahalanobis distance of colours
DISTANCE_WEIGHT = 3.0  # of the distance from sure places, in reaches
REACH = 0.8  # how far a region reaches from its sure places, in widths of the face
SOFTNESS = 1 / 60  # radius of the filter that smooths regions, in widths of the face


def find_regions(lab: np.ndarray, face: Face) -> np.ndarray:
    """Soft masks of the regions.

    Args:
        lab: `[height, width, 3]`, L*a*b*.
        face: in the picture.

    Returns:
        float32 `[height, width, 4]`, shares that sum to 1, in the order of `REGIONS`.
    """
    size = lab.shape[1], lab.shape[0]
    seeds = _seeds(face, size)
    scores = [_score(lab, seed, face.width) for seed in seeds]
    shares = np.exp(np.stack(scores, axis=-1) - np.max(scores, axis=0)[..., None])
    shares[..., 1:] *= (1 - seeds[0])[..., None]  # no hair inside the face
    radius = max(1, round(SOFTNESS * face.width))
    smooth = [guided(shares[..., i], lab[..., 0], radius, 25.0) for i in range(len(REGIONS))]
    stacked = np.clip(np.stack(smooth, axis=-1), 1e-3, None)
    result: np.ndarray = stacked / stacked.sum(-1, keepdims=True)
    return result


def _seeds(face: Face, size: masks.Size) -> list[np.ndarray]:
    """Masks of places that are almost sure to belong to each region."""
    flat, width = face.flat, face.width
    up = flat[FOREHEAD] - flat[CHIN]
    outline = flat[list(OVAL)]
    head = masks.polygon(outline + 0.15 * up, size, 1, 1.3)
    skin = masks.inner_face(flat, size, 1, scale=0.8)
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    places = np.stack([columns, rows], axis=-1) - flat.mean(0)
    height = places @ up / (up @ up)
    side = np.linalg.norm(places - height[..., None] * up, axis=-1) / width
    whole = masks.polygon(outline, size, 1, 1.05)
    hair = head * (1 - whole) * (height > 0.25)
    clothes = ((height < -1.0) & (side < 0.8)).astype(np.float32)
    ground = ((height > -0.3) & (side > 1.1)).astype(np.float32)
    return [skin, hair, clothes, ground]


def _score(lab: np.ndarray, seed: np.ndarray, width: float) -> np.ndarray:
    """Log-likelihood of a region at each pixel, but for a constant."""
    sure = lab[seed > 0.5]
    if len(sure) < MIN_PIXELS:
        return np.full(seed.shape, ABSENT, np.float32)
    covariance = np.cov(sure.T) + MIN_VARIANCE * np.eye(3)
    difference = lab - sure.mean(0)
    likeness = np.einsum("hwi,ij,hwj->hw", difference, np.linalg.inv(covariance), difference)
    distance = _distance(seed > 0.5) / (REACH * width)
    spread = np.log(np.linalg.det(covariance))
    return -0.5 * (np.minimum(likeness, MAX_UNLIKE) + spread) - DISTANCE_WEIGHT * distance


def _distance(mask: np.ndarray) -> np.ndarray:
    """City-block distance to a mask in pixels."""
    result = np.where(mask, 0.0, float(sum(mask.shape)))
    for axis in (0, 1):
        steps = np.expand_dims(np.arange(mask.shape[axis], dtype=float), 1 - axis)
        forward = np.minimum.accumulate(result - steps, axis=axis) + steps
        turned = np.flip(result + steps, axis)
        backward = np.flip(np.minimum.accumulate(turned, axis=axis), axis) - steps
        result = np.minimum(forward, backward)
    return result
