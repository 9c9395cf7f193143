"""Restoration of every kind of damage, beside the best that nobody had to train for it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import track

from stylefuse.evaluation import metrics
from stylefuse.evaluation.bench import MANIFEST, Bench
from stylefuse.evaluation.classical import CLASSICAL
from stylefuse.evaluation.pairs import drawn, held_out, squares
from stylefuse.evaluation.report import OURS, Page, Picture, Table
from stylefuse.evaluation.scores import Scores
from stylefuse.evaluation.sheets import save_grid
from stylefuse.models.restore.damage import KINDS, damage

MEASURES = {"psnr": metrics.psnr, "ssim": metrics.colour_ssim}
SIDE = 160  # of a picture in the sheet

Row = dict[str, float]  # of figures


def judge(bench: Bench) -> tuple[dict[str, Any], Page]:
    """Damage held-out photographs in every way, and have every method restore them."""
    clean = _photographs(bench)
    per_kind: dict[str, dict[str, Row]] = {}
    columns = []
    for number, kind in enumerate(track(KINDS, description="damaging and restoring")):
        damaged = _damaged(bench, clean, number)
        restored = {
            "damaged": damaged,
            **{name: list(map(method, damaged)) for name, method in CLASSICAL[kind].items()},
            OURS: list(map(bench.artist.render, damaged)),
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
    sheet = bench.sheets / "kinds.png"
    rows = list(zip(*columns, strict=True))
    save_grid(sheet, rows, SIDE, KINDS, ["damaged", "best classical", "restored", "original"])
    return result, _page(bench, result, Picture(sheet, "one column per kind of damage"))


def score(bench: Bench) -> Scores:
    """Every photograph damaged in every way and restored: nearness to the original."""
    clean = _photographs(bench)
    found: dict[str, list[float]] = {name: [] for name in MEASURES}
    for number in track(range(len(KINDS)), description="damaging and restoring"):
        for picture, damaged in zip(clean, _damaged(bench, clean, number), strict=True):
            restored = bench.artist.render(damaged)
            for name, measure in MEASURES.items():
                found[name].append(measure(picture, restored))
    figures = {name: np.array(values) for name, values in found.items()}
    return Scores("psnr", figures, groups=np.tile(np.arange(len(clean)), len(KINDS)))


def _photographs(bench: Bench) -> np.ndarray:
    """Some of the held-out photographs, uint8 `[n, size, size, 3]`."""
    stream = np.random.default_rng(bench.params.seed)
    paths = held_out(pd.read_parquet(MANIFEST), bench.split, "photograph")
    return squares(drawn(paths, bench.settings.photographs, stream), bench.settings.size)


def _damaged(bench: Bench, clean: np.ndarray, number: int) -> list[np.ndarray]:
    """The photographs with one of `KINDS` of damage each, as strong as chance has it."""
    return [
        damage(picture, KINDS[number], np.random.default_rng([bench.params.seed, number, i]))
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


def _page(bench: Bench, result: dict[str, Any], sheet: Picture) -> Page:
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
            "Damaged, restored, and as it was": [sheet],
            "All kinds": [
                Table(methods),
                f"{result['photographs']} photographs of the {bench.split} split, each damaged in "
                "every way and as strongly as chance would have it. PSNR and SSIM are of red, "
                "green and blue. The classical methods know the kind of damage, stylefuse does "
                "not; where one of them is best in PSNR and another in SSIM, both count as best.",
            ],
            "Kind by kind": [_table(kind, rows) for kind, rows in result["per_kind"].items()],
        },
    )
