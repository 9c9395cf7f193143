"""Fusions of held-out pictures: do the dials do what they say, and are two pictures fused at all?

A couple is two uint8 pictures `[size, size, 3]`, A and B.
"""

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

COUPLES = 20  # of a photograph and a painting, and as many of two of a kind
TURNED = 2  # dials are turned for every other couple
DIAL = np.linspace(0, 1, 9)
GRID = {0.0: "B", 0.25: "0.25", 0.5: "0.5", 0.75: "0.75", 1.0: "A"}  # a sheet's settings, named
SHOWN, SIDE = 6, 144  # couples of a sheet, and the side of a picture in it

Couple = tuple[np.ndarray, np.ndarray]
Network = Callable[[np.ndarray], Features]


def make_couples(pairs: Pairs, seed: int) -> list[Couple]:
    """Couples of a photograph and a painting, then of two photographs and of two paintings."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(pairs.rows)[:COUPLES]
    couples = [(pairs.photographs[i], pairs.paintings[j]) for i, j in rows]
    for pictures in (pairs.photographs, pairs.paintings):
        for _ in range(COUPLES // 2):
            a, b = rng.choice(len(pictures), 2, replace=False)
            couples.append((pictures[a], pictures[b]))
    return couples


def evaluate_fusion(
    predictor: TransferPredictor, network: Network, couples: list[Couple]
) -> dict[str, Any]:
    """Figures of the dials, of their ends and of the modes, by row and figure."""
    turned = couples[::TURNED]
    content = partial(FusionOptions, style_balance=0.5)
    style = partial(FusionOptions, 0.5)
    ends, difference = _ends(predictor, couples)
    return {
        "pairs": len(couples),
        "dialled": len(turned),
        "dials": {
            "content": _dial(predictor, turned, content, _scenes),
            "style": _dial(predictor, turned, style, lambda pictures: network(pictures).style),
        },
        "ends": ends,
        "largest_difference": difference,
        "modes": _modes(predictor, couples),
    }


def _dial(
    predictor: TransferPredictor,
    couples: list[Couple],
    options: Callable[[float], FusionOptions],
    described: Callable[[np.ndarray], np.ndarray],
) -> dict[str, float]:
    """How a dial moves pictures from B to A, averaged over couples.

    Args:
        artist: fuses.
        couples: what is fused.
        options: of a setting of the dial.
        described: pictures `[n, size, size, 3]` → what the dial should change, `[n, d]`.
    """
    found = []
    for a, b in track(couples, description="turning a dial"):
        path = np.stack([_fuse(predictor, a, b, options(float(setting))) for setting in DIAL])
        position = style_position(described(path), *described(np.stack([a, b])))
        reach = position[-1] - position[0]
        found.append((monotonicity(position), reach, path_smoothness(path)))
    return _named(("monotonicity", "reach", "smoothness"), np.mean(found, axis=0))


def _scenes(pictures: np.ndarray) -> np.ndarray:
    """Light and shade without brightness, contrast and brushwork, `[n, size²]`."""
    lights = [luminance(picture) for picture in pictures]
    smooth = np.stack([gaussian_filter(x, DETAIL * x.shape[1]).ravel() for x in lights])
    smooth -= smooth.mean(axis=1, keepdims=True)
    return smooth / (smooth.std(axis=1, keepdims=True) + 1e-9)


def _ends(predictor: TransferPredictor, couples: list[Couple]) -> tuple[dict[str, Any], int]:
    """Fusions with both dials at an end, and the network's reconstructions, against A and B; and
    the largest difference of the two, in levels."""
    fused, whole, largest = [], [], 0
    for couple in track(couples, description="fusing at the ends"):
        for original, end in zip(couple, (1.0, 0.0), strict=True):
            at_end = _fuse(predictor, *couple, FusionOptions(end, end))
            again = _reconstruct(predictor, original)
            fused.append(_nearness(original, at_end))
            whole.append(_nearness(original, again))
            largest = max(largest, int(np.abs(at_end - again.astype(int)).max()))
    rows = {"fusion at the ends": fused, "reconstruction": whole}
    names = ("ssim", "difference")
    return {name: _named(names, np.mean(row, axis=0)) for name, row in rows.items()}, largest


def _nearness(original: np.ndarray, picture: np.ndarray) -> tuple[float, float]:
    difference = np.abs(original.astype(int) - picture).mean()
    return ssim(original, picture), float(difference)


def _modes(predictor: TransferPredictor, couples: list[Couple]) -> dict[str, dict[str, float]]:
    """Every mode with its dials in the middle, beside cross-fades and a cut."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for a, b in track(couples, description="fusing in every mode"):
        for name, fused in _ways(predictor, a, b).items():
            seam = seam_energy(fused, _left(a))
            figures = double_exposure(a, b, fused), edge_transfer(a, b, fused), seam
            found.setdefault(name, []).append(figures)
    return {
        name: {
            "double_exposure": float(np.mean(exposures)),
            "edge_transfer": float(np.mean(edges)),
            "seam_energy": float(np.median(seams)),  # a flat surrounding makes one huge
        }
        for name, (exposures, edges, seams) in ((n, np.transpose(f)) for n, f in found.items())
    }


def _ways(predictor: TransferPredictor, a: np.ndarray, b: np.ndarray) -> dict[str, np.ndarray]:
    """A couple fused in every way."""
    left = _left(a)
    mask = Image.fromarray(np.uint8(255) * left)
    whole = [_reconstruct(predictor, picture) for picture in (a, b)]
    return {
        "saliency": _fuse(predictor, a, b, FusionOptions()),
        "mask": _fuse(predictor, a, b, FusionOptions(mode="mask"), mask),
        "mask, seamless": _fuse(predictor, a, b, FusionOptions(mode="mask", seamless=True), mask),
        "scalar": _fuse(predictor, a, b, FusionOptions(mode="scalar")),
        "cross-fade": _cross_fade(a, b),
        "painted cross-fade": _cross_fade(*whole),
        "cut": np.where(left[..., None], a, b),
    }


def save_fusions(predictor: TransferPredictor, couples: list[Couple], folder: Path) -> None:
    """One couple along both dials, and some couples in all ways side by side."""
    a, b = couples[0]
    rows: list[list[np.ndarray | None]] = []
    for style, original in zip(GRID, (b, None, None, None, a), strict=True):
        options = [FusionOptions(content, style) for content in GRID]
        rows.append([original, *(_fuse(predictor, a, b, each) for each in options)])
    columns = ["originals", *(f"content {name}" for name in GRID.values())]
    save_grid(folder / "fusion.png", rows, SIDE, columns, [f"style {n}" for n in GRID.values()])

    shown = couples[:: max(1, len(couples) // SHOWN)][:SHOWN]
    ways = [_ways(predictor, *couple) for couple in shown]
    rows = [[*couple, *fused.values()] for couple, fused in zip(shown, ways, strict=True)]
    save_grid(folder / "modes.png", rows, SIDE, ["A", "B", *ways[0]])


def _fuse(
    predictor: TransferPredictor,
    a: np.ndarray,
    b: np.ndarray,
    options: FusionOptions,
    mask: Image.Image | None = None,
) -> np.ndarray:
    return np.asarray(predictor.fuse(Image.fromarray(a), Image.fromarray(b), options, mask))


def _reconstruct(predictor: TransferPredictor, picture: np.ndarray) -> np.ndarray:
    return predictor.stylizer.render(picture, predictor.style_code([Image.fromarray(picture)]))


def _cross_fade(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.rint((a + b.astype(float)) / 2).astype(np.uint8)


def _left(picture: np.ndarray) -> np.ndarray:
    """The left half, bool `[height, width]`."""
    height, width = picture.shape[:2]
    return np.tile(np.arange(width) < width // 2, (height, 1))


def _named(names: tuple[str, ...], values: np.ndarray) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))
