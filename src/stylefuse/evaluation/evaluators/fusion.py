"""Evaluation of fusion on held-out pictures: effect of the options, endpoints and modes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.progress import track
from scipy.ndimage import gaussian_filter

from stylefuse.evaluation.metrics.features import Features
from stylefuse.evaluation.metrics.fusion import (
    DETAIL,
    double_exposure,
    edge_transfer,
    monotonicity,
    path_smoothness,
    seam_energy,
    style_position,
)
from stylefuse.evaluation.metrics.ssim import luminance, ssim
from stylefuse.evaluation.pairs import Pairs
from stylefuse.evaluation.sample_grids import save_grid
from stylefuse.inference.options import FusionOptions
from stylefuse.inference.transfer import TransferPredictor

MAX_PAIRS = 20  # of a photograph and a painting, and as many of two pictures of one domain
BALANCE_STRIDE = 2  # every other pair is fused at all `BALANCES`
BALANCES = np.linspace(0, 1, 9)
GRID_BALANCES = {0.0: "B", 0.25: "0.25", 0.5: "0.5", 0.75: "0.75", 1.0: "A"}  # value → caption
GRID_ROWS, CELL_SIDE = 6, 144  # of a sample grid; the side in pixels

FusionPair = tuple[np.ndarray, np.ndarray]  # A and B, uint8 [size, size, 3] each
Network = Callable[[np.ndarray], Features]


def make_fusion_pairs(pairs: Pairs, seed: int) -> list[FusionPair]:
    """Pair photographs with paintings, then photographs and paintings among themselves."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(pairs.rows)[:MAX_PAIRS]
    fusion_pairs = [(pairs.photographs[i], pairs.paintings[j]) for i, j in rows]
    for pictures in (pairs.photographs, pairs.paintings):
        for _ in range(MAX_PAIRS // 2):
            a, b = rng.choice(len(pictures), 2, replace=False)
            fusion_pairs.append((pictures[a], pictures[b]))
    return fusion_pairs


def evaluate_fusion(
    predictor: TransferPredictor, network: Network, pairs: list[FusionPair]
) -> dict[str, Any]:
    """Compute metrics of the balances, of their endpoints and of the modes."""
    balance_pairs = pairs[::BALANCE_STRIDE]
    content_options = partial(FusionOptions, style_balance=0.5)
    style_options = partial(FusionOptions, 0.5)
    endpoints, max_difference = _evaluate_endpoints(predictor, pairs)
    return {
        "pairs": len(pairs),
        "balance_pairs": len(balance_pairs),
        "balances": {
            "content": _evaluate_balance(
                predictor, balance_pairs, content_options, _scene_descriptors
            ),
            "style": _evaluate_balance(
                predictor, balance_pairs, style_options, lambda pictures: network(pictures).style
            ),
        },
        "endpoints": endpoints,
        "max_difference": max_difference,
        "modes": _evaluate_modes(predictor, pairs),
    }


def _evaluate_balance(
    predictor: TransferPredictor,
    pairs: list[FusionPair],
    options: Callable[[float], FusionOptions],
    descriptors: Callable[[np.ndarray], np.ndarray],
) -> dict[str, float]:
    """Metrics of the path from B to A along a balance, averaged over pairs.

    Args:
        predictor: fuses the pairs.
        pairs: the pictures.
        options: the options for a value of the balance.
        descriptors: pictures `[n, size, size, 3]` → what the balance should change, `[n, d]`.
    """
    values = []
    for a, b in track(pairs, description="fusing at several balances"):
        path = np.stack([_fuse(predictor, a, b, options(float(value))) for value in BALANCES])
        position = style_position(descriptors(path), *descriptors(np.stack([a, b])))
        reach = position[-1] - position[0]
        values.append((monotonicity(position), reach, path_smoothness(path)))
    return _named(("monotonicity", "reach", "smoothness"), np.mean(values, axis=0))


def _scene_descriptors(pictures: np.ndarray) -> np.ndarray:
    """Luminance without mean, contrast and brushwork, `[n, size²]`."""
    lights = [luminance(picture) for picture in pictures]
    smooth = np.stack([gaussian_filter(x, DETAIL * x.shape[1]).ravel() for x in lights])
    smooth -= smooth.mean(axis=1, keepdims=True)
    return smooth / (smooth.std(axis=1, keepdims=True) + 1e-9)


def _evaluate_endpoints(
    predictor: TransferPredictor, pairs: list[FusionPair]
) -> tuple[dict[str, Any], int]:
    """Compare fusions with both balances at 0 or 1, and reconstructions, with the originals.

    Returns:
        The metrics of both, and the largest difference between them in levels.
    """
    fusions, reconstructions, max_difference = [], [], 0
    for pair in track(pairs, description="fusing at the endpoints"):
        for original, balance in zip(pair, (1.0, 0.0), strict=True):
            fused = _fuse(predictor, *pair, FusionOptions(balance, balance))
            reconstruction = _reconstruct(predictor, original)
            fusions.append(_similarity(original, fused))
            reconstructions.append(_similarity(original, reconstruction))
            difference = int(np.abs(fused - reconstruction.astype(int)).max())
            max_difference = max(max_difference, difference)
    rows = {"fusion": fusions, "reconstruction": reconstructions}
    metrics = ("ssim", "difference")
    return {
        name: _named(metrics, np.mean(values, axis=0)) for name, values in rows.items()
    }, max_difference


def _similarity(original: np.ndarray, picture: np.ndarray) -> tuple[float, float]:
    difference = np.abs(original.astype(int) - picture).mean()
    return ssim(original, picture), float(difference)


def _evaluate_modes(
    predictor: TransferPredictor, pairs: list[FusionPair]
) -> dict[str, dict[str, float]]:
    """Metrics of every mode with balanced options, of cross-fades and of a cut."""
    values: dict[str, list[tuple[float, float, float]]] = {}
    for a, b in track(pairs, description="fusing in every mode"):
        for name, fused in _fuse_in_every_mode(predictor, a, b).items():
            seam = seam_energy(fused, _left_half(a))
            row = double_exposure(a, b, fused), edge_transfer(a, b, fused), seam
            values.setdefault(name, []).append(row)
    return {name: _mode_metrics(rows) for name, rows in values.items()}


def _mode_metrics(rows: list[tuple[float, float, float]]) -> dict[str, float]:
    exposures, edges, seams = np.transpose(rows)
    return {
        "double_exposure": float(np.mean(exposures)),
        "edge_transfer": float(np.mean(edges)),
        "seam_energy": float(np.median(seams)),  # flat surroundings make single values huge
    }


def _fuse_in_every_mode(
    predictor: TransferPredictor, a: np.ndarray, b: np.ndarray
) -> dict[str, np.ndarray]:
    left = _left_half(a)
    mask = Image.fromarray(np.uint8(255) * left)
    reconstructions = [_reconstruct(predictor, picture) for picture in (a, b)]
    return {
        "saliency": _fuse(predictor, a, b, FusionOptions()),
        "mask": _fuse(predictor, a, b, FusionOptions(mode="mask"), mask),
        "mask, seamless": _fuse(predictor, a, b, FusionOptions(mode="mask", seamless=True), mask),
        "scalar": _fuse(predictor, a, b, FusionOptions(mode="scalar")),
        "cross-fade": _cross_fade(a, b),
        "painted cross-fade": _cross_fade(*reconstructions),
        "cut": np.where(left[..., None], a, b),
    }


def save_fusion_grids(predictor: TransferPredictor, pairs: list[FusionPair], folder: Path) -> None:
    """Write one pair at several balances, and some pairs in every mode side by side."""
    a, b = pairs[0]
    rows: list[list[np.ndarray | None]] = []
    for style, original in zip(GRID_BALANCES, (b, None, None, None, a), strict=True):
        options = [FusionOptions(content, style) for content in GRID_BALANCES]
        rows.append([original, *(_fuse(predictor, a, b, each) for each in options)])
    columns = ["originals", *(f"content {name}" for name in GRID_BALANCES.values())]
    row_names = [f"style {name}" for name in GRID_BALANCES.values()]
    save_grid(folder / "fusion.png", rows, CELL_SIDE, columns, row_names)

    selected = pairs[:: max(1, len(pairs) // GRID_ROWS)][:GRID_ROWS]
    modes = [_fuse_in_every_mode(predictor, *pair) for pair in selected]
    rows = [[*pair, *fused.values()] for pair, fused in zip(selected, modes, strict=True)]
    save_grid(folder / "modes.png", rows, CELL_SIDE, ["A", "B", *modes[0]])


def _fuse(
    predictor: TransferPredictor,
    a: np.ndarray,
    b: np.ndarray,
    options: FusionOptions,
    mask: Image.Image | None = None,
) -> np.ndarray:
    return np.asarray(predictor.fuse(Image.fromarray(a), Image.fromarray(b), options, mask))


def _reconstruct(predictor: TransferPredictor, picture: np.ndarray) -> np.ndarray:
    return predictor.stylizer.render(picture, predictor.style([Image.fromarray(picture)]).code)


def _cross_fade(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.rint((a + b.astype(float)) / 2).astype(np.uint8)


def _left_half(picture: np.ndarray) -> np.ndarray:
    """A mask of the left half, bool `[height, width]`."""
    height, width = picture.shape[:2]
    return np.tile(np.arange(width) < width // 2, (height, 1))


def _named(names: tuple[str, ...], values: np.ndarray) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))
