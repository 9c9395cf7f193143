"""Restoration of every kind of damage, beside the best that nobody had to train for it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import track

from stylefuse.evaluation.baselines.classical import CLASSICAL
from stylefuse.evaluation.comparison import PictureResults
from stylefuse.evaluation.context import MANIFEST, EvaluationContext
from stylefuse.evaluation.metrics.psnr import psnr
from stylefuse.evaluation.metrics.ssim import colour_ssim
from stylefuse.evaluation.pairs import drawn, held_out, squares
from stylefuse.evaluation.report import OURS, Page, Picture, Table
from stylefuse.evaluation.sample_grids import save_grid
from stylefuse.models.restore.degradation import KINDS, degrade

MEASURES = {"psnr": psnr, "ssim": colour_ssim}
SIDE = 160  # of a picture in the sheet

Row = dict[str, float]  # of figures


def judge(context: EvaluationContext) -> tuple[dict[str, Any], Page]:
    """Damage held-out photographs in every way, and have every method restore them."""
    clean = _photographs(context)
    per_kind: dict[str, dict[str, Row]] = {}
    columns = []
    for number, kind in enumerate(track(KINDS, description="damaging and restoring")):
        degraded = _damaged(context, clean, number)
        restored = {
            "damaged": degraded,
            **{name: list(map(method, degraded)) for name, method in CLASSICAL[kind].items()},
            OURS: list(map(context.predictor.render, degraded)),
        }
        per_kind[kind] = {name: _figures(clean, made) for name, made in restored.items()}
        shown = number * len(clean) // len(KINDS)
        names = ("damaged", _best(per_kind[kind], "psnr"), OURS)
        columns.append([*(restored[name][shown] for name in names), clean[shown]])

    result = {
        "photographs": len(clean),
        "kinds": len(KINDS),
        "first_in_both": sum(map(_first_in_both, per_kind.values())),
        "methods": {
            "damaged": _mean([rows["damaged"] for rows in per_kind.values()]),
            "best classical": _mean([_best_classical(rows) for rows in per_kind.values()]),
            OURS: _mean([rows[OURS] for rows in per_kind.values()]),
        },
        "per_kind": per_kind,
    }
    sample_grid = context.sample_grids / "kinds.png"
    rows = list(zip(*columns, strict=True))
    save_grid(sample_grid, rows, SIDE, KINDS, ["damaged", "best classical", "restored", "original"])
    return result, _page(context, result, Picture(sample_grid, "one column per kind of damage"))


def score(context: EvaluationContext) -> PictureResults:
    """Every photograph damaged in every way and restored: nearness to the original."""
    clean = _photographs(context)
    found: dict[str, list[float]] = {name: [] for name in MEASURES}
    for number in track(range(len(KINDS)), description="damaging and restoring"):
        for picture, degraded in zip(clean, _damaged(context, clean, number), strict=True):
            restored = context.predictor.render(degraded)
            for name, measure in MEASURES.items():
                found[name].append(measure(picture, restored))
    figures = {name: np.array(values) for name, values in found.items()}
    return PictureResults("psnr", figures, groups=np.tile(np.arange(len(clean)), len(KINDS)))


def _photographs(context: EvaluationContext) -> np.ndarray:
    """Some of the held-out photographs, uint8 `[n, size, size, 3]`."""
    rng = np.random.default_rng(context.params.seed)
    paths = held_out(pd.read_parquet(MANIFEST), context.split, "photograph")
    return squares(drawn(paths, context.settings.photographs, rng), context.settings.size)


def _damaged(context: EvaluationContext, clean: np.ndarray, number: int) -> list[np.ndarray]:
    """The photographs with one of `KINDS` of damage each, as strong as chance has it."""
    return [
        degrade(picture, KINDS[number], np.random.default_rng([context.params.seed, number, i]))
        for i, picture in enumerate(clean)
    ]


def _figures(clean: np.ndarray, restored: Sequence[np.ndarray]) -> Row:
    """Means over pictures."""
    return {
        name: float(np.mean(list(map(measure, clean, restored))))
        for name, measure in MEASURES.items()
    }


def _best(rows: dict[str, Row], figure: str) -> str:
    """The classical method that is best in one figure."""
    return max(rows.keys() - {"damaged", OURS}, key=lambda name: (rows[name][figure], name))


def _best_classical(rows: dict[str, Row]) -> Row:
    """Each figure of the method that is best in it, though no one method may be so in both."""
    return {figure: rows[_best(rows, figure)][figure] for figure in MEASURES}


def _first_in_both(rows: dict[str, Row]) -> bool:
    others = [row for name, row in rows.items() if name != OURS]
    return all(rows[OURS][figure] > row[figure] for row in others for figure in MEASURES)


def _mean(rows: Sequence[Row]) -> Row:
    return {figure: float(np.mean([row[figure] for row in rows])) for figure in MEASURES}


def _table(kind: str, rows: dict[str, Row]) -> Table:
    names = dict.fromkeys(["damaged", *(_best(rows, figure) for figure in MEASURES), OURS])
    return Table({name: rows[name] for name in names}, kind)


def _page(context: EvaluationContext, result: dict[str, Any], sample_grid: Picture) -> Page:
    methods = result["methods"]
    ours, classical = (
        methods[name]["psnr"] - methods["damaged"]["psnr"] for name in (OURS, "best classical")
    )
    return Page(
        "Restoration, judged on held-out photographs",
        f"On <b>{result['first_in_both']} of {result['kinds']}</b> kinds of damage stylefuse is "
        f"first in PSNR and SSIM alike. Over all kinds it gains <b>{ours:+.1f} dB</b> on the "
        f"damaged picture; the best classical method for each kind gains {classical:+.1f} dB.",
        {
            "Damaged, restored, and as it was": [sample_grid],
            "All kinds": [
                Table(methods),
                f"{result['photographs']} photographs of the {context.split} split, each damaged in "
                "every way and as strongly as chance would have it. PSNR and SSIM are of red, "
                "green and blue. The classical methods know the kind of damage, stylefuse does "
                "not; where one of them is best in PSNR and another in SSIM, both count as best.",
            ],
            "Kind by kind": [_table(kind, rows) for kind, rows in result["per_kind"].items()],
        },
    )
