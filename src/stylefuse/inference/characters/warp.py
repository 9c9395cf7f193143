"""Warping a picture so that points of it come to lie at other points: thin-plate splines.

A spline bends as little as possible (Bookstein 1989). It need not pass through all points exactly:
on the far side of a turned face, points fold over each other, and a spline through them would tear.
"""

import numpy as np
from PIL import Image

SMOOTHING = 2e-4  # bending energy against distances, see `ThinPlateSpline`
GRID = 8  # pixels between the places where a spline is computed


class ThinPlateSpline:
    """A smooth map of the plane that takes points near to others.

    It is f(x) = A·(1, x) + Σ wᵢ·U(|x − pᵢ|) with U(r) = r² log r², where the wᵢ have no affine part
    and minimise |f(pᵢ) − qᵢ|² + n·λ·(bending energy) (Wahba 1990, eq. 2.4.23).

    Args:
        sources: p, `[n, 2]`.
        targets: q, `[n, 2]`.
        scale: pixels; of the points, so that λ does not depend on the picture's size.
        smoothing: λ.
    """

    def __init__(
        self, sources: np.ndarray, targets: np.ndarray, scale: float, smoothing: float = SMOOTHING
    ):
        self._scale, self._points = scale, sources / scale
        count = len(sources)
        affine = np.concatenate([np.ones((count, 1)), self._points], axis=1)
        system = np.zeros((count + 3, count + 3))
        system[:count, :count] = _kernel(self._points, self._points)
        system[np.arange(count), np.arange(count)] += count * smoothing
        system[:count, count:], system[count:, :count] = affine, affine.T
        values = np.concatenate([targets, np.zeros((3, 2))])
        self._weights = np.linalg.solve(system, values)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Map points `[m, 2]`."""
        scaled = points / self._scale
        affine = np.concatenate([np.ones((len(points), 1)), scaled], axis=1)
        mapped: np.ndarray = (
            _kernel(scaled, self._points) @ self._weights[:-3] + affine @ self._weights[-3:]
        )
        return mapped


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    square = ((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T).clip(min=1e-12)
    return square * np.log(square)


def similarity(sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The rotation, scaling and shift that takes points nearest to others (Umeyama 1991).

    Args:
        sources: `[n, d]`.
        targets: `[n, d]`.

    Returns:
        A matrix `[d + 1, d]`, for points with a 1 appended; see `apply`.
    """
    a, b = sources - sources.mean(0), targets - targets.mean(0)
    left, values, right = np.linalg.svd(b.T @ a)
    signs = np.ones(len(values))
    signs[-1] = np.sign(np.linalg.det(left) * np.linalg.det(right))
    matrix = (left * signs) @ right * ((values * signs).sum() / (a**2).sum())
    return np.concatenate([matrix.T, (targets.mean(0) - sources.mean(0) @ matrix.T)[None]])


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Map points `[n, d]` by a matrix of `similarity`."""
    mapped: np.ndarray = points @ matrix[:-1] + matrix[-1]
    return mapped


def draw_warped(
    picture: np.ndarray, spline: ThinPlateSpline, corner: tuple[int, int], size: tuple[int, int]
) -> np.ndarray:
    """Draw a part of a warped picture, bilinearly.

    Args:
        picture: `[height, width, n]`; what is outside repeats its border.
        spline: maps pixels of the result to pixels of the picture.
        corner: left and top of the part, in pixels of the result.
        size: width and height of the part.

    Returns:
        float32 `[height, width, n]` of the part.
    """
    limits = np.array(picture.shape[1::-1]) - 1
    places = np.clip(_dense(spline, corner, size), 0, limits)
    whole = np.minimum(places.astype(int), limits - 1)
    x, y = (places - whole).transpose(2, 0, 1)[..., None].astype(np.float32)
    column, row = whole[..., 0], whole[..., 1]
    upper = picture[row, column] * (1 - x) + picture[row, column + 1] * x
    lower = picture[row + 1, column] * (1 - x) + picture[row + 1, column + 1] * x
    return (upper * (1 - y) + lower * y).astype(np.float32)


def _dense(spline: ThinPlateSpline, corner: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """The spline at every pixel of a part, `[height, width, 2]`, interpolated between a grid."""
    counts = [-(-length // GRID) + 3 for length in size]
    columns, rows = ((np.arange(count) - 1) * GRID for count in counts)
    places = np.stack(np.meshgrid(columns + corner[0], rows + corner[1]), axis=-1)
    values = spline(places.reshape(-1, 2)).reshape(*places.shape).astype(np.float32)
    # pixel 0 has the place of grid point 1, and the centre of a pixel is half a pixel inside it
    start = 1.5 - 0.5 / GRID
    box = (start, start, start + size[0] / GRID, start + size[1] / GRID)
    maps = [
        Image.fromarray(values[..., axis]).resize(size, Image.Resampling.BICUBIC, box)
        for axis in (0, 1)
    ]
    return np.stack([np.asarray(x) for x in maps], axis=-1)
